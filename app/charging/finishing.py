"""Fetches what became of the gateway's card pages. Workers do it, since the page that comes back is a GET."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, RowMapping, and_, or_, select, update

from app.gateways.port import AnswerKind, FinishedSetup, GatewayError, Gateways, Reply, SetupStatus
from app.gateways.port import StoredCard as GatewayCard
from app.kit.clock import Clock
from app.models.afterwards import after_commit
from app.models.customers import StoredCard
from app.models.leases import Leases
from app.models.merchants import Book
from app.models.outages import is_outage
from app.models.store import Store
from app.models.upsert import insert_or_update
from app.models.work import CardSetup

LOOKS = tuple(timedelta(seconds=each) for each in (15, 15, 30, 60, 120, 300, 900, 3600))
GIVEN_UP_AFTER = timedelta(hours=24)
LEASE = timedelta(seconds=60)
SETUPS = Leases(CardSetup, LEASE, works=CardSetup.state == "OPEN", born=CardSetup.created_at)
_log = structlog.get_logger(__name__)


def finish_due_setups(
    store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 20, rung: bool = False
) -> int:
    """Fetch finished card pages and store their cards; the number of rows looked at. For the worker.

    ``rung``: also those that are not due yet but were not looked at for a second, because somebody waits.
    """
    now = clock.now()
    with store.read() as conn:
        ids = _due(conn, now, limit, rung=rung)
    for setup_id in ids:
        try:
            _finish(store, gateways, clock, setup_id, by)
        except Exception as error:
            if is_outage(error):
                raise  # the rows that are left would fail as well
            _log.exception("card_setup_failed", setup=setup_id)
    return len(ids)


def _due(conn: Connection, now: datetime, limit: int, *, rung: bool) -> Sequence[str]:
    when = CardSetup.next_at <= now
    if rung:
        looked = or_(CardSetup.lease_until.is_(None), CardSetup.lease_until <= now - timedelta(seconds=1))
        when = or_(when, and_(looked, CardSetup.gw_ref.is_not(None), CardSetup.created_at > now - timedelta(hours=1)))
    query = select(CardSetup.id).where(CardSetup.next_at.is_not(None), SETUPS.is_free(now), when)
    return conn.execute(query.order_by(CardSetup.created_at.desc()).limit(limit)).scalars().all()


def _finish(store: Store, gateways: Gateways, clock: Clock, setup_id: str, by: str) -> None:
    now = clock.now()
    with store.write() as conn:
        if not SETUPS.take(conn, setup_id, by, now):
            return
        row = (
            conn.execute(
                select(CardSetup.__table__, Book.gateway_account, Book.mode)
                .join(Book, Book.id == CardSetup.book_id)
                .where(CardSetup.id == setup_id)
            )
            .mappings()
            .one()
        )
    reply = _ask(gateways, row)
    with store.write() as conn:
        values = _outcome(conn, row, reply, clock.now())
        conn.execute(
            update(CardSetup)
            .where(CardSetup.id == setup_id, CardSetup.state == "OPEN", CardSetup.lease_by == by)
            .values(lease_by=None, lease_until=clock.now(), tries=CardSetup.tries + 1, **values)
        )


def _ask(gateways: Gateways, row: RowMapping) -> Reply[FinishedSetup]:
    if row["gw_ref"] is None:
        # The call never came back, so the shopper never saw the page.
        return Reply(AnswerKind.BUG_OR_GONE, detail="the page was never opened")
    try:
        gateway = gateways.of(row["gateway"], row["gateway_account"], livemode=row["mode"] == "live")
    except GatewayError as error:
        return Reply(AnswerKind.MERCHANT_FAULT, detail=error.code)
    return gateway.finish_card_setup(row["gw_ref"])


def _outcome(conn: Connection, row: RowMapping, reply: Reply[FinishedSetup], now: datetime) -> dict[str, object]:
    """What the row becomes; the card is stored in the same transaction."""
    done = reply.value
    if reply.kind in (AnswerKind.BUG_OR_GONE, AnswerKind.BUG):
        return {"state": "ABANDONED" if row["gw_ref"] is None else "FAILED", "next_at": None}
    if reply.kind is AnswerKind.DEFINITE and done is not None:
        if done.customer != row["gateway_customer"]:
            after_commit(lambda: _log.error("card_setup_of_another_customer", setup=row["id"]))
            return {"state": "FAILED", "next_at": None}
        if done.status is SetupStatus.COMPLETE and done.card is not None:
            return {"state": "DONE", "next_at": None, "card_id": _store_card(conn, row, done.card, now)}
        if done.status is SetupStatus.EXPIRED:
            return {"state": "ABANDONED", "next_at": None}
    if now - row["created_at"] >= GIVEN_UP_AFTER:
        return {"state": "ABANDONED", "next_at": None}
    return {"next_at": now + LOOKS[min(row["tries"], len(LOOKS) - 1)]}


def _store_card(conn: Connection, row: RowMapping, card: GatewayCard, now: datetime) -> int:
    """The card's row; one entered under another e-mail belongs to that cart alone."""
    identity = {
        "book_id": row["book_id"],
        "gateway": row["gateway"],
        "gateway_customer": row["gateway_customer"],
        "token": card.token,
    }
    facts = {
        "brand": card.brand,
        "last4": card.last4,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "cart_session": None if row["own_email"] else row["cart_session"],
    }
    new = {**identity, **facts, "customer_id": row["customer_id"], "is_default": False, "created_at": now}
    insert_or_update(conn, StoredCard, new, key=tuple(identity), update=facts)
    return conn.execute(select(StoredCard.id).filter_by(**identity)).scalar_one()
