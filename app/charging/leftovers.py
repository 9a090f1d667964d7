"""Objects at the gateway that nobody will confirm: made by a driver that died or slept, cancelled after a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from app.billing.states import ATTEMPT_CLOSED
from app.charging.gate import accounts_of, closed_accounts
from app.charging.namesakes import by_account
from app.charging.slicing import NotListed, slices
from app.gateways.port import AnswerKind, Gateway, GatewayError, Gateways, Payment, PaymentStatus, Reply
from app.kit.clock import Clock
from app.models.orders import Attempt
from app.models.store import Store

LEFT_AFTER = timedelta(hours=24)
LOOK_BACK = timedelta(days=8)
_UNCONFIRMED = (
    PaymentStatus.REQUIRES_CONFIRMATION,
    PaymentStatus.REQUIRES_ACTION,
    PaymentStatus.REQUIRES_PAYMENT_METHOD,
)
_log = structlog.get_logger(__name__)


class _Stopped(Exception):
    """Whoever asked for this ends."""


def cancel_leftovers(
    store: Store, gateways: Gateways, clock: Clock, *, stops: Callable[[], bool] = lambda: False
) -> int:
    """Cancel unconfirmed objects under our marks that are older than a day and no open attempt's; how many.

    ``stops``: asked before each call; once true, the rest is left to the next time.
    """
    with store.read() as conn:
        accounts = by_account(conn, gateways, accounts_of(conn))
        shut = closed_accounts(conn)
    cancelled = 0
    for names in accounts:
        if stops():
            break
        if any(each in shut for each in names):
            continue  # after a restore we do not know what is whose before both books were compared
        first = names[0]
        try:
            gateway = gateways.of(first.gateway, first.account, livemode=first.livemode)
            cancelled += _of_account(store, gateway, clock, stops)
        except GatewayError as error:
            _log.warning("leftovers_not_listed", gateway=first.gateway, account=first.account, code=error.code)
    return cancelled


def _of_account(store: Store, gateway: Gateway, clock: Clock, stops: Callable[[], bool]) -> int:
    def listed(*, since: datetime, until: datetime | None) -> Reply[tuple[Payment, ...]]:
        if stops():
            raise _Stopped
        return gateway.list_payments(since=since, until=until)

    now, cancelled = clock.now(), 0
    try:
        for part in slices(listed, now - LOOK_BACK, now - LEFT_AFTER, clock):
            for payment in part.listed:
                cancelled += _cancel(store, gateway, payment, stops)
    except _Stopped:
        pass
    except NotListed as error:
        _log.warning("leftovers_not_listed", gateway=gateway.name, account=gateway.account, code=error.answer)
    return cancelled


def _cancel(store: Store, gateway: Gateway, payment: Payment, stops: Callable[[], bool]) -> bool:
    ours = payment.metadata.attempt and payment.status in _UNCONFIRMED
    if not ours or _is_awaited(store, gateway, payment):
        return False
    if stops():
        raise _Stopped
    answer = gateway.cancel_payment(payment.ref, key=f"leftover:{payment.ref}")
    _log.info("leftover_cancelled", payment=payment.ref, attempt=payment.metadata.attempt, answer=answer.kind)
    return answer.kind is AnswerKind.DEFINITE


def _is_awaited(store: Store, gateway: Gateway, payment: Payment) -> bool:
    """An attempt that is not closed has this object, or may still find it: of whichever book, under whichever name."""
    with store.read() as conn:
        row = conn.execute(
            select(Attempt.state, Attempt.gw_ref).where(
                Attempt.id == payment.metadata.attempt,
                Attempt.gateway == gateway.name,
                Attempt.livemode == gateway.livemode,
            )
        ).first()
    return row is not None and row.state not in ATTEMPT_CLOSED and row.gw_ref in (None, payment.ref)
