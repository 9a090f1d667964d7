"""Cards that changed at the gateway: renewed by the bank, given another date, or taken away."""

from __future__ import annotations

from functools import partial

import structlog
from sqlalchemy import select, update

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

    A card that the gateway no longer keeps is blocked for good. Cards that are not on file here are not taken on: nobody
    agreed to pay with them here.
    """
    try:
        gateway = watch.gateways.of(at.gateway, at.account, livemode=at.livemode)
    except GatewayError as error:
        return error.code
    reply = gateway.stored_cards(customer)
    if reply.kind is AnswerKind.BUG_OR_GONE:
        kept: dict[str, GatewayCard] = {}  # the customer was deleted there, and the cards with it
    elif reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        return f"cards: {reply.kind}"
    else:
        kept = {card.token: card for card in reply.value}
    _write(watch, at, customer, kept)
    return ""


def _write(watch: Watch, at: Place, customer: str, kept: dict[str, GatewayCard]) -> None:
    columns = [StoredCard.id, StoredCard.book_id, StoredCard.token, StoredCard.blocked]
    columns += [getattr(StoredCard, name) for name in _SHOWN]
    with watch.store.write() as conn:
        books = select(Book.id).where(
            Book.gateway == at.gateway,
            Book.gateway_account.in_(known_by(watch, conn, at).names),
            Book.mode == ("live" if at.livemode else "test"),
        )
        rows = conn.execute(
            select(*columns).where(
                StoredCard.book_id.in_(books),
                StoredCard.gateway == at.gateway,
                StoredCard.gateway_customer == customer,
            )
        ).all()
        for row in rows:
            card = kept.get(row.token)
            new = {"blocked": True} if card is None else {name: getattr(card, name) for name in _SHOWN}
            changed = {name: value for name, value in new.items() if getattr(row, name) != value}
            if changed:
                conn.execute(
                    update(StoredCard).where(StoredCard.book_id == row.book_id, StoredCard.id == row.id).values(changed)
                )
                say = partial(_log.info, "card_changed", book=row.book_id, card=row.id, changed=sorted(changed))
                after_commit(say)
