"""The gateway's own ledger against ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from app.charging.audit.findings import Check, Seen, WholeCheck, judged
from app.charging.audit.held import Held, Place
from app.charging.audit.rows import Row, among
from app.charging.audit.scene import CLOSED, OPEN_STATES, PAID_STATES, Page, Scene
from app.gateways.port import Payment, PaymentStatus
from app.models.orders import Attempt, Refund

_ALIVE = (PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING)


def taken_once(page: Page) -> Seen:
    """What was captured for an order is nothing or its total; what went back whole without a sale does not count."""
    for order_id, order in page.rows.order.items():
        payments = page.held.of_order.get(order_id)
        if not payments or not page.is_compared(order_id):
            continue
        taken = sum([one.captured for one in payments if not _was_returned(page, one)])
        wrong = taken not in (0, order["total"])
        yield judged(f"order {order_id}", wrong, f"captured {taken}, its total is {order['total']} {order['currency']}")


def paid_is_captured(page: Page) -> Seen:
    """PAID, or later, exactly if the money was taken; an order that cost nothing or goes by invoice has none to take.

    Money that came after the order ended is an orphan: while a worker or a person has it, it is known and not lost.
    """
    held = page.held
    for order in page.rows.orders:
        if not page.is_compared(order["id"]):
            continue
        owed = order["total"] if order["outcome"] != "due" else 0
        kept = [one for one in held.of_order.get(order["id"], ()) if not _was_returned(page, one)]
        taken, name = sum([one.captured for one in kept]), f"order {order['id']}"
        if order["state"] in PAID_STATES:
            yield judged(name, taken != owed, f"is {order['state']}, the gateway captured {taken} of {owed}")
        elif any(one.captured and not _is_before_a_person(page, one) for one in kept):
            under_way = any(one["state"] in OPEN_STATES for one in page.rows.attempts_of.get(order["id"], ()))
            yield judged(name, not under_way, f"is {order['state']}, the gateway captured {taken}")
        else:
            yield None


def every_capture_is_known(scene: Scene) -> Seen:
    """Under our marks: one attempt with the same amount, currency, account, customer and card, or an orphan that says why not."""
    orphans = {_place_of_orphan(scene, row): row for row in scene.orphans}
    for payments in scene.payments():
        ours = [(name, one) for name, one in payments if one.captured and one.metadata.attempt]
        by_id = scene.known([one for _, one in ours], Attempt, "attempt")
        back = _given_back(scene, by_id.values())
        for name, payment in ours:
            orphan = orphans.get((name, payment.account, payment.ref))
            attempt = by_id.get(payment.metadata.attempt)
            its = attempt is not None and attempt["gw_ref"] == payment.ref
            has_it = attempt is not None and its and attempt["state"] == "SUCCEEDED"
            lost = scene.held.lost[payment.account, payment.ref]
            is_closed = attempt is not None and attempt["state"] in CLOSED
            if its and back[payment.metadata.attempt] + (lost if is_closed else 0) >= payment.captured:
                wrong = ""
            elif orphan is None or orphan["state"] == "ADOPTED" or (orphan["state"] == "FOUND" and has_it):
                wrong = "is of no attempt of ours" if attempt is None else _differs(attempt, payment, scene.held)
            else:
                wrong = _unfit(orphan["state"], payment, scene.held.gone(payment), has_it)
            yield judged(f"payment {payment.ref}", wrong)


def _place_of_orphan(scene: Scene, row: Row) -> Place:
    book = scene.books.get(row["book_id"])
    home = scene.held.home(row["gateway"], row["account"], book is not None and book["mode"] == "live")
    return home.gateway, home.account, row["gw_ref"]


def _unfit(state: str, payment: Payment, gone: int, has_it: bool) -> str:
    """What is wrong with an orphan in that state, if its payment took money. While it is FOUND a worker has it."""
    if state == "CANCELLED":
        return f"took {payment.captured}, and stands as a cancelled orphan"
    if state == "REFUNDED" and gone < payment.captured:
        return f"stands as a refunded orphan, and {gone} of {payment.captured} went back"
    return f"is an attempt's that succeeded, and stands as an orphan ({state})" if has_it else ""


def _differs(attempt: Row, payment: Payment, held: Held) -> str:
    pairs = (
        ("reference", attempt["gw_ref"] or payment.ref, payment.ref),
        ("amount", attempt["amount"], payment.captured),
        ("currency", attempt["currency"], payment.currency),
        ("account", held.place_of(attempt)[1], payment.account),
        ("customer", attempt["gw_customer"], payment.customer),
        ("card", attempt["payment_method"], payment.payment_method),
        ("live mode", attempt["livemode"], payment.livemode),
    )
    return "; ".join(
        f"{name} is {theirs}, attempt {attempt['id']} says {ours}" for name, ours, theirs in pairs if ours != theirs
    )


def closed_took_nothing(page: Page) -> Seen:
    """An attempt that is closed has no object that took money or still may."""
    held = page.held
    for attempt in page.rows.attempts:
        if attempt["state"] not in CLOSED or attempt["gw_ref"] is None or not page.is_compared(attempt["order_id"]):
            continue
        payment = held.by_place.get(held.place_of(attempt))
        wrong = payment is not None and payment.status in _ALIVE
        if payment is not None and (_was_returned(page, payment) or _is_before_a_person(page, payment)):
            wrong = False
        status = payment.status if payment else ""
        yield judged(
            f"attempt {attempt['id']}", wrong, f"is {attempt['state']}, its payment {attempt['gw_ref']} is {status}"
        )


def succeeded_is_there(page: Page) -> Seen:
    """The object of every attempt that succeeded exists and took the money."""
    held = page.held
    for attempt in page.rows.attempts:
        if attempt["state"] == "SUCCEEDED" and page.is_compared(attempt["order_id"]):
            payment = held.by_place.get(held.place_of(attempt))
            wrong = "has no payment at the gateway" if payment is None else _differs(attempt, payment, held)
            yield judged(f"attempt {attempt['id']}", wrong)


def _given_back(scene: Scene, attempts: Iterable[Row]) -> Counter[str]:
    """By attempt that is closed: what our rows say went back, and each of those is one at the gateway (I8)."""
    closed = [row["id"] for row in attempts if row["state"] in CLOSED]
    with scene.store.read() as conn:
        return _sums(among(conn, Refund, Refund.attempt_id, closed))


def _sums(refunds: Iterable[Row]) -> Counter[str]:
    back = Counter[str]()
    for row in refunds:
        back[row["attempt_id"]] += row["amount"] if row["state"] == "SUCCEEDED" else 0
    return back


def _was_returned(page: Page, payment: Payment) -> bool:
    """What no sale came of, and went back whole: an orphan, or an attempt that a person closed. As if it had never been taken."""
    order = payment.metadata.order
    back = _sums(page.rows.refunds_of.get(order, ()))
    for attempt in page.rows.attempts_of.get(order, ()):
        if attempt["state"] in CLOSED and attempt["gw_ref"] == payment.ref:
            gone = back[attempt["id"]] + page.held.lost[payment.account, payment.ref]
            return 0 < payment.captured <= gone or _was_an_orphan(page, payment)
    return _was_an_orphan(page, payment)


def _was_an_orphan(page: Page, payment: Payment) -> bool:
    whole = payment.captured and page.held.gone(payment) >= payment.captured
    return bool(whole) and _is_an_orphan(page, payment, "REFUNDED")


def _is_before_a_person(page: Page, payment: Payment) -> bool:
    """Or a worker, which puts it there."""
    return _is_an_orphan(page, payment, "FOUND", "PERSON")


def _is_an_orphan(page: Page, payment: Payment, *states: str) -> bool:
    return any(
        row["gw_ref"] == payment.ref
        and row["state"] in states
        and _place_of_orphan(page.whole, row)[1] == payment.account
        for row in page.whole.orphans
    )


CHECKS = (
    Check("I1", "captured for an order: nothing or its total", taken_once, asks_gateway=True),
    Check("I2", "paid exactly if captured", paid_is_captured, asks_gateway=True),
    WholeCheck("I3", "every capture is one attempt's, or an orphan", every_capture_is_known, asks_gateway=True),
    Check("I3", "every attempt that succeeded has its capture", succeeded_is_there, asks_gateway=True),
    Check("I7", "what is closed took nothing at the gateway", closed_took_nothing, asks_gateway=True),
)
