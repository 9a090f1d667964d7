"""``liftlink subscription quote | change | schedule``: what a change costs, and making it on the customer's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.commands.common import ACTOR, chosen_book, opened, print_json
from app.cli.commands.subscription_terms import change_options, changes_of, find, instant_option

if TYPE_CHECKING:
    from app.checkout.press import Tools
    from app.subscriptions.facts import Held
    from app.wiring import Adapters

CONSENT_HELP = "How and when the customer agreed, in your words; kept as the proof. Needed when they will pay more."


@click.command()
@click.option(
    "--at", metavar="INSTANT", help="Price it for then: 2026-10-01, or an instant with its offset. Default: now."
)
@click.option("--outlook", "with_outlook", is_flag=True, help="Also what it would cost on better days.")
@change_options
def quote(
    ref: str, at: str | None, with_outlook: bool, merchant: str | None, mode: str, as_json: bool, **asked: Any
) -> int:
    """Price a change of a stored subscription, line by line, with the sentences of the cart. Nothing is stored.

    Exit code 1 when the change is refused; its figures are printed all the same.
    """
    from app.billing.outlook import outlook
    from app.checkout.by_hand import priced_by_hand
    from app.cli.commands.subscription_quote import print_quote, quote_facts

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        with adapters.store.read() as connection:
            held = find(connection, book.id, ref)
            instant = instant_option(at, adapters.clock.now(), held.book.timezone)
            changes = changes_of(asked, held.facts)
            made = priced_by_hand(connection, held, changes, instant)
    days = outlook(held.facts, changes, made.policy, instant) if with_outlook else ()
    valid_until = made.valid_until(held) if at is None else None
    if as_json:
        print_json(quote_facts(held, made.quote, valid_until, days))
    else:
        print_quote(held, made.quote, valid_until, days)
    return 0 if made.quote.eligibility.ok else 1


@click.command()
@click.option(
    "--charge",
    "card",
    metavar="CARD",
    default="",
    help="Charge this card on file: its last four digits, #ID, or 'default'.",
)
@click.option("--consent", metavar="TEXT", default="", help=CONSENT_HELP)
@click.option(
    "--invoice", metavar="NUMBER", default="", help="Your invoice asks for what is due: nothing is charged here."
)
@click.option(
    "--expect", metavar="AMOUNT", help="Do nothing unless exactly this is due, such as the figure of `quote`."
)
@change_options
def change(
    ref: str,
    card: str,
    consent: str,
    invoice: str,
    expect: str | None,
    merchant: str | None,
    mode: str,
    as_json: bool,
    **asked: Any,
) -> int:
    """Make a change now, on the customer's behalf: nothing due, charged to a card on file, or paid by your invoice.

    Exit code 1 when it was refused or the card declined; then the subscription is as it was.
    """
    if card and invoice:
        raise click.UsageError("--charge and --invoice exclude each other")
    if asked["effective"] == "next_billing":
        raise click.UsageError("`liftlink subscription schedule` makes changes at the next billing date")
    with opened() as adapters:
        return _make(
            adapters, ref, merchant, mode, asked, as_json, card=card, consent=consent, invoice=invoice, expect=expect
        )


@click.command()
@click.option("--consent", metavar="TEXT", default="", help=CONSENT_HELP)
@change_options
def schedule(ref: str, consent: str, merchant: str | None, mode: str, as_json: bool, **asked: Any) -> int:
    """Schedule a change for the next billing date. Nothing is due now; `undo` takes it back."""
    with opened() as adapters:
        return _make(adapters, ref, merchant, mode, asked, as_json, consent=consent, effective="next_billing")


def _make(
    adapters: Adapters, ref: str, merchant: str | None, mode: str, asked: dict[str, Any], as_json: bool, *,
    card: str = "", consent: str = "", invoice: str = "", expect: str | None = None, effective: str | None = None,
) -> int:  # fmt: skip
    from app.checkout.by_hand import Asked, ByHandRefused, change_by_hand
    from app.cli.commands.subscription_made import made_facts, print_made
    from app.cli.commands.subscription_quote import REMEDIES
    from app.kit.errors import LiftlinkError
    from app.kit.money import parse_minor

    book = chosen_book(adapters, merchant, mode)
    with adapters.store.read() as connection:
        held = find(connection, book.id, ref)
    asked_for = Asked(
        changes_of(asked, held.facts, effective=effective),
        actor=ACTOR,
        language=_language(adapters, held),
        consent=consent.strip(),
        card=card.strip(),
        invoice=invoice.strip(),
        expected=None if expect is None else parse_minor(expect, held.facts.currency),
    )
    try:
        order = change_by_hand(_tools(adapters), held, asked_for)
    except ByHandRefused as refused:
        remedy = REMEDIES.get(str(refused.details.get("remedy")))
        if remedy is None:
            raise
        raise LiftlinkError(refused.code, f"{refused.message} {remedy}") from refused
    if as_json:
        print_json(made_facts(held, order))
    else:
        print_made(held, order)
    return 0 if order.state == "PAID" else 1


def _language(adapters: Adapters, held: Held) -> str:
    """The customer's, if the merchant writes it; else the merchant's first."""
    known = adapters.directory.merchant(held.book.id).languages
    own = (held.customer.locale or "").replace("_", "-").partition("-")[0]
    return own if own in known else known[0] if known else "en"


def _tools(adapters: Adapters) -> Tools:
    from app.checkout.press import Tools

    return Tools(
        adapters.store, adapters.gateways, adapters.clock, adapters.bell, adapters.randomness,
        decline_limit=adapters.settings.decline_limit,
    )  # fmt: skip
