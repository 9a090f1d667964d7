"""Cards that changed at the gateway: renewed by the bank, given another date, or taken away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog
from sqlalchemy import Connection, select, update

from app.charging.observing import Place, Watch, known_by
from app.gateways.port import AnswerKind, GatewayError
from app.gateways.port import StoredCard as GatewayCard
from app.models.afterwards import after_commit
from app.models.customers import StoredCard
from app.models.merchants import Book

_SHOWN = ("brand", "last4", "exp_month", "exp_year", "fingerprint")
_log = structlog.get_logger(__name__)


def refresh_cards(watch: Watch, at: Place, customer: str) -> str:
    """Read this customer's cards and bring ours to them. Empty when done; else why to look again.

    A card that the gateway no longer keeps is blocked for good; one that is stored here meanwhile is left as it is. Cards that
    are not on file here are not taken on: nobody agreed to pay with them here.
    """
    with watch.store.read() as conn:
        ids = _on_file(conn, watch, at, customer)
    if not ids:
        return ""
    try:
        gateway = watch.gateways.of(at.gateway, at.account, livemode=at.livemode)
    except GatewayError as error:
        return error.code
    reply = gateway.stored_cards(customer)
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        return f"cards: {reply.kind}"  # a customer who is not known there, as under another account's key, says nothing of cards
    _write(watch, ids, {card.token: card for card in reply.value})
    return ""


def _on_file(conn: Connection, watch: Watch, at: Place, customer: str) -> Sequence[int]:
    books = select(Book.id).where(
        Book.gateway == at.gateway,
        Book.gateway_account.in_(known_by(watch, conn, at).names),
        Book.mode == ("live" if at.livemode else "test"),
    )
    cards = select(StoredCard.id).where(
        StoredCard.book_id.in_(books), StoredCard.gateway == at.gateway, StoredCard.gateway_customer == customer
    )
    return conn.scalars(cards).all()


def _write(watch: Watch, ids: Sequence[int], kept: dict[str, GatewayCard]) -> None:
    columns = [StoredCard.id, StoredCard.book_id, StoredCard.token, StoredCard.blocked]
    columns += [getattr(StoredCard, name) for name in _SHOWN]
    with watch.store.write() as conn:
        for row in conn.execute(select(*columns).where(StoredCard.id.in_(ids))).all():
            card = kept.get(row.token)
            new = {"blocked": True} if card is None else {name: getattr(card, name) for name in _SHOWN}
            changed = {name: value for name, value in new.items() if getattr(row, name) != value}
            if changed:
                conn.execute(
                    update(StoredCard).where(StoredCard.book_id == row.book_id, StoredCard.id == row.id).values(changed)
                )
                say = partial(_log.info, "card_changed", book=row.book_id, card=row.id, changed=sorted(changed))
                after_commit(say)
