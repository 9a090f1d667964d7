"""What was agreed to is what stands in the rows, to the last minor unit."""

from __future__ import annotations

from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.reading import seals_of
from app.charging.audit.rows import Row
from app.charging.audit.scene import Page
from app.charging.proof import order_is_untouched, seal_of_order
from app.kit.currencies import PLACES
from app.kit.money import LARGEST

_AT_LEAST_0 = ("charge", "extension")
_AT_MOST_0 = ("credit", "discount")


def sums_are_right(page: Page) -> Seen:
    """Whole minor units of one currency; the lines add up to the total by way of what stands between them."""
    for order in page.rows.orders:
        yield judged(f"order {order['id']}", _wrong_sum(order))


def _wrong_sum(order: Row) -> str:
    quote = order["quote"]
    try:
        lines: list[dict[str, object]] = quote["lines"]
        amounts = {name: int(quote[name]) for name in _FIGURES}
        total = sum([int(str(line["amount"])) for line in lines])
        bad = [line for line in lines if _has_wrong_sign(line, amounts["unbounded_total"])]
    except (KeyError, TypeError, ValueError):
        return "its quote cannot be read"
    due = amounts["unbounded_total"] + amounts["balance_used"] - amounts["waived"] - amounts["deferred"]
    net = amounts["credit"] + amounts["charge"] + amounts["discount"]
    wrong = (
        (order["currency"] not in PLACES, f"{order['currency']} is no currency"),
        (any(line["currency"] != order["currency"] for line in lines), "has lines in another currency"),
        (not 0 <= order["total"] <= LARGEST, f"total {order['total']}"),
        (bool(bad), f"has a {bad[0]['kind'] if bad else ''} of the wrong sign"),
        (net != amounts["subtotal"], f"credit, charge and discount are {net}, the subtotal is {amounts['subtotal']}"),
        (total != amounts["unbounded_total"], f"its lines add up to {total}, not {amounts['unbounded_total']}"),
        (max(due, 0) != order["total"], f"{due} is due by its quote, its total is {order['total']}"),
        (order["total"] != amounts["due_now"], f"its quote says {amounts['due_now']}, its total is {order['total']}"),
    )
    return next((what for is_wrong, what in wrong if is_wrong), "")


_FIGURES = (
    "credit", "charge", "discount", "subtotal", "unbounded_total", "balance_used", "waived", "deferred", "due_now",
)  # fmt: skip


def _has_wrong_sign(line: dict[str, object], total: int) -> bool:
    kind, amount = line["kind"], int(str(line["amount"]))
    quantity = line.get("quantity")
    if isinstance(quantity, int) and quantity < 1:
        return True
    if kind in _AT_LEAST_0 or (kind == "tax" and total > 0 and line.get("base") is None):
        return amount < 0
    return kind in _AT_MOST_0 and amount > 0


def attempts_ask_for_it(page: Page) -> Seen:
    """Every attempt asks for the total of its order, in its currency."""
    for attempt in page.rows.attempts:
        order = page.rows.order.get(attempt["order_id"])
        wrong = order is None or (attempt["amount"], attempt["currency"]) != (order["total"], order["currency"])
        what = (
            ""
            if order is None
            else f"asks for {attempt['amount']} {attempt['currency']}, its order says {order['total']}"
        )
        yield judged(f"attempt {attempt['id']}", wrong, what or "has no order")


def cards_are_theirs(page: Page) -> Seen:
    """The card that an attempt charges is its customer's at that gateway."""
    for attempt in page.rows.attempts:
        order, card = page.rows.order.get(attempt["order_id"]), page.rows.cards.get(attempt["card_id"])
        ours = order and (
            order["book_id"],
            order["customer_id"],
            attempt["gw_customer"],
            attempt["payment_method"],
            attempt["gateway"],
        )
        theirs = card and (
            card["book_id"],
            card["customer_id"],
            card["gateway_customer"],
            card["token"],
            card["gateway"],
        )
        yield judged(
            f"attempt {attempt['id']}",
            ours != theirs,
            f"charges card {attempt['card_id']}, which is not its customer's",
        )


def untouched(page: Page) -> Seen:
    """The quote has the fingerprint that was agreed to, and the log has the hash of all that never changes."""
    seals = seals_of(page)
    for order in page.rows.orders:
        row = {str(name): value for name, value in order.items()}
        same = order_is_untouched(row) and seals.get(("order", order["id"], "OPEN")) == seal_of_order(row)
        yield judged(f"order {order['id']}", not same, "is no longer what was agreed to")


CHECKS = (
    Check("I9", "amounts are whole, signed as they must be, and add up", sums_are_right),
    Check("I10", "every attempt asks for what was shown", attempts_ask_for_it),
    Check("I13", "every card is its customer's", cards_are_theirs),
    Check("I14", "orders stand as they were agreed to", untouched),
)
