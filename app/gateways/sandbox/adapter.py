"""The sandbox as an adapter: the port's verbs on one side, the host's calls on the other, translated here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from app.gateways.answers import Observation, classify
from app.gateways.port import (
    Answer,
    AnswerKind,
    Capabilities,
    CardSetup,
    CreatePayment,
    Decline,
    DeclineReason,
    Dispute,
    DisputeStatus,
    FinishedSetup,
    Marks,
    Notice,
    NoticeRefused,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Reply,
    SetupStatus,
    StoredCard,
)
from app.gateways.sandbox import payments, wallet
from app.gateways.sandbox.host import Host
from app.gateways.sandbox.keys import IDEMPOTENCY_TTL
from app.gateways.sandbox.ledger import Connection, instant, micros
from app.gateways.sandbox.notices import read_notice
from app.gateways.sandbox.wire import Body, Call, NoAnswer, Response, failure
from app.kit.fence import assert_outside_transaction

NAME = "sandbox"
CAPABILITIES = Capabilities(
    two_phase=True,
    cancel=True,
    read_by_ref=True,
    list_by_customer=True,
    idempotency_ttl=IDEMPOTENCY_TTL,
    late_effect_max=timedelta(seconds=60),
)

# The sandbox counts in ISO 4217 minor units, as we do: no currency needs another exponent.

T = TypeVar("T")


class SandboxGateway:
    """One account of the sandbox in one mode."""

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, host: Host, account: str, *, livemode: bool) -> None:
        self._host = host
        self.account = account
        self.livemode = livemode
        self.identity = account

    def create_customer(self, *, reference: str, key: str) -> Reply[str]:
        return self._reply("create_customer", key, reference, {"reference": reference}, lambda body: body["customer"])

    def create_payment(self, request: CreatePayment, *, key: str) -> Answer:
        params = {
            "amount": request.amount,
            "currency": request.currency,
            "customer": request.customer,
            "payment_method": request.payment_method,
            "order": request.marks.order,
            "attempt": request.marks.attempt,
            "use": request.marks.use,
            "description": request.description,
        }
        return self._answer("create_payment", key, request.marks.attempt or key, params)

    def confirm_payment(self, ref: str, *, key: str, return_url: str | None) -> Answer:
        return self._answer("confirm_payment", key, ref, {"payment": ref, "return_url": return_url})

    def cancel_payment(self, ref: str, *, key: str) -> Answer:
        return self._answer("cancel_payment", key, ref, {"payment": ref})

    def refund(self, ref: str, *, amount: int, mark: str, key: str) -> Reply[Refund]:
        params = {"payment": ref, "amount": amount, "mark": mark}
        return self._reply("refund", key, ref, params, lambda body: _refund(body["refund"]))

    def begin_card_setup(self, *, customer: str, return_url: str, description: str, key: str) -> Reply[CardSetup]:
        params = {"customer": customer, "return_url": return_url, "description": description}
        return self._reply("begin_card_setup", key, customer, params, lambda body: CardSetup(**body["setup"]))

    def read_payment(self, ref: str) -> Answer:
        def question(c: Connection) -> Response:
            row = payments.find(c, self, ref)
            if row is None:
                return failure(404, "no_such_payment", f"no payment {ref!r} in this account")
            return Response(200, {"payment": payments.payment_body(c, self._host.around, row)})

        return _answer_of(self._ask("read_payment", question))

    def list_payments(
        self,
        *,
        customer: str | None = None,
        order: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Reply[tuple[Payment, ...]]:
        def question(c: Connection) -> Response:
            rows = c.execute(
                "SELECT * FROM payments WHERE account = ?1 AND livemode = ?2 AND (?3 IS NULL OR customer = ?3) "
                "AND (?4 IS NULL OR order_mark = ?4) AND created_at >= ?5 AND (?6 IS NULL OR created_at < ?6) ORDER BY seq",
                (self.account, self.livemode, customer, order, *_between(since, until)),
            ).fetchall()
            return Response(200, {"payments": [payments.payment_body(c, self._host.around, row) for row in rows]})

        seen = self._ask("list_payments", question)
        return _reply_of(seen, lambda body: tuple(_payment(each) for each in body["payments"]))

    def list_refunds(
        self, payment: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Reply[tuple[Refund, ...]]:
        def question(c: Connection) -> Response:
            if payment is not None and payments.find(c, self, payment) is None:
                return failure(404, "no_such_payment", f"no payment {payment!r} in this account")
            rows = c.execute(
                "SELECT r.* FROM refunds r JOIN payments p ON p.id = r.payment WHERE p.account = ?1 AND p.livemode = ?2 "
                "AND (?3 IS NULL OR p.id = ?3) AND r.at >= ?4 AND (?5 IS NULL OR r.at < ?5) ORDER BY r.seq",
                (self.account, self.livemode, payment, *_between(since, until)),
            ).fetchall()
            return Response(200, {"refunds": [payments.refund_body(row) for row in rows]})

        seen = self._ask("list_refunds", question)
        return _reply_of(seen, lambda body: tuple(_refund(each) for each in body["refunds"]))

    def list_disputes(
        self, *, payment: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Reply[tuple[Dispute, ...]]:
        def question(c: Connection) -> Response:
            rows = c.execute(
                "SELECT d.* FROM disputes d JOIN payments p ON p.id = d.payment WHERE p.account = ?1 AND p.livemode = ?2 "
                "AND (?3 IS NULL OR p.id = ?3) AND d.opened_at >= ?4 AND (?5 IS NULL OR d.opened_at < ?5) ORDER BY d.seq",
                (self.account, self.livemode, payment, *_between(since, until)),
            ).fetchall()
            return Response(200, {"disputes": [payments.dispute_body(row) for row in rows]})

        seen = self._ask("list_disputes", question)
        return _reply_of(seen, lambda body: tuple(_dispute(each) for each in body["disputes"]))

    def finish_card_setup(self, ref: str) -> Reply[FinishedSetup]:
        def question(c: Connection) -> Response:
            row = c.execute(
                "SELECT * FROM setups WHERE ref = ? AND account = ? AND livemode = ?",
                (ref, self.account, self.livemode),
            ).fetchone()
            if row is None:
                return failure(404, "no_such_setup", f"no card page {ref!r} in this account")
            return Response(200, {"setup": wallet.setup_body(c, row, self._host.clock.now())})

        return _reply_of(self._ask("finish_card_setup", question), lambda body: _finished(body["setup"]))

    def stored_cards(self, customer: str) -> Reply[tuple[StoredCard, ...]]:
        def question(c: Connection) -> Response:
            return Response(200, {"cards": wallet.cards_of(c, self.account, self.livemode, customer)})

        seen = self._ask("stored_cards", question)
        return _reply_of(seen, lambda body: tuple(StoredCard(**each) for each in body["cards"]))

    def read_notice(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> Notice | NoticeRefused:
        return read_notice(headers, body, secrets, now)

    def _change(self, verb: str, key: str, subject: str, params: Mapping[str, Any]) -> Response | NoAnswer:
        assert_outside_transaction(verb)
        try:
            return self._host.change(Call(self.account, self.livemode, verb, key, subject, params))
        except NoAnswer as none:
            return none

    def _ask(self, verb: str, question: Callable[[Connection], Response]) -> Response | NoAnswer:
        assert_outside_transaction(verb)
        try:
            return self._host.look(verb, question)
        except NoAnswer as none:
            return none

    def _answer(self, verb: str, key: str, subject: str, params: Mapping[str, Any]) -> Answer:
        return _answer_of(self._change(verb, key, subject, params))

    def _reply(
        self, verb: str, key: str, subject: str, params: Mapping[str, Any], read: Callable[[Body], T]
    ) -> Reply[T]:
        return _reply_of(self._change(verb, key, subject, params), read)


def _kind(seen: Response | NoAnswer, status: PaymentStatus | None = None) -> AnswerKind:
    if isinstance(seen, NoAnswer):
        return classify(Observation(sent=seen.sent))
    return classify(Observation(True, seen.status, seen.code, not seen.cut, status))


def _answer_of(seen: Response | NoAnswer) -> Answer:
    if isinstance(seen, NoAnswer):
        return Answer(_kind(seen), detail=str(seen))
    told = seen.body.get("payment")
    payment = _payment(told) if told else None
    kind = _kind(seen, payment.status if payment else None)
    decline = payment.decline if payment and kind is AnswerKind.DECLINE else None
    if seen.code == "no_such_card":
        decline = Decline(DeclineReason.CARD_GONE)
    return Answer(kind, payment, decline, _detail(seen))


def _between(since: datetime | None, until: datetime | None) -> tuple[int, int | None]:
    return micros(since) if since else 0, micros(until) if until else None


def _reply_of(seen: Response | NoAnswer, read: Callable[[Body], T]) -> Reply[T]:
    kind = _kind(seen)
    if isinstance(seen, NoAnswer):
        return Reply(kind, detail=str(seen))
    return Reply(kind, read(seen.body) if kind is AnswerKind.DEFINITE else None, _detail(seen))


def _detail(seen: Response) -> str:
    error = seen.body.get("error")
    return f"{seen.status} {error['code']}: {error['message']}" if error else "cut body" if seen.cut else ""


def _payment(body: Body) -> Payment:
    return Payment(
        ref=body["id"],
        status=PaymentStatus(body["status"]),
        amount=body["amount"],
        currency=body["currency"],
        customer=body["customer"],
        payment_method=body["payment_method"],
        account=body["account"],
        livemode=body["livemode"],
        metadata=Marks(body["order"], body["attempt"], body["use"]),
        captured=body["captured"],
        refunded=body["refunded"],
        action_url=body["action_url"],
        decline=_decline(body["decline"]),
        created_at=instant(body["created_at"]),
    )


def _decline(body: Body | None) -> Decline | None:
    if body is None:
        return None
    return Decline(DeclineReason(body["reason"]), body["network_code"], body["advice_code"])


def _refund(body: Body) -> Refund:
    at = instant(body["at"]) if "at" in body else None
    done = RefundStatus.SUCCEEDED
    return Refund(body["id"], body["payment"], body["amount"], body["currency"], done, body["mark"], at)


def _dispute(body: Body) -> Dispute:
    status, opened = DisputeStatus(body["status"]), instant(body["opened_at"])
    return Dispute(body["id"], body["payment"], body["amount"], body["currency"], status, opened)


def _finished(body: Body) -> FinishedSetup:
    card = StoredCard(**body["card"]) if body["card"] else None
    return FinishedSetup(body["ref"], SetupStatus(body["status"]), body["customer"], card)
