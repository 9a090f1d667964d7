"""The gateway's own side of the sandbox: logs each changing call, keeps saved answers, acts once, and fails as scripted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.gateways.sandbox import payments, wallet
from app.gateways.sandbox.cards import CARDS, Fault, TestCard, card_of_token
from app.gateways.sandbox.keys import KEY_IN_USE, reserve, save, saved_answer
from app.gateways.sandbox.ledger import Connection, Ledger, Row, micros
from app.gateways.sandbox.payments import Surroundings
from app.gateways.sandbox.wire import Call, NoAnswer, Response, failure
from app.kit.clock import Clock

_SILENT = {Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER, Fault.LATE}
_REFUSALS = {
    Fault.RATE_LIMITED: failure(429, "rate_limited", "too many requests"),
    Fault.KEY_IN_USE: KEY_IN_USE,
    Fault.UNAUTHORIZED: failure(401, "unauthorized", "the account's key is not accepted"),
    Fault.FORBIDDEN: failure(403, "forbidden", "the account may not do this"),
    Fault.ERROR_UNSAVED: failure(500, "internal", "internal error"),
}


@dataclass(frozen=True, slots=True)
class Delays:
    """How long scripted delays last, in seconds of the sandbox's clock."""

    slow: float = 1.5
    timeout: float = 1.0
    late: float = 5.0


class Host:
    """Answers calls like a gateway behind a network would; raises ``NoAnswer`` where no answer comes back."""

    def __init__(self, ledger: Ledger, clock: Clock, around: Surroundings, delays: Delays) -> None:
        self.ledger = ledger
        self.clock = clock
        self.around = around
        self._delays = delays
        self._acts: dict[str, Callable[[Connection, Call, datetime], Response]] = {
            "create_payment": lambda c, call, now: payments.create(c, around, call, now),
            "confirm_payment": lambda c, call, now: payments.confirm(c, around, call, now),
            "cancel_payment": lambda c, call, now: payments.cancel(c, around, call, now),
            "refund": lambda c, call, now: payments.refund(c, around, call, now),
            "create_customer": wallet.make_customer,
            "begin_card_setup": self._begin_setup,
        }

    def change(self, call: Call) -> Response:
        """One changing call, in one transaction of the ledger unless it is scripted to be slow."""
        arrived = self.clock.now()
        with self.ledger.write() as c:
            self._land(c, arrived)
            about = _about(c, call)
            fault = _planned_fault(c, call.verb, about.order) or _card_fault(c, call, about.card)
            if fault is not Fault.REFUSED:
                _log(c, call, about, arrived)
            response = self._answer(c, call, fault, arrived)
        if fault is Fault.SLOW and response is None:
            self.clock.sleep(self._delays.slow)
            with self.ledger.write() as c:
                response = self._act(c, call, self.clock.now())
        return self._deliver(response, fault)

    def look(self, verb: str, question: Callable[[Connection], Response]) -> Response:
        """One reading call; what became due meanwhile lands first."""
        fault = self._catch_up(verb)
        with self.ledger.read() as c:
            response = _refusal(fault) or question(c)
        if fault in (Fault.ERROR_BEFORE, Fault.ERROR_AFTER):
            response = _REFUSALS[Fault.ERROR_UNSAVED]
        if fault is Fault.SLOW:
            self.clock.sleep(self._delays.slow)
        return self._deliver(response, fault)

    def land_due(self) -> None:
        """Lets late calls act and ``processing`` end, as far as their time has come."""
        self._catch_up("")

    def _catch_up(self, verb: str) -> Fault | None:
        now = self.clock.now()
        with self.ledger.read() as c:
            due, planned = c.execute(
                "SELECT EXISTS (SELECT 1 FROM payments WHERE resolves_at <= ?1) "
                "OR EXISTS (SELECT 1 FROM late WHERE due_at <= ?1), EXISTS (SELECT 1 FROM faults WHERE verb = ?2)",
                (micros(now), verb),
            ).fetchone()
        if not due and not planned:
            return None
        with self.ledger.write() as c:
            self._land(c, now)
            return _planned_fault(c, verb, "")

    def _answer(self, c: Connection, call: Call, fault: Fault | None, now: datetime) -> Response | None:
        """The response, or None where nothing may be said (yet)."""
        if fault is Fault.REFUSED:
            return None
        saved = saved_answer(c, call, now)
        if saved is not None:
            return saved
        refusal = _refusal(fault)
        if refusal is not None:
            return refusal
        if fault is Fault.TIMEOUT_BEFORE:
            return None
        if fault is Fault.LATE:
            return _postpone(c, call, now + timedelta(seconds=self._delays.timeout + self._delays.late))
        if fault is Fault.SLOW:
            return reserve(c, call, now)
        if fault is Fault.ERROR_BEFORE:
            return save(c, call, _REFUSALS[Fault.ERROR_UNSAVED], now)
        if fault is Fault.ERROR_AFTER:
            self._acts[call.verb](c, call, now)
            return save(c, call, _REFUSALS[Fault.ERROR_UNSAVED], now)
        return self._act(c, call, now)

    def _act(self, c: Connection, call: Call, now: datetime) -> Response:
        return save(c, call, self._acts[call.verb](c, call, now), now)

    def _deliver(self, response: Response | None, fault: Fault | None) -> Response:
        if fault is Fault.REFUSED:
            raise NoAnswer(sent=False)
        if fault in _SILENT or response is None:
            self.clock.sleep(self._delays.timeout)
            raise NoAnswer(sent=True)
        return Response(response.status, cut=True) if fault is Fault.CUT_BODY else response

    def _land(self, c: Connection, now: datetime) -> None:
        payments.resolve_processing(c, self.around, now)
        for row in c.execute("SELECT * FROM late WHERE due_at <= ? ORDER BY due_at", (micros(now),)).fetchall():
            c.execute("DELETE FROM late WHERE seq = ?", (row["seq"],))
            call = _call_of(row)
            if saved_answer(c, call, now) is None:
                self._act(c, call, now)

    def _begin_setup(self, c: Connection, call: Call, now: datetime) -> Response:
        ref = self.around.new_ref("setup_")
        return wallet.begin_setup(c, call, ref, f"{self.around.public_url}/sandbox/card/{ref}", now)


def _refusal(fault: Fault | None) -> Response | None:
    return _REFUSALS.get(fault) if fault is not None else None


@dataclass(frozen=True, slots=True)
class _About:
    """Whose order and attempt a call is about, and the card behind it; empty for calls about no payment."""

    order: str = ""
    attempt: str = ""
    card: TestCard | None = None


def _about(c: Connection, call: Call) -> _About:
    if call.verb == "create_payment":
        return _About(call.params["order"], call.params["attempt"], _card_named(c, call))
    row = payments.find(c, call, call.subject)
    return _About(row["order_mark"], row["attempt"], CARDS[row["behaviour"]]) if row is not None else _About()


def _card_named(c: Connection, call: Call) -> TestCard | None:
    where = (call.account, call.livemode, call.params["customer"], call.params["payment_method"])
    row = c.execute(
        "SELECT behaviour FROM cards WHERE account = ? AND livemode = ? AND customer = ? AND token = ?", where
    ).fetchone()
    return CARDS[row["behaviour"]] if row else card_of_token(call.params["payment_method"])


def _log(c: Connection, call: Call, about: _About, arrived: datetime) -> None:
    c.execute(
        "INSERT INTO requests (arrived_at, account, livemode, verb, key, params_hash, params, subject, order_mark, attempt) "
        "VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            micros(arrived), call.account, call.livemode, call.verb, call.key, call.params_hash, call.params_text,
            call.subject, about.order, about.attempt,
        ),
    )  # fmt: skip


def _planned_fault(c: Connection, verb: str, order: str) -> Fault | None:
    """The next fault that a test asked for, used up by this call."""
    row = c.execute(
        "SELECT seq, fault, times FROM faults WHERE verb = ? AND (order_mark IS NULL OR order_mark = ?) ORDER BY seq LIMIT 1",
        (verb, order),
    ).fetchone()
    if row is None:
        return None
    if row["times"] > 1:
        c.execute("UPDATE faults SET times = times - 1 WHERE seq = ?", (row["seq"],))
    else:
        c.execute("DELETE FROM faults WHERE seq = ?", (row["seq"],))
    return Fault(row["fault"])


def _card_fault(c: Connection, call: Call, card: TestCard | None) -> Fault | None:
    """What the card is scripted to do to this call: to the first one only, unless it always does."""
    if card is None or card.fault is None or card.fault_at != call.verb:
        return None
    if card.fault_always:
        return card.fault
    earlier = c.execute(
        "SELECT 1 FROM requests WHERE subject = ? AND verb = ? LIMIT 1", (call.subject, call.verb)
    ).fetchone()
    return card.fault if earlier is None else None


def _postpone(c: Connection, call: Call, due: datetime) -> None:
    c.execute(
        "INSERT INTO late (due_at, account, livemode, verb, key, subject, params) VALUES (?,?,?,?,?,?,?)",
        (micros(due), call.account, call.livemode, call.verb, call.key, call.subject, call.params_text),
    )


def _call_of(row: Row) -> Call:
    return Call(
        row["account"], bool(row["livemode"]), row["verb"], row["key"], row["subject"], json.loads(row["params"])
    )
