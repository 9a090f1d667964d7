"""What went back of an orphan: told like any refund where an attempt of ours has the payment, and a person's once the bank
sends it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, select

from app.charging.attempts import AttemptRow
from app.charging.compared import Compared
from app.charging.gate import Account
from app.charging.observing import Watch
from app.charging.orphans import take_up_again
from app.charging.refund_finding import found_refunds
from app.charging.refund_settling import mail
from app.charging.returning import lost_of, mark_of
from app.charging.trying import counted
from app.gateways.port import AnswerKind, Gateway, Payment, RefundStatus
from app.models.orders import Orphan, Refund
from app.models.work import Outbox
from app.outbox import outbox_id

RefundOf = tuple[int, str]
"""The book and the id of a refund's row."""
CAME_BACK = "the refund came back after it had succeeded"


def returned_by_us(
    watch: Watch, gateway: Gateway, row: AttemptRow | None, payment: Payment
) -> tuple[RefundOf, ...] | str:
    """The refunds that ``return_money`` made of this payment, once they are rows of the attempt that has it; none at all
    where no attempt of ours has it.

    Why to look again, when the gateway does not list them, or while the bank may still send one back.
    """
    listed = gateway.list_refunds(payment.ref)
    if listed.kind is not AnswerKind.DEFINITE or listed.value is None:
        return "given back, but the gateway did not list it"
    if any(each.status is RefundStatus.PENDING for each in listed.value):
        return "the refund is under way"
    if row is None or row.gw_ref != payment.ref:
        return ()
    found_refunds(watch.store, watch.clock, row.id, listed.value)
    made = [each for each in listed.value if each.mark == mark_of(payment) and each.status is not RefundStatus.FAILED]
    ids = select(Refund.id).where(Refund.attempt_id == row.id, Refund.gw_ref.in_([each.ref for each in made]))
    with watch.store.read() as conn:
        return tuple([(row.book_id, each) for each in conn.scalars(ids.order_by(Refund.id))])


def tell_returned(conn: Connection, refunds: Iterable[RefundOf], at: datetime) -> None:
    """In the caller's transaction, which puts the orphan down as given back: a mail for each of ``returned_by_us``, once."""
    for book_id, refund_id in refunds:
        told = select(Outbox.id).where(Outbox.book_id == book_id, Outbox.id == outbox_id("refunded", refund_id, 1))
        if conn.execute(told).first() is None:
            mail(conn, book_id, refund_id, at)


def come_back(watch: Watch, names: Sequence[Account], payments: Sequence[str]) -> Compared:
    """Of payments with a refund that failed: orphans that stand as given back and are not. Each comes before a person."""
    account = names[0]
    query = select(Orphan.gateway, Orphan.account, Orphan.gw_ref).where(
        Orphan.gateway == account.gateway,
        Orphan.account.in_([each.account for each in names]),
        Orphan.gw_ref.in_(payments),
        Orphan.state == "REFUNDED",
    )
    with watch.store.read() as conn:
        keys = [(row.gateway, row.account, row.gw_ref) for row in conn.execute(query)]
    return sum([counted(partial(_look_back, watch, key, account.livemode), key[2]) for key in keys], Compared())


def _look_back(watch: Watch, key: tuple[str, str, str], livemode: bool) -> int:
    """An earlier refund may have failed and the next one not, or the bank took it in a dispute: all of them together say
    what the gateway holds."""
    name, account, ref = key
    gateway = watch.gateways.of(name, account, livemode=livemode)
    listed, lost = gateway.list_refunds(ref), lost_of(gateway, ref)
    if listed.kind is not AnswerKind.DEFINITE or listed.value is None or lost is None:
        return 0  # the next comparison lists it again
    back = lost + sum(each.amount for each in listed.value if each.status is not RefundStatus.FAILED)
    with watch.store.write() as conn:
        return int(take_up_again(conn, key, back, CAME_BACK, by=watch.by, now=watch.clock.now()))
