"""Idempotency as it really is: one key, one set of parameters, one saved answer (a saved 500 included) until the key expires.

What is refused before acting (400 for bad parameters, 404, 409, 429, 401, 403) is not saved.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from app.gateways.answers import ALREADY_FINAL, KEY_MISMATCH
from app.gateways.sandbox.ledger import Connection, micros
from app.gateways.sandbox.wire import Call, Response, failure

IDEMPOTENCY_TTL = timedelta(hours=24)
ABANDONED = timedelta(seconds=60)
"""A call still "in use" after this died with its process, before acting."""

KEY_IN_USE = failure(409, "key_in_use", "another call uses this key")


def saved_answer(c: Connection, call: Call, now: datetime) -> Response | None:
    """What this key already means: its answer, a refusal, or None when the call is new."""
    where = (call.account, call.livemode, call.key)
    row = c.execute("SELECT * FROM keys WHERE account = ? AND livemode = ? AND key = ?", where).fetchone()
    if row is None:
        return None
    life = IDEMPOTENCY_TTL if row["status"] is not None else ABANDONED
    if row["at"] <= micros(now - life):
        c.execute("DELETE FROM keys WHERE account = ? AND livemode = ? AND key = ?", where)
        return None
    if row["params_hash"] != call.params_hash:
        return failure(400, KEY_MISMATCH, "idempotency parameters differ")
    if row["status"] is None:
        return KEY_IN_USE
    return Response(row["status"], json.loads(row["body"]))


def reserve(c: Connection, call: Call, now: datetime) -> None:
    """Marks the key as in use while a slow call is under way."""
    c.execute(
        "INSERT INTO keys (account, livemode, key, params_hash, at) VALUES (?,?,?,?,?)",
        (call.account, call.livemode, call.key, call.params_hash, micros(now)),
    )


def save(c: Connection, call: Call, response: Response, now: datetime) -> Response:
    """Keeps an answer that came from acting; any other leaves the key free."""
    where = (call.account, call.livemode, call.key)
    if response.status in (200, 402, 500) or response.code == ALREADY_FINAL:
        c.execute(
            "INSERT OR REPLACE INTO keys (account, livemode, key, params_hash, at, status, body) VALUES (?,?,?,?,?,?,?)",
            (*where, call.params_hash, micros(now), response.status, json.dumps(response.body)),
        )
    else:
        c.execute("DELETE FROM keys WHERE account = ? AND livemode = ? AND key = ? AND status IS NULL", where)
    return response


def expire_keys(c: Connection) -> None:
    """Forgets every saved answer, as a gateway does after its time."""
    c.execute("DELETE FROM keys")
