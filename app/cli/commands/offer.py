"""``liftlink offer``: saved offers, which links name by number."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.commands.common import book_options, chosen_book, json_option, opened, print_json, print_table, say, shown
from app.cli.commands.link_output import told_choices
from app.cli.commands.link_terms import beside, local, offer_options, written
from app.cli.commands.subscription_terms import changes_in

if TYPE_CHECKING:
    from app.billing.facts import Change
    from app.subscriptions.choices import Choices, OptionChoice, QuantityRange


@click.group()
def offer() -> None:
    """Saved offers: a change under a number, for many links or for what is too long for one."""


@offer.command("save")
@click.option("--name", required=True, help="For your own eyes.")
@click.option(
    "--currency",
    required=True,
    metavar="ISO",
    help="Of the amounts; with any, the offer is for subscriptions in this currency only.",
)
@offer_options
@click.option(
    "--change",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The change as JSON, as a case of `liftlink quote` has it, in place of --product and the rest; again, or a list, for further items.",
)
@click.option(
    "--choose-quantity",
    metavar="MIN-MAX",
    help="The shopper may choose how many, such as 2-10; --quantity is what they begin with.",
)
@click.option(
    "--choose-option",
    "choose_options",
    metavar="CODE",
    multiple=True,
    help="The shopper may take or leave this option; CODE:add and CODE:remove allow one of the two, users=5-20 a number.",
)
@click.option(
    "--ends", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="In the merchant's time zone; left out: never."
)
@book_options
@json_option
def save(
    name: str,
    currency: str,
    files: tuple[Path, ...],
    choose_quantity: str | None,
    choose_options: tuple[str, ...],
    ends: datetime | None,
    merchant: str | None,
    mode: str,
    as_json: bool,
    **offered: Any,
) -> None:
    """Keep an offer under a number; links then carry the number."""
    from app.kit.money import places
    from app.offers.naming import check_codes
    from app.offers.saved import save_offer
    from app.subscriptions.facts import book_facts

    choices = _choices(choose_quantity, choose_options)
    places(currency.upper())  # a currency that does not exist is refused, also where no amount needs it
    change, *more = _changes(offered, files, currency.upper())
    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        with adapters.store.read() as connection:
            facts = book_facts(connection, book.id)
            if facts is not None:
                for each in filter(lambda each: each.product, (change, *more)):
                    check_codes(connection, facts, product=each.product, options=each.options or ())
                if change.product:
                    codes = [choice.code for choice in choices.options]
                    check_codes(connection, facts, product=change.product, options=codes)
        number = save_offer(
            adapters.store, adapters.clock, book.id, name=name, change=change, more=more,
            ends_at=None if ends is None or facts is None else local(ends, facts.timezone),
            choices=choices,
        )  # fmt: skip
    if as_json:
        print_json({"number": number, "name": name})
    else:
        say(f"saved offer {number}: liftlink link create --saved {number} --subscription …")


def _changes(offered: dict[str, Any], files: tuple[Path, ...], currency: str) -> list[Change]:
    """What the options or the files spell out; a file that names no item means the first."""
    from app.billing.case_change import read_change
    from app.billing.facts import Subscription
    from app.billing.reading import Reader
    from app.subscriptions.offered import in_currency, written_change

    if not files:
        if offered["product"] is None or offered["quantity"] is None:
            raise click.UsageError("--product and --quantity, or --change FILE, say what is offered")
        return [written_change(written(offered, currency, offered["product"], offered["quantity"]), currency)]
    beside("--change FILE")
    stated = [pair for path in files for pair in changes_in(path)]
    if not stated:
        raise click.UsageError("--change: the files name no change")
    nobodys = Subscription(currency, ())
    read = [read_change(Reader({"item": 1, **change}, name), currency, nobodys) for name, change in stated]
    return [in_currency(change, currency) for change in read]


def _choices(quantity: str | None, options: tuple[str, ...]) -> Choices:
    from app.subscriptions.choices import Choices

    allowed = None if quantity is None else _range(quantity, "--choose-quantity")
    return Choices(allowed, tuple([_option(text) for text in options]))


def _range(text: str, flag: str) -> QuantityRange:
    from app.subscriptions.choices import QuantityRange

    ends = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", text)
    if ends is None:
        raise click.UsageError(f"{flag}: {text!r} is not a range such as 2-10")
    return QuantityRange(int(ends[1]), int(ends[2]))


def _option(text: str) -> OptionChoice:
    from app.subscriptions.choices import OptionChoice

    code, equals, span = text.partition("=")
    if equals:
        return OptionChoice(code, remove=False, span=_range(span, "--choose-option"))
    code, colon, which = text.partition(":")
    if colon and which not in ("add", "remove"):
        raise click.UsageError(f"--choose-option: {text!r} ends in neither :add nor :remove")
    return OptionChoice(code, add=which != "remove", remove=which != "add")


@offer.command("list")
@book_options
@json_option
def list_saved(merchant: str | None, mode: str, as_json: bool) -> None:
    """List the book's saved offers, newest first."""
    from app.offers.saved import list_offers

    with opened() as adapters:
        found = list_offers(adapters.store, chosen_book(adapters, merchant, mode).id)
    if as_json:
        print_json(found)
        return
    print_table(
        ["number", "name", "active", "ends", "product", "quantity", "shopper chooses"],
        [(each.number, each.name, "yes" if each.active else "no", shown(each.ends_at), each.change.get("product"),
          each.change.get("quantity"), told_choices(each.choices)) for each in found],
    )  # fmt: skip
