"""What a payment does at the sandbox: each function runs inside the ledger's transaction and gives the response."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from app.gateways.answers import ALREADY_FINAL
from app.gateways.declines import Decline, DeclineReason
from app.gateways.port import DisputeStatus, PaymentStatus
from app.gateways.sandbox.cards import CARDS, Effect
from app.gateways.sandbox.ledger import Connection, Row, micros
from app.gateways.sandbox.wallet import find_card
from app.gateways.sandbox.wire import Body, Call, Response, failure
from app.kit.currencies import PLACES
from app.kit.ids import Randomness, base32
from app.kit.money import LARGEST

CHALLENGES = {
    Effect.CHALLENGE,
    Effect.CHALLENGE_FAILS,
    Effect.CHALLENGE_SILENT,
    Effect.CHALLENGE_THEN_DECLINED,
}
_S = PaymentStatus


class Whose(Protocol):
    """Anything that belongs to one account in one mode."""

    @property
    def account(self) -> str: ...

    @property
    def livemode(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the acts need besides the ledger."""

    public_url: str
    randomness: Randomness
    processing: timedelta
    """How long a payment stays ``processing``."""

    def new_ref(self, prefix: str) -> str:
        return prefix + base32(int.from_bytes(self.randomness(16), "big"), 24).lower()


def create(c: Connection, around: Surroundings, call: Call, now: datetime) -> Response:
    p = call.params
    if not isinstance(p["amount"], int) or not 0 < p["amount"] <= LARGEST:
        return failure(400, "amount_invalid", "the amount is a positive integer of minor units")
    if p["currency"] not in PLACES:
        return failure(400, "currency_unknown", f"{p['currency']!r} is no currency")
    card = find_card(c, call.account, call.livemode, p["customer"], p["payment_method"], now)
    if isinstance(card, Response):
        return card
    ref = around.new_ref("pay_sandbox_")
    c.execute(
        "INSERT INTO payments (id, account, livemode, order_mark, attempt, use_mark, customer, payment_method, behaviour, "
        "exp_month, exp_year, amount, currency, description, status, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            ref, call.account, call.livemode, p["order"], p["attempt"], p["use"], p["customer"], p["payment_method"],
            card["behaviour"], card["exp_month"], card["exp_year"], p["amount"], p["currency"], p["description"],
            _S.REQUIRES_CONFIRMATION, micros(now),
        ),
    )  # fmt: skip
    return _told(c, around, _row(c, ref))


def confirm(c: Connection, around: Surroundings, call: Call, now: datetime) -> Response:
    row = find(c, call, call.subject)
    if row is None:
        return _gone(call.subject)
    if row["status"] in (_S.PROCESSING, _S.REQUIRES_ACTION):
        return _told(c, around, row)
    if row["status"] != _S.REQUIRES_CONFIRMATION:
        return _already(c, around, row)
    card = CARDS[row["behaviour"]]
    return_url: str | None = call.params["return_url"]
    if _expired(row, now):
        _decline(c, around, row, Decline(DeclineReason.EXPIRED_CARD, "54"), now)
    elif card.effect is Effect.DECLINED:
        _decline(c, around, row, card.decline, now)
    elif return_url is None and (card.effect in CHALLENGES or card.effect is Effect.OFF_SESSION_REFUSED):
        _decline(c, around, row, Decline(DeclineReason.AUTHENTICATION_REQUIRED, "1A"), now)
    elif card.effect in CHALLENGES:
        c.execute(
            "UPDATE payments SET status = ?, challenge = ?, return_url = ? WHERE id = ?",
            (_S.REQUIRES_ACTION, around.new_ref("check_"), return_url, row["id"]),
        )
    elif card.effect in (Effect.PROCESSING, Effect.PROCESSING_THEN_DECLINED):
        c.execute(
            "UPDATE payments SET status = ?, resolves_at = ? WHERE id = ?",
            (_S.PROCESSING, micros(now + around.processing), row["id"]),
        )
    else:
        _capture(c, around, row, now)
    return _told(c, around, _row(c, row["id"]), refused=402)


def cancel(c: Connection, around: Surroundings, call: Call, now: datetime) -> Response:
    row = find(c, call, call.subject)
    if row is None:
        return _gone(call.subject)
    if row["status"] in (_S.SUCCEEDED, _S.CANCELED, _S.PROCESSING):
        return _already(c, around, row)
    c.execute("UPDATE payments SET status = ? WHERE id = ?", (_S.CANCELED, row["id"]))
    _event(c, around, row, "payment.canceled", now)
    return _told(c, around, _row(c, row["id"]))


def refund(c: Connection, around: Surroundings, call: Call, now: datetime) -> Response:
    row = find(c, call, call.subject)
    if row is None:
        return _gone(call.subject)
    amount: int = call.params["amount"]
    body = payment_body(c, around, row)
    if amount <= 0 or amount > body["captured"] - body["refunded"]:
        return failure(400, "refund_too_large", "a refund is above zero and at most what is left of the capture")
    if c.execute("SELECT 1 FROM disputes WHERE payment = ? AND status <> 'won'", (row["id"],)).fetchone():
        return failure(400, "payment_disputed", "a payment whose dispute is open or lost is not refunded")
    ref = around.new_ref("re_sandbox_")
    c.execute(
        "INSERT INTO refunds (id, payment, amount, currency, mark, order_mark, at) VALUES (?,?,?,?,?,?,?)",
        (ref, row["id"], amount, row["currency"], call.params["mark"], row["order_mark"], micros(now)),
    )
    _event(c, around, row, "payment.refunded", now)
    return Response(200, {"refund": refund_body(c.execute("SELECT * FROM refunds WHERE id = ?", (ref,)).fetchone())})


def open_dispute(c: Connection, around: Surroundings, row: Row, now: datetime) -> str:
    """The cardholder contests what was taken; the dispute's reference."""
    ref = around.new_ref("dp_sandbox_")
    c.execute(
        "INSERT INTO disputes (id, payment, amount, currency, status, opened_at) VALUES (?,?,?,?,?,?)",
        (ref, row["id"], row["amount"], row["currency"], DisputeStatus.OPEN, micros(now)),
    )
    _event(c, around, row, "payment.disputed", now)
    return ref


def close_dispute(c: Connection, around: Surroundings, ref: str, *, won: bool, now: datetime) -> None:
    """The bank decides: ``won`` leaves the money with the merchant."""
    status = DisputeStatus.WON if won else DisputeStatus.LOST
    c.execute("UPDATE disputes SET status = ? WHERE id = ? AND status = ?", (status, ref, DisputeStatus.OPEN))
    row = c.execute("SELECT * FROM payments WHERE id = (SELECT payment FROM disputes WHERE id = ?)", (ref,)).fetchone()
    _event(c, around, row, "payment.dispute_closed", now)


def dispute_body(row: Row) -> Body:
    return {key: row[key] for key in ("id", "payment", "amount", "currency", "status", "opened_at")}


def answer_challenge(c: Connection, around: Surroundings, row: Row, *, approve: bool, now: datetime) -> None:
    """What the bank's page does; nothing when the payment no longer waits for it."""
    card = CARDS[row["behaviour"]]
    if row["status"] != _S.REQUIRES_ACTION or card.effect is Effect.CHALLENGE_SILENT:
        return
    if not approve or card.effect is Effect.CHALLENGE_FAILS:
        _decline(c, around, row, Decline(DeclineReason.AUTHENTICATION_FAILED), now)
    elif card.effect is Effect.CHALLENGE_THEN_DECLINED:
        _decline(c, around, row, card.decline, now)
    else:
        _capture(c, around, row, now)


def resolve_processing(c: Connection, around: Surroundings, now: datetime) -> None:
    """Ends every ``processing`` whose time has come."""
    for row in c.execute("SELECT * FROM payments WHERE resolves_at <= ?", (micros(now),)).fetchall():
        c.execute("UPDATE payments SET resolves_at = NULL WHERE id = ?", (row["id"],))
        card = CARDS[row["behaviour"]]
        if card.effect is Effect.PROCESSING_THEN_DECLINED:
            _decline(c, around, row, card.decline, now)
        else:
            _capture(c, around, row, now)


def find(c: Connection, where: Whose, ref: str) -> Row | None:
    """The payment in the caller's own account and mode; anybody else's does not exist."""
    return c.execute(
        "SELECT * FROM payments WHERE id = ? AND account = ? AND livemode = ?", (ref, where.account, where.livemode)
    ).fetchone()


def payment_body(c: Connection, around: Surroundings, row: Row) -> Body:
    captured = refunded = 0
    if row["status"] == _S.SUCCEEDED:
        captured, refunded = c.execute(
            "SELECT (SELECT coalesce(sum(amount), 0) FROM captures WHERE payment = ?1), "
            "(SELECT coalesce(sum(amount), 0) FROM refunds WHERE payment = ?1)",
            (row["id"],),
        ).fetchone()
    waits = row["status"] == _S.REQUIRES_ACTION
    return {
        "id": row["id"], "status": row["status"], "amount": row["amount"], "currency": row["currency"],
        "customer": row["customer"], "payment_method": row["payment_method"], "account": row["account"],
        "livemode": bool(row["livemode"]), "order": row["order_mark"], "attempt": row["attempt"], "use": row["use_mark"],
        "captured": captured, "refunded": refunded, "created_at": row["created_at"],
        "action_url": f"{around.public_url}/sandbox/check/{row['challenge']}" if waits else None,
        "decline": json.loads(row["decline"]) if row["decline"] else None,
    }  # fmt: skip


def refund_body(row: Row) -> Body:
    return {key: row[key] for key in ("id", "payment", "amount", "currency", "mark", "at")}


def _told(c: Connection, around: Surroundings, row: Row, refused: int = 200) -> Response:
    """The object as it stands, with status ``refused`` when the card was just declined."""
    body: Body = {"payment": payment_body(c, around, row)}
    if refused != 200 and row["status"] == _S.REQUIRES_PAYMENT_METHOD:
        return failure(refused, "card_declined", "the card was declined", **body)
    return Response(200, body)


def _already(c: Connection, around: Surroundings, row: Row) -> Response:
    message = f"the payment is {row['status']}"
    return failure(400, ALREADY_FINAL, message, payment=payment_body(c, around, row))


def _gone(ref: str) -> Response:
    return failure(404, "no_such_payment", f"no payment {ref!r} in this account")


def _row(c: Connection, ref: str) -> Row:
    return c.execute("SELECT * FROM payments WHERE id = ?", (ref,)).fetchone()


def _capture(c: Connection, around: Surroundings, row: Row, now: datetime) -> None:
    c.execute("UPDATE payments SET status = ? WHERE id = ?", (_S.SUCCEEDED, row["id"]))
    c.execute(
        "INSERT INTO captures (id, payment, amount, currency, order_mark, attempt, at) VALUES (?,?,?,?,?,?,?)",
        (
            around.new_ref("cap_"), row["id"], row["amount"], row["currency"], row["order_mark"], row["attempt"],
            micros(now),
        ),
    )  # fmt: skip
    _event(c, around, row, "payment.succeeded", now)


def _decline(c: Connection, around: Surroundings, row: Row, decline: Decline | None, now: datetime) -> None:
    why = decline or Decline(DeclineReason.GENERIC)
    told: dict[str, Any] = {"reason": why.reason, "network_code": why.network_code, "advice_code": why.advice_code}
    c.execute(
        "UPDATE payments SET status = ?, decline = ? WHERE id = ?",
        (_S.REQUIRES_PAYMENT_METHOD, json.dumps(told), row["id"]),
    )
    _event(c, around, row, "payment.declined", now)


def _event(c: Connection, around: Surroundings, row: Row, kind: str, now: datetime) -> None:
    c.execute(
        "INSERT INTO events (id, at, account, livemode, kind, payment) VALUES (?,?,?,?,?,?)",
        (around.new_ref("evt_"), micros(now), row["account"], row["livemode"], kind, row["id"]),
    )


def _expired(row: Row, now: datetime) -> bool:
    return (row["exp_year"], row["exp_month"]) < (now.year, now.month)
