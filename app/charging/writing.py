"""The rows of TX1, each written by one function from explicit values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from app.billing.codec import dump_quote
from app.charging.attempts import ATTEMPT_LIFE, LEASE
from app.charging.ordering import ChosenCard, ConsentGiven, NewOrder
from app.charging.proof import seal_of_consent, seal_of_order
from app.charging.telling import Sum
from app.charging.transitions import BORN, Move, log
from app.kit.ids import short_code
from app.models.orders import Attempt, Consent, Order
from app.models.prepared import inserting

_ORDER, _CONSENT, _ATTEMPT = inserting(Order), inserting(Consent), inserting(Attempt)


def write_order(conn: Connection, new: NewOrder, fingerprint: str, order_id: str, now: datetime) -> None:
    row: dict[str, Any] = {
        "id": order_id,
        "book_id": new.book_id,
        "number": short_code("UP", new.book_id, order_id),
        "checkout_id": new.checkout_id,
        "subscription_id": new.subscription_id,
        "subscription_version": new.subscription_version,
        "customer_id": new.customer_id,
        "source": new.source,
        "link_jti": new.link_jti,
        "claims": new.claims,
        "quote": dump_quote(new.quote),
        "quote_hash": fingerprint,
        "quoted_at": new.quoted_at,
        "valid_until": new.valid_until,
        "total": new.quote.due_now,
        "currency": new.quote.currency,
        "outcome": "pending",
        "state": "OPEN",
        "email": new.email,
        "language": new.language,
        "created_at": now,
    }
    _ORDER.run(conn, row)
    placed = Move("order", order_id, BORN, "OPEN", f"placed {seal_of_order(row)}")
    log(conn, new.book_id, [placed], actor=new.source, at=now, of=_sum(new))


def write_consent(
    conn: Connection,
    new: NewOrder,
    fingerprint: str,
    consent: ConsentGiven,
    card: ChosenCard | None,
    attempt_id: str,
    order_id: str,
    step_up: Mapping[str, Any] | None,
    now: datetime,
) -> str:
    """The proof for one attempt (``.0``: for an order with nothing due), never changed afterwards; its seal."""
    shown = (
        {name: getattr(card, name) for name in ("id", "brand", "last4", "exp_month", "exp_year", "fingerprint")}
        if card
        else {}
    )
    row: dict[str, Any] = {
        "attempt_id": attempt_id,
        "book_id": new.book_id,
        "order_id": order_id,
        "text": consent.text,
        "version": consent.version,
        "language": consent.language,
        "button": consent.button,
        "boxes": dict(consent.boxes),
        "figures": dict(consent.figures),
        "card": shown,
        "quote_hash": fingerprint,
        "policy_version": consent.policy_version,
        "step_up": None if step_up is None else dict(step_up),
        "link_jti": new.link_jti,
        "ip": consent.ip,
        "user_agent": consent.user_agent,
        "at": now,
    }
    _CONSENT.run(conn, row)
    return seal_of_consent(row)


def write_attempt(
    conn: Connection,
    new: NewOrder,
    card: ChosenCard,
    attempt_id: str,
    order_id: str,
    n: int,
    return_url: str,
    driver: str | None,
    seal: str,
    now: datetime,
) -> None:
    """``CREATED``, under the lease of ``driver`` if one is named, else due at once. ``seal`` is that of its consent."""
    leased_until = now + LEASE if driver else None
    lease = {"lease_by": driver, "lease_until": leased_until, "next_at": leased_until or now}
    _ATTEMPT.run(
        conn,
        _attempt(new, card, now) | lease | {"id": attempt_id, "order_id": order_id, "n": n, "return_url": return_url},
    )
    if n > 1:
        conn.execute(
            update(Order)
            .where(Order.book_id == new.book_id, Order.id == order_id)
            .values(outcome="pending", version=Order.version + 1)
        )
    log(
        conn,
        new.book_id,
        [Move("attempt", attempt_id, BORN, "CREATED", f"placed on consent {seal}")],
        actor=new.source,
        at=now,
        of=_sum(new),
    )


def _attempt(new: NewOrder, card: ChosenCard, now: datetime) -> dict[str, Any]:
    """What of an attempt's row comes from its order and card."""
    return {
        "book_id": new.book_id,
        "amount": new.quote.due_now,
        "currency": new.quote.currency,
        "gateway": new.gateway,
        "account": new.account,
        "livemode": new.livemode,
        "payment_method": card.token,
        "gw_customer": card.gateway_customer,
        "card_id": card.id,
        "off_session": new.off_session,
        "state": "CREATED",
        "created_at": now,
        "deadline_at": now + ATTEMPT_LIFE,
    }


def _sum(new: NewOrder) -> Sum:
    return Sum(new.gateway, new.quote.due_now, new.quote.currency)
