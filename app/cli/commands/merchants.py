"""``liftlink merchant``: make a merchant, show it, change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from app.cli.commands.common import (
    ACTOR,
    chosen_merchant,
    json_option,
    merchant_option,
    note,
    opened,
    print_json,
    print_table,
    say,
)
from app.cli.commands.database import prepare_empty

if TYPE_CHECKING:
    from app.accounts.merchants import MerchantSummary

F = TypeVar("F", bound=Callable[..., Any])

TEXTS = ("terms", "refunds", "privacy", "next_step")
PLAIN: Mapping[str, str] = {
    "legal_name": "The company's name as it is registered.",
    "legal_address": "Its address, on one line.",
    "statement_name": "What stands on the shopper's card statement, 3 to 22 characters.",
    "help_email": "Where shoppers ask for help.",
    "help_phone": "Where shoppers call for help.",
    "account_url": "The shopper's account at the merchant, where renewals are cancelled.",
    "product_url": "Where the shopper goes on after buying.",
    "domain": "A host name; finds the merchant of a classic address without a link. Links begin with LIFTLINK_PUBLIC_URL.",
    "prefix": "What stands before subscription numbers: QM makes QM-1048.",
    "locale": "How to write money and dates if the customer's locale is not known, such as en-US.",
    "brand_colour": "The one colour of the brand, such as #0e5a73.",
    "reminder_days": "How many days before a renewal a reminder is sent.",
}
SEVERAL: Mapping[str, str] = {
    "tax_ids": "A tax number as printed on receipts. May be repeated.",
    "return_hosts": "A host that shoppers may be sent back to. May be repeated.",
    "languages": "A language, in the order the merchant prefers. May be repeated.",
}


def profile_options(command: F) -> F:
    """One option for each field of a profile."""
    for name in reversed(TEXTS):
        command = click.option(
            f"--{name.replace('_', '-')}", name, multiple=True, metavar="LANG=TEXT|URL|@FILE",
            help=f"The {name.replace('_', ' ')} in a language: a text, an address, or @ and a file. May be repeated.",
        )(command)  # fmt: skip
    command = click.option("--logo", type=click.Path(exists=True, dir_okay=False), help="A square SVG or PNG, at most 20 kB.")(command)  # fmt: skip
    for name, text in reversed(list(SEVERAL.items())):
        option = f"--{name.removesuffix('s').replace('_', '-')}"
        command = click.option(option, name, multiple=True, help=text)(command)
    for name, text in reversed(list(PLAIN.items())):
        command = click.option(f"--{name.replace('_', '-')}", name, help=text)(command)
    return command


def given_fields(given: Mapping[str, Any]) -> dict[str, object]:
    """The profile's fields that were on the command line, the logo looked into."""
    fields: dict[str, object] = {name: given[name] for name in PLAIN if given[name] is not None}
    fields |= {name: list(given[name]) for name in SEVERAL if given[name]}
    if given["logo"] is not None:
        fields["logo"] = read_logo(Path(given["logo"]))
    return fields


def read_logo(path: Path) -> dict[str, str]:
    """The picture as a profile holds it. ``LogoRefused`` says what to change in it."""
    from app.accounts.merchants import stored_logo
    from app.web.logo_check import check_logo

    logo = check_logo(path.read_bytes())
    return stored_logo(logo.kind, logo.content)


def given_texts(given: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Texts by field and language; ``en=@terms.txt`` reads a file, ``en=`` takes the text away."""
    texts: dict[tuple[str, str], str] = {}
    for name in TEXTS:
        for value in given[name]:
            language, equals, text = value.partition("=")
            if not equals:
                raise click.BadParameter(
                    "write a language, = and a text, such as en=@terms.txt", param_hint=f"--{name}"
                )
            if text.startswith("@"):
                try:
                    text = Path(text[1:]).read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    raise click.BadParameter(f"{text[1:]}: {error}", param_hint=f"--{name}") from None
            texts[name, language] = text
    return texts


@click.group()
def merchant() -> None:
    """Businesses that sell here. Each has a live and a test book with keys, catalog and customers of their own."""


@merchant.command()
@click.argument("code", required=False)
@click.option("--merchant", "named", metavar="CODE", help="The same as the argument CODE.")
@click.option("--name", required=True, help="What shoppers call it.")
@click.option("--timezone", default="UTC", show_default=True, help="The IANA zone in which its days begin.")
@click.option("--gateway", help="The payment gateway of its books. Default: LIFTLINK_GATEWAY.")
@profile_options
@json_option
def create(
    code: str | None, named: str | None, name: str, timezone: str, gateway: str | None, as_json: bool, **given: Any
) -> None:
    """Make the merchant CODE (a-z, 0-9, -) with both its books and a signing key in each."""
    from app.accounts.merchants import NewMerchant, create_merchant
    from app.config import read_settings
    from app.models.merchants import how_to_complete, missing_to_sell
    from app.wiring import check_schema, open_services
    from app.wiring.log import configure_log

    if (code or named) is None or (code and named and code != named):
        raise click.UsageError("name the merchant once: liftlink merchant create CODE --name …")
    texts = given_texts(given)
    per_language = {name: {lang: text for (field, lang), text in texts.items() if field == name} for name in TEXTS}
    fields = given_fields(given) | {name: found for name, found in per_language.items() if found}
    settings = read_settings()
    configure_log(settings)
    adapters = open_services(settings)
    try:
        if prepare_empty(adapters.store):
            note("the database was empty: its tables were made")
        check_schema(adapters.store)
        new = NewMerchant(code or named or "", name, timezone, fields, gateway or settings.gateway)
        made = create_merchant(
            adapters.store, adapters.clock, adapters.masters, adapters.randomness, new, actor=ACTOR
        )  # fmt: skip
    finally:
        adapters.close()
    if as_json:
        print_json(made)
        return
    say(f"merchant {made.code} is made")
    for book in made.books:
        say(f"  {book.mode}: gateway {book.gateway}, signing key {book.signing_key}")
    missing = missing_to_sell(made.profile)
    if missing:
        say(f"before it can sell: {how_to_complete(made.code, missing)}")


@merchant.command()
@click.argument("code", required=False)
@merchant_option
@json_option
def show(code: str | None, merchant: str | None, as_json: bool) -> None:
    """Show a merchant: what its pages print, its books and how many customers and subscriptions each holds."""
    from app.accounts.merchants import show_merchant

    with opened() as adapters:
        found = show_merchant(adapters.store, chosen_merchant(adapters, code or merchant))
    if as_json:
        print_json(found)
    else:
        _print(found)


@merchant.command("set")
@click.argument("code", required=False)
@merchant_option
@click.option("--name", help="What shoppers call it.")
@click.option("--timezone", help="The IANA zone in which its days begin.")
@click.option(
    "--mode", type=click.Choice(["live", "test"]), help="The book for --policy, --gateway, --gateway-account."
)
@click.option(
    "--policy", multiple=True, metavar="RULE=VALUE", help="A rule of pricing of one book; RULE= takes it away."
)
@click.option("--gateway", help="The payment gateway of one book.")
@click.option("--gateway-account", help="The account at that gateway.")
@profile_options
@json_option
def change(
    code: str | None,
    merchant: str | None,
    name: str | None,
    timezone: str | None,
    mode: str | None,
    policy: tuple[str, ...],
    gateway: str | None,
    gateway_account: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change what is given and leave the rest. Prices that shoppers have open are worked out anew where rules change."""  # fmt: skip
    from app.accounts.merchants import change_book, change_merchant, show_merchant

    rules = dict(_rule(text) for text in policy)
    of_a_book = bool(rules or gateway or gateway_account)
    if of_a_book and mode is None:
        raise click.UsageError(
            "--policy, --gateway and --gateway-account belong to one book: add --mode live or --mode test"
        )
    fields, texts = given_fields(given), given_texts(given)
    with opened() as adapters:
        chosen = chosen_merchant(adapters, code or merchant)
        if name is not None or timezone is not None or fields or texts:
            change_merchant(adapters.store, chosen, name=name, timezone=timezone, fields=fields, texts=texts)
        if of_a_book:
            change_book(
                adapters.store, chosen, mode or "", policy=rules, gateway=gateway, gateway_account=gateway_account
            )  # fmt: skip
        found = show_merchant(adapters.store, chosen)
    if as_json:
        print_json(found)
    else:
        _print(found)


def _rule(text: str) -> tuple[str, str]:
    rule, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r}: write a rule, = and a value, such as basis=day", param_hint="--policy")
    return rule, value


def _print(found: MerchantSummary) -> None:
    rows: list[tuple[str, object]] = [("code", found.code), ("name", found.name), ("timezone", found.timezone)]
    for field, value in sorted(found.profile.items()):
        if isinstance(value, dict):
            texts = cast("dict[str, str]", value)
            rows += [(f"{field} {language}", _shortened(text)) for language, text in sorted(texts.items())]
        else:
            rows.append((field, ", ".join(cast("list[str]", value)) if isinstance(value, list) else value))
    print_table(["field", "value"], rows)
    say()
    headers = ["mode", "gateway", "gateway_account", "signing_key", "customers", "subscriptions", "policy"]
    books = [asdict(book) for book in found.books]
    for book in books:
        book["policy"] = " ".join(f"{rule}={value}" for rule, value in book["policy"].items())
    print_table(headers, [[book[header] for header in headers] for book in books])


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:69]}…"
