"""``liftlink refund``: give the money of an order back, whole or in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from app.cli.commands.common import ACTOR, book_options, chosen_book, json_option, opened, print_json, say

if TYPE_CHECKING:
    from app.charging.refunding import RefundRow
    from app.wiring import Adapters

SAID = {
    "SUCCEEDED": "The gateway gave it back.",
    "CREATED": "Not sent yet: the gateway cannot be reached. A worker goes on.",
    "SENT": "The gateway has it and the bank is at work, or it could not be reached. A worker goes on.",
    "UNKNOWN": "The gateway did not answer, so we do not know yet. A worker looks it up and goes on; do not ask again.",
    "FAILED": "The gateway refused it: no money went back, and all is as it was.",
}


@click.command()
@click.argument("order")
@click.option("--amount", metavar="AMOUNT", help="How much, such as 5.00. Left out: all that is left of the payment.")
@click.option("--reason", metavar="TEXT", default="", help="Kept with the refund; the customer does not see it.")
@book_options
@json_option
def refund(order: str, amount: str | None, reason: str, merchant: str | None, mode: str, as_json: bool) -> int:
    """Give money of ORDER (its number, such as UP-58T2-9QKD, or its id) back to the card that paid.

    The subscription stays as it is; what was given back is never credited again. Calling twice gives back twice, never more
    than was paid. Exit code 1 when it was refused.
    """
    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        row = _give_back(adapters, book.id, order, amount, reason.strip())
        told = _told(adapters, book.id, row)
    if as_json:
        print_json(told)
    else:
        _print(told, row.state)
    return 1 if row.state == "FAILED" else 0


def _give_back(adapters: Adapters, book_id: int, order: str, amount: str | None, reason: str) -> RefundRow:
    from app.charging.drive import driver_name
    from app.charging.refunding import ask_refund, drive_refund, state_of
    from app.kit.money import parse_minor

    minor = None if amount is None else parse_minor(amount, _currency(adapters, book_id, order))
    refund_id = ask_refund(adapters.store, adapters.clock, book_id, order, minor, reason=reason, actor=ACTOR)
    by = driver_name("refund", adapters.randomness)
    drive_refund(adapters.store, adapters.gateways, adapters.clock, refund_id, by=by)
    adapters.bell.ring()
    return state_of(adapters.store, refund_id)


def _currency(adapters: Adapters, book_id: int, order: str) -> str:
    from app.charging.refunding import RefundRefused, find_order

    with adapters.store.write() as connection:
        found = find_order(connection, book_id, order)
    if found is None:
        raise RefundRefused("order_unknown", f"there is no order {order}", order=order)
    return str(found["currency"])


def _told(adapters: Adapters, book_id: int, row: RefundRow) -> dict[str, Any]:
    from app.charging.reading import order_facts
    from app.charging.refunding import refunds_of
    from app.kit.money import format_minor

    with adapters.store.read() as connection:
        order = order_facts(connection, book_id, row.order_id)
        others = refunds_of(connection, book_id, row.order_id)
    if order is None:
        raise LookupError(f"order {row.order_id} has a refund and is not there")
    card = next(attempt.card for attempt in order.attempts if attempt.id == row.attempt_id)
    back = sum([each.amount for each in others if each.state == "SUCCEEDED"])
    promised = sum([each.amount for each in others if each.state in ("CREATED", "SENT", "UNKNOWN")])
    currency = row.currency
    return {
        "refund": row.id,
        "state": row.state,
        "amount": format_minor(row.amount, currency),
        "currency": currency,
        "card": {"brand": card.brand, "last4": card.last4},
        "order": order.number,
        "order_state": order.state,
        "paid": format_minor(order.total, currency),
        "given_back": format_minor(back, currency),
        "under_way": format_minor(promised, currency),
        "left": format_minor(order.total - back - promised, currency),
    }


def _print(told: dict[str, Any], state: str) -> None:
    what = f"{told['amount']} {told['currency']} of order {told['order']}"
    say(f"Refund {told['refund']}: {what} to {told['card']['brand']} {told['card']['last4']}")
    say(SAID[state])
    under_way = (
        "" if state == "SUCCEEDED" or told["under_way"].strip("0.") == "" else f", {told['under_way']} under way"
    )
    say(
        f"Order {told['order_state']}: paid {told['paid']}, given back {told['given_back']}{under_way}, left {told['left']}"
    )
