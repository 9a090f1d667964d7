"""Eight ways to break the protocol, put into the forked processes only, each with the schedule that must catch it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from app.charging import drive, making, paying, place, settle
from app.charging.attempts import AttemptRow, Moved
from app.charging.closing import close
from app.charging.driver import Driver, put_down
from app.charging.uses import mark_of_use
from app.checkout import placing
from app.gateways.port import AnswerKind, CreatePayment, Marks, PaymentStatus
from app.gateways.registry import OpenGateways
from app.kit.faults import fault_point
from app.models.orders import Fulfilment
from tests.faults.plan import Plan
from tests.faults.view import Violation
from tests.faults.world import World


@dataclass(frozen=True, slots=True)
class Mutant:
    """``install`` runs in every forked process; ``guards`` are constraints taken off before the iteration.

    ``breaks``: the invariants that it stands for. Whatever else it breaks does not count as caught.
    """

    name: str
    install: Callable[[World], None]
    breaks: tuple[str, ...]
    plan: Plan
    guards: tuple[str, ...] = ()

    def caught_by(self, violations: Iterable[Violation]) -> list[str]:
        """Those of its own invariants that were found broken."""
        return sorted({each.invariant for each in violations} & set(self.breaks))


def _random_key(_: World) -> None:
    """A random key per call."""
    honest = OpenGateways.of

    class Forgetful:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            verb = getattr(self._inner, name)
            if name not in ("create_payment", "confirm_payment", "cancel_payment"):
                return verb
            return lambda *given, key, **named: verb(*given, key=secrets.token_hex(12), **named)

    OpenGateways.of = lambda self, *given, **named: Forgetful(honest(self, *given, **named))  # type: ignore[assignment,method-assign]


def _timeout_is_failure(_: World) -> None:
    """No answer to confirm counts as a decline."""

    def hasty(d: Driver, row: AttemptRow, kind: AnswerKind, cause: str, **more: Any) -> None:
        if more.get("state") == "UNKNOWN" and cause.startswith("confirm"):
            return close(d, row, "DECLINED", "no answer")
        return put_down(d, row, kind, cause, **more)

    paying.put_down = hasty  # type: ignore[assignment]


def _call_before_commit(world: World) -> None:
    """The object is made at the gateway before the row that asks for it is committed."""
    honest = place.place
    gateways = world.adapters.gateways

    def eager(store: Any, clock: Any, new: Any, consent: Any, card: Any, **more: Any) -> Any:
        order = place.order_id_of(new.book_id, new.checkout_id)
        use = mark_of_use(new.book_id, new.link_jti, 1) if new.link_jti else ""
        if card is not None:
            gateways.of(new.gateway, new.account, livemode=new.livemode).create_payment(
                CreatePayment(
                    amount=new.quote.due_now, currency=new.quote.currency, customer=card.gateway_customer,
                    payment_method=card.token, marks=Marks(order, f"{order}.1", use),
                    description=place.number_of(new.book_id, order),
                ),
                key=f"{order}.1:create:0",
            )  # fmt: skip
        return honest(store, clock, new, consent, card, **more)

    placing.place = eager


def _no_one_open(_: World) -> None:
    """Another attempt although one is open."""
    honest = place._again

    def careless(conn: Any, p: Any, order: Any, now: Any) -> Any:
        if order.state == "OPEN" and order.attempt_id is not None:
            ((last,),) = place._LAST_N.all(conn, {"order": order.id})
            return place.Placed(order.id, place._attempt(conn, p, order.id, (last or 0) + 1, None, now), created=False)
        return honest(conn, p, order, now)

    place._again = careless  # type: ignore[assignment]


def _old_still_captures(_: World) -> None:
    """An attempt is called cancelled without asking the gateway, so that a new one may begin."""
    drive.cancel = lambda d, row: close(d, row, "CANCELLED", "assumed")  # type: ignore[assignment]


def _one_call(_: World) -> None:
    """Made and confirmed under fixed keys, nothing committed in between, nothing looked for before it is repeated."""

    def at_once(d: Driver, row: AttemptRow) -> AttemptRow | None:
        gateway = d.gateway(row)
        made = gateway.create_payment(making.request_of(row), key=f"{row.id}:create:0")
        if made.payment is None:
            return put_down(d, row, AnswerKind.UNKNOWN, "charge", state="UNKNOWN")
        ref = made.payment.ref
        told = gateway.confirm_payment(ref, key=f"{row.id}:confirm:0", return_url=row.return_url)
        if told.payment is None or told.payment.status is not PaymentStatus.SUCCEEDED:
            return put_down(d, row, AnswerKind.UNKNOWN, "charge", state="UNKNOWN")
        return making.commit_ref(d, row, ref)

    drive.make_object = at_once  # type: ignore[assignment]


def _two_fulfilments(_: World) -> None:
    """Whoever settles fulfils, whether or not somebody else did."""
    honest = settle.settle

    def generous(d: Driver, row: AttemptRow) -> None:
        try:
            honest(d, row)
        except Moved:
            with d.store.write() as conn:
                given = {"order_id": row.order_id, "book_id": row.book_id, "subscription_id": 1, "at": d.clock.now()}
                conn.execute(insert(Fulfilment).values(from_version=1, to_version=2, **given))
            raise

    paying.settle = generous  # type: ignore[assignment]


def _outbox_after(_: World) -> None:
    """What must be told is written after the commit that made it true."""
    honest, record = settle.settle, settle.record
    kept: list[tuple[Any, ...]] = []

    def keep(_conn: Any, *given: Any) -> str:
        kept.append(given)
        return ""

    def late(d: Driver, row: AttemptRow) -> None:
        kept.clear()
        settle.record = keep  # type: ignore[assignment]
        try:
            honest(d, row)
        finally:
            settle.record = record
        fault_point("M1")
        with d.store.write() as conn:
            for given in kept:
                record(conn, *given)

    paying.settle = late  # type: ignore[assignment]


_ALONE = {"embedded": False}
MUTANTS = (
    Mutant("a random key per call", _random_key, ("I6",), Plan(gateway=("create_payment/timeout_after*1",))),
    Mutant(
        "a time-out counted as failure", _timeout_is_failure, ("I11",),
        Plan(gateway=("confirm_payment/timeout_after*1",), **_ALONE),
    ),
    Mutant("the call before the commit", _call_before_commit, ("I5",), Plan(crash="C0:1", **_ALONE)),
    Mutant(
        "no one-open-attempt rule", _no_one_open, ("I4",),
        Plan(act="bank_pressed_twice", tabs=2, meet="C0", **_ALONE), ("one_open",),
    ),
    Mutant(
        "a new attempt while the old one can capture", _old_still_captures, ("I7",), Plan(act="leave_then_other")
    ),
    Mutant(
        "one call under a fixed key, keys expiring", _one_call, ("I1",),
        Plan(gateway=("confirm_payment/timeout_after*1",), expire_keys=True, **_ALONE),
    ),
    Mutant("fulfilment not unique", _two_fulfilments, ("I17",), Plan(zombie="C7", **_ALONE), ("one_fulfilment",)),
    Mutant("outbox row after the commit", _outbox_after, ("I18",), Plan(crash="M1:1", **_ALONE)),
)  # fmt: skip
