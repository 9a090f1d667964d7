"""How many card pages and changes of address the carts of a subscription may begin: each costs calls to the gateway.

Counted by subscription, because a link opens as many cart sessions as one clicks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection, bindparam, insert, select, update

from app.charging.errors import ChargingError
from app.models.locks import hold_subscription
from app.models.work import CartTry

Kind = Literal["card", "email"]
"""A page of the gateway to enter a card on; another e-mail address, which is another customer at the gateway."""

WINDOW: Final = timedelta(hours=1)

_OF_SUBSCRIPTION = (CartTry.book_id == bindparam("book"), CartTry.subscription_id == bindparam("subscription"))
_TRIES = (
    select(CartTry.n, CartTry.at).where(*_OF_SUBSCRIPTION, CartTry.kind == bindparam("of_kind")).order_by(CartTry.at)
)
_TAKE_ANEW = update(CartTry).where(
    *_OF_SUBSCRIPTION, CartTry.kind == bindparam("of_kind"), CartTry.n == bindparam("number")
)


def take_try(conn: Connection, book_id: int, subscription_id: int, kind: Kind, now: datetime, limit: int) -> None:
    """Count one more, in a writing transaction and before the gateway is called.

    ``too_many_tries`` with ``opens_at`` when ``limit`` of that kind were begun within the last hour; then nothing is written.
    A row whose hour is over is used again, so that a subscription never has more than ``limit`` of them.
    """
    subscription = {"book": book_id, "subscription": subscription_id}
    hold_subscription(conn, book_id, subscription_id)  # two at once must not both be the last one
    tries = conn.execute(_TRIES, {**subscription, "of_kind": kind}).all()
    recent = [at for _, at in tries if at > now - WINDOW]
    if len(recent) >= limit:
        raise ChargingError("too_many_tries", "too often", opens_at=recent[-limit] + WINDOW, per="subscription")
    if len(recent) < len(tries):
        conn.execute(_TAKE_ANEW, {**subscription, "of_kind": kind, "number": tries[0].n, "at": now})
        return
    row = {"book_id": book_id, "subscription_id": subscription_id, "kind": kind, "n": len(tries) + 1, "at": now}
    conn.execute(insert(CartTry), row)
