"""Ends of a refund: the money is back, or for certain it is not; each with what follows from it, one commit each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from app.billing.codec import load_rows
from app.charging.attempts import SETTLED
from app.charging.refund_ledger import append, take_lost
from app.charging.refund_rows import RefundRow, move_refund
from app.charging.telling import tell_person
from app.charging.transitions import Move, log
from app.kit.clock import Clock
from app.models.base import whole_sum
from app.models.customers import BalanceEntry, StoredCard
from app.models.locks import hold_order, hold_paid_order
from app.models.merchants import Book, Merchant
from app.models.orders import Attempt, Order, Refund
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.outbox import record, record_once


def settle(store: Store, clock: Clock, row: RefundRow, by: str, gw_ref: str) -> None:
    """The gateway gave the money back: the order follows, and the customer is told."""
    now = clock.now()
    with store.write() as conn:
        hold_order(conn, row.book_id, row.order_id)  # before the refund's row, as whoever finds it at the gateway
        done = {"state": "SUCCEEDED", "gw_ref": gw_ref, "settled_at": now, "last_class": "definite"}
        move_refund(conn, row, by, done | _at_rest(now))
        moves = [] if row.state != "CREATED" else [Move("refund", row.id, "CREATED", "SENT", "sent")]
        old = "SENT" if row.state == "CREATED" else row.state
        moves.append(Move("refund", row.id, old, "SUCCEEDED", "the gateway gave it back"))
        log(conn, row.book_id, moves, actor=by, at=now, of=row)
        follow(conn, row.book_id, row.order_id, actor=by, at=now)
        tell(conn, row.book_id, row.id, now)


def fail(store: Store, clock: Clock, row: RefundRow, by: str, why: str, gw_ref: str | None = None) -> None:
    """For certain no money went back. What the ledger gave up comes back; what a change owed goes to the balance."""
    done = {} if gw_ref is None else {"gw_ref": gw_ref}

    def end(conn: Connection) -> None:
        hold_paid_order(conn, row.book_id, row.order_id)
        fail_within(conn, row, by, why, actor=by, at=clock.now(), **done)

    store.writing(end)


def fail_within(
    conn: Connection, row: RefundRow, by: str | None, why: str, *, actor: str, at: datetime, **values: Any
) -> None:
    """``fail`` in the caller's transaction, which holds the order. ``by`` has the lease; None: nobody has."""
    done = {"state": "FAILED", "settled_at": at, "last_class": "definite", **values}
    move_refund(conn, row, by, done | _at_rest(at))
    log(conn, row.book_id, [Move("refund", row.id, row.state, "FAILED", why)], actor=actor, at=at, of=row)
    order = _order(conn, row.book_id, row.order_id)
    # A payment that was settled since the row was leased took it from the ledger then.
    takes = conn.execute(select(Refund.takes).where(Refund.book_id == row.book_id, Refund.id == row.id)).scalar_one()
    restored = [take._replace(amount=-take.amount) for take in load_rows(takes)]
    append(conn, row.book_id, order["subscription_id"], restored, at)
    if order["state"] == "LOST":
        take_lost(conn, row.book_id, row.order_id, at)
    if row.kind == "negative":
        to_the_balance(conn, row, order["customer_id"], at)
    body = {"refund": row.id, "order": row.order_id, "amount": row.amount, "why": why}
    record(conn, row.book_id, "refund.failed", row.id, 1, "event", body, at)
    tell_person(row.book_id, "refund", row.id, why, of=row)


def follow(conn: Connection, book_id: int, order_id: str, *, actor: str, at: datetime) -> bool:
    """PAID → PART_REFUNDED → REFUNDED by what the gateway really gave back; whether the order moved.

    An order in dispute stays so: call this again once the dispute is won.
    """
    order = _order(conn, book_id, order_id)
    if order["state"] not in ("PAID", "PART_REFUNDED"):
        return False
    captured = _captured(conn, book_id, order_id)
    back = _gone_back(conn, book_id, order_id)
    if not back:
        return False
    state = "REFUNDED" if back >= captured else "PART_REFUNDED"
    conn.execute(
        update(Order)
        .where(Order.book_id == book_id, Order.id == order_id, Order.state == order["state"])
        .values(state=state, version=Order.version + 1)
    )
    log(conn, book_id, [Move("order", order_id, order["state"], state, "refunded")], actor=actor, at=at)
    return True


def tell(conn: Connection, book_id: int, refund_id: str, at: datetime) -> None:
    """The event, and the mail unless somebody gave it back at the gateway, which tells the customer itself.

    While the payment has no end here nothing is told: ``catching_up`` does it then.
    """
    row = _told(conn, book_id, refund_id)
    if row["attempt_state"] not in SETTLED:
        return
    event = {"refund": refund_id, "order": row["order_id"], "number": row["number"], "amount": row["amount"],
             "currency": row["currency"], "state": row["state"], "kind": row["kind"], "cause": row["cause_order"],
             "reason": row["reason"]}  # fmt: skip
    is_new = record_once(conn, book_id, "order.refunded", refund_id, 1, "event", event, at)
    if is_new and row["kind"] != "outside":
        record(conn, book_id, "refunded", refund_id, 1, "mail", _mail(row, at), at)


def mail(conn: Connection, book_id: int, refund_id: str, at: datetime) -> None:
    """For one that we gave back at the gateway without a row of ours: the mail that ``tell`` left out, once."""
    record_once(conn, book_id, "refunded", refund_id, 1, "mail", _mail(_told(conn, book_id, refund_id), at), at)


def _told(conn: Connection, book_id: int, refund_id: str) -> RowMapping:
    return (
        conn.execute(
            select(
                Refund.kind, Refund.amount, Refund.currency, Refund.order_id, Refund.cause_order, Refund.reason,
                Order.number, Order.email, Order.language, Order.total, Order.state,
                Subscription.number.label("subscription_number"), StoredCard.brand, StoredCard.last4,
                Merchant.timezone, Attempt.state.label("attempt_state"),
            )
            .join(Attempt, Attempt.id == Refund.attempt_id)
            .join(StoredCard, StoredCard.id == Attempt.card_id)
            .join(Order, Order.id == Refund.order_id)
            .join(Subscription, Subscription.id == Order.subscription_id)
            .join(Book, Book.id == Refund.book_id)
            .join(Merchant, Merchant.id == Book.merchant_id)
            .where(Refund.book_id == book_id, Refund.id == refund_id)
        )
        .mappings()
        .one()
    )  # fmt: skip


def _mail(row: RowMapping, at: datetime) -> dict[str, Any]:
    return {
        "to": row["email"],
        "language": row["language"],
        "order": row["order_id"],
        "number": row["number"],
        "subscription": row["subscription_number"],
        "currency": row["currency"],
        "amount": row["amount"],
        "total": row["total"],
        "card": {"brand": row["brand"], "last4": row["last4"]},
        "refunded_at": at.isoformat(),
        "timezone": row["timezone"],
    }


def _at_rest(now: datetime) -> dict[str, Any]:
    return {"lease_by": None, "lease_until": now, "next_at": None}


def _order(conn: Connection, book_id: int, order_id: str) -> RowMapping:
    query = select(Order.state, Order.subscription_id, Order.customer_id)
    return conn.execute(query.where(Order.book_id == book_id, Order.id == order_id)).mappings().one()


def _captured(conn: Connection, book_id: int, order_id: str) -> int:
    done = (Attempt.book_id == book_id, Attempt.order_id == order_id, Attempt.state == "SUCCEEDED")
    return int(conn.execute(select(whole_sum(Attempt.amount)).where(*done)).scalar_one())


def _gone_back(conn: Connection, book_id: int, order_id: str) -> int:
    """Of what paid for the order: an attempt that ended may have been charged all the same, and that went back by itself."""
    done = (Refund.book_id == book_id, Refund.order_id == order_id, Refund.state == "SUCCEEDED")
    total = select(whole_sum(Refund.amount)).join(Attempt, Attempt.id == Refund.attempt_id)
    return int(conn.execute(total.where(*done, Attempt.state == "SUCCEEDED")).scalar_one())


def to_the_balance(conn: Connection, row: RefundRow, customer_id: int, at: datetime) -> None:
    """In the caller's transaction: the card did not take, or did not keep, this money. It is the customer's all the same, once."""
    conn.execute(
        insert(BalanceEntry),
        {
            "book_id": row.book_id,
            "customer_id": customer_id,
            "currency": row.currency,
            "amount": row.amount,
            "cause": "refund_failed",
            "order_id": row.id,
            "created_at": at,
        },
    )
