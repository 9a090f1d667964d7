"""What a payment seen at the gateway means for us: its attempt is driven, or it is an orphan. The object decides, not the news."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from app.charging.attempts import RESTING, AttemptRow, read_attempt
from app.charging.comparing import mismatch
from app.charging.contradicting import contradicted
from app.charging.disputing import take_disputes
from app.charging.drive import drive
from app.charging.gate import Account
from app.charging.namesakes import namesakes
from app.charging.orphans import note_orphan
from app.charging.refunding import found_refunds
from app.gateways.port import AnswerKind, Gateway, GatewayError, Gateways, Payment, PaymentStatus
from app.kit.clock import Clock
from app.models.orders import Attempt, Refund
from app.models.store import Store

BUDGET_SECONDS = 30.0
_FINAL = (PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED, PaymentStatus.REQUIRES_PAYMENT_METHOD)
_HARMLESS = (PaymentStatus.CANCELED, PaymentStatus.REQUIRES_PAYMENT_METHOD)
"""For an attempt that ended without money."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks, and with what."""

    store: Store
    gateways: Gateways
    clock: Clock
    by: str

    def drive(self, row: AttemptRow) -> AttemptRow:
        """Drive the attempt, if nobody else does; the row as it is then."""
        if row.state in RESTING:
            return row
        drive(self.store, self.gateways, self.clock, [row.id], by=self.by, budget_seconds=BUDGET_SECONDS)
        with self.store.read() as conn:
            return read_attempt(conn, row.id) or row


@dataclass(frozen=True, slots=True)
class Place:
    """The account in which something was seen, and the book that was told."""

    book_id: int
    gateway: str
    account: str
    livemode: bool
    names: tuple[str, ...] = ()
    """All names of that account, the eldest first; ``known_by`` finds them."""


def known_by(watch: Watch, conn: Connection, at: Place) -> Place:
    """The same place with all names of its account."""
    names = namesakes(conn, watch.gateways, Account(at.gateway, at.account, at.livemode))
    return replace(at, names=tuple([each.account for each in names]))


def place_of(row: AttemptRow) -> Place:
    """Where the attempt's own book sees its payment."""
    return Place(row.book_id, row.gateway, row.account, row.livemode)


def look_at_payment(watch: Watch, at: Place, ref: str, gone: str = "") -> str:
    """Read the payment and bring our side to it. Empty when both agree or a person must decide; else why to look again:
    ``gone`` where the gateway does not have it."""
    try:
        gateway = watch.gateways.of(at.gateway, at.account, livemode=at.livemode)
    except GatewayError as error:
        return error.code
    with watch.store.read() as conn:
        at = known_by(watch, conn, at)
        row = attempt_with(conn, at, ref)
    if row is not None:
        if row.account != at.account:
            at = replace(place_of(row), names=at.names)
            gateway = watch.gateways.of(at.gateway, at.account, livemode=at.livemode)
        row = watch.drive(row)
    # After the row: what was final here when it was read is final there, so a difference is never one of the moment.
    answer = gateway.read_payment(ref)
    if answer.payment is None:
        return gone if answer.kind is AnswerKind.BUG_OR_GONE else f"read: {answer.kind}"
    if row is None:
        return _look_by_marks(watch, at, gateway, answer.payment)
    return _agree(watch, at, gateway, row, answer.payment)


def attempt_with(conn: Connection, at: Place, ref: str) -> AttemptRow | None:
    """The attempt that has this payment, under whichever name of the account."""
    found: str | None = conn.execute(
        select(Attempt.id).where(
            Attempt.gateway == at.gateway,
            Attempt.account.in_(at.names or (at.account,)),
            Attempt.gw_ref == ref,
            Attempt.livemode == at.livemode,
        )
    ).scalar()
    return None if found is None else read_attempt(conn, found)


def attempt_marked(conn: Connection, at: Place, payment: Payment) -> AttemptRow | None:
    """The attempt of this gateway and mode that the payment's marks name. Its account may have another name."""
    row = read_attempt(conn, payment.metadata.attempt) if payment.metadata.attempt else None
    if row is None or (row.gateway, row.livemode) != (at.gateway, at.livemode):
        return None
    return row


def _look_by_marks(watch: Watch, at: Place, gateway: Gateway, payment: Payment) -> str:
    """No row has this payment. An attempt that lost sight of it finds it again; anything else of ours is an orphan."""
    marks = payment.metadata
    if not marks.attempt and not marks.order:
        return ""  # the merchant's own business, made by somebody else
    with watch.store.read() as conn:
        row = attempt_marked(conn, at, payment)
    if row is None:
        return _orphan(watch, at, payment, "no attempt of ours")
    if row.account != at.account:
        return _look_from(watch, at, row, payment)
    if row.gw_ref == payment.ref:
        return look_at_payment(watch, at, payment.ref)  # its driver committed the reference a moment ago
    if row.gw_ref is not None:
        return _orphan(watch, at, payment, f"attempt {row.id} has another payment")
    wrong = mismatch(replace(row, gw_ref=payment.ref), payment)
    if wrong:
        return _orphan(watch, at, payment, wrong)
    row = watch.drive(row)
    if row.gw_ref == payment.ref:
        return look_at_payment(watch, at, payment.ref)  # anew: the drive may have moved the payment as well
    if row.state not in RESTING:
        return "its attempt is being driven"
    return _orphan(watch, at, payment, f"attempt {row.id} is {row.state} without it")


def _look_from(watch: Watch, at: Place, row: AttemptRow, payment: Payment) -> str:
    """The payment names an attempt under another name. Where that reaches the same payment, it is that attempt's matter."""
    own = place_of(row)
    try:
        answer = watch.gateways.of(own.gateway, own.account, livemode=own.livemode).read_payment(payment.ref)
    except GatewayError as error:
        return error.code
    if answer.payment is not None:
        return look_at_payment(watch, own, payment.ref)
    if answer.kind is not AnswerKind.BUG_OR_GONE:
        return f"read: {answer.kind}"
    return _orphan(watch, at, payment, f"attempt {row.id} is of another account")


def _agree(watch: Watch, at: Place, gateway: Gateway, row: AttemptRow, payment: Payment) -> str:
    """The attempt that has this payment, after it was driven, against what the gateway says (section 9 of the protocol)."""
    if row.state not in RESTING:
        return f"its attempt is {row.state}" if payment.status in _FINAL else ""
    if row.state in ("DECLINED", "CANCELLED"):
        if payment.status in _HARMLESS:
            return ""
        return _orphan(watch, at, payment, f"attempt {row.id} is {row.state}, the payment {payment.status}")
    if row.state == "SUCCEEDED":
        wrong = mismatch(row, payment)
        if wrong or payment.status is not PaymentStatus.SUCCEEDED:
            contradicted(watch.store, watch.clock, row, wrong or f"the payment is {payment.status}")
    if payment.status is not PaymentStatus.SUCCEEDED:
        return ""
    return _refunds(watch, gateway, row, payment) or take_disputes(
        watch.store, gateway, watch.clock, row.id, actor=watch.by
    )


def _refunds(watch: Watch, gateway: Gateway, row: AttemptRow, payment: Payment) -> str:
    """What was given back there, by us or by hand; empty when taken in."""
    with watch.store.read() as conn:
        known = conn.execute(
            select(Refund.id).where(Refund.book_id == row.book_id, Refund.order_id == row.order_id).limit(1)
        ).scalar()
    if not payment.refunded and known is None:
        return ""
    reply = gateway.list_refunds(payment.ref)
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        return f"refunds: {reply.kind}"
    found_refunds(watch.store, watch.clock, row.id, reply.value)
    return ""


def _orphan(watch: Watch, at: Place, payment: Payment, why: str) -> str:
    if payment.status is not PaymentStatus.CANCELED:
        with watch.store.write() as conn:
            note_orphan(
                conn, at.book_id, at.gateway, payment, names=at.names, why=why, actor=watch.by, now=watch.clock.now()
            )
    return ""
