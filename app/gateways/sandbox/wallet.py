"""Customers, their cards and the pages on which cards are added, inside the ledger's transaction."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from app.gateways.sandbox.cards import TestCard, card_of_token
from app.gateways.sandbox.ledger import Connection, Row, instant, micros
from app.gateways.sandbox.wire import Body, Call, Response, failure
from app.kit.ids import derive

CUSTOMER_PREFIX = "cus_"
SETUP_LIFE = timedelta(hours=24)


def make_customer(c: Connection, call: Call, now: datetime) -> Response:
    """One customer per reference and key; the sandbox derives the id, so that a repeat after a lost answer finds it."""
    ref = CUSTOMER_PREFIX + "sandbox_" + derive(call.account, int(call.livemode), call.params["reference"], call.key)
    _know_customer(c, call.account, call.livemode, ref, call.params["reference"], now)
    return Response(200, {"customer": ref})


def find_card(c: Connection, account: str, livemode: bool, customer: str, token: str, now: datetime) -> Row | Response:
    """The customer's card. A ready-made token becomes theirs on first use; one with a suffix is never another's."""
    if not customer.startswith(CUSTOMER_PREFIX):
        return failure(400, "no_such_customer", f"no customer {customer!r}: a sandbox customer begins with cus_")
    row = _card(c, account, livemode, customer, token)
    if row is not None:
        return row
    ready_made = card_of_token(token)
    if ready_made is None or ("-" in token and _is_anothers(c, account, livemode, token)):
        return failure(400, "no_such_card", f"{token!r} is no card of customer {customer!r}")
    _know_customer(c, account, livemode, customer, "", now)
    keep_card(c, (account, livemode, customer), token, ready_made, _expiry(ready_made), "shared", now)
    row = _card(c, account, livemode, customer, token)
    assert row is not None  # noqa: S101 - inserted a line above, in the same transaction
    return row


def keep_card(
    c: Connection,
    owner: tuple[str, bool, str],
    token: str,
    card: TestCard,
    expiry: tuple[int, int],
    fingerprint: str,
    now: datetime,
) -> None:
    """Stores a card for (account, livemode, customer); never a number, only what it does and its last four."""
    c.execute(
        "INSERT INTO cards (account, livemode, customer, token, behaviour, brand, last4, exp_month, exp_year, fingerprint, "
        "created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (*owner, token, card.behaviour, card.brand, card.last4, *expiry, fingerprint, micros(now)),
    )


def fingerprint_of(secret: bytes, card: TestCard) -> str:
    return hmac.digest(secret, card.number.encode(), "sha256").hex()[:20]


def begin_setup(c: Connection, call: Call, ref: str, url: str, now: datetime) -> Response:
    p = call.params
    if not p["customer"].startswith(CUSTOMER_PREFIX):
        return failure(400, "no_such_customer", f"no customer {p['customer']!r}: a sandbox customer begins with cus_")
    _know_customer(c, call.account, call.livemode, p["customer"], "", now)
    c.execute(
        "INSERT INTO setups (ref, account, livemode, customer, return_url, description, created_at) VALUES (?,?,?,?,?,?,?)",
        (ref, call.account, call.livemode, p["customer"], p["return_url"], p["description"], micros(now)),
    )
    return Response(200, {"setup": {"ref": ref, "url": url}})


def setup_body(c: Connection, row: Row, now: datetime) -> Body:
    status = "complete" if row["card"] else "expired" if setup_expired(row, now) else "open"
    card = _card(c, row["account"], bool(row["livemode"]), row["customer"], row["card"]) if row["card"] else None
    return {
        "ref": row["ref"],
        "status": status,
        "customer": row["customer"],
        "card": card_body(card) if card is not None else None,
    }


def setup_expired(row: Row, now: datetime) -> bool:
    return instant(row["created_at"]) + SETUP_LIFE <= now


def cards_of(c: Connection, account: str, livemode: bool, customer: str) -> list[Body]:
    rows = c.execute(
        "SELECT * FROM cards WHERE account = ? AND livemode = ? AND customer = ? ORDER BY seq",
        (account, livemode, customer),
    ).fetchall()
    return [card_body(row) for row in rows]


def card_body(row: Row) -> Body:
    return {key: row[key] for key in ("token", "customer", "brand", "last4", "exp_month", "exp_year", "fingerprint")}


def _expiry(card: TestCard) -> tuple[int, int]:
    return card.exp_month, card.exp_year


def _card(c: Connection, account: str, livemode: bool, customer: str, token: str) -> Row | None:
    return c.execute(
        "SELECT * FROM cards WHERE account = ? AND livemode = ? AND customer = ? AND token = ?",
        (account, livemode, customer, token),
    ).fetchone()


def _is_anothers(c: Connection, account: str, livemode: bool, token: str) -> bool:
    row = c.execute(
        "SELECT 1 FROM cards WHERE account = ? AND livemode = ? AND token = ?", (account, livemode, token)
    ).fetchone()
    return row is not None


def _know_customer(c: Connection, account: str, livemode: bool, ref: str, reference: str, now: datetime) -> None:
    c.execute(
        "INSERT OR IGNORE INTO customers (account, livemode, id, reference, created_at) VALUES (?,?,?,?,?)",
        (account, livemode, ref, reference, micros(now)),
    )
