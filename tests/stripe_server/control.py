"""The calls under /_control: how a test, a harness or a judge steers and reads the server."""

from __future__ import annotations

from typing import Any

from tests.stripe_server import customers, faults, pages, refunds, shapes
from tests.stripe_server.call import show
from tests.stripe_server.cards import DECLINE_CODES, Card, Does
from tests.stripe_server.couriers import Couriers
from tests.stripe_server.engine import Door, Engine
from tests.stripe_server.ledger import ledger_of
from tests.stripe_server.state import Row, new_id
from tests.stripe_server.wire import Body


class Control:
    def __init__(self, engine: Engine, couriers: Couriers, door: Door) -> None:
        self.engine = engine
        self.state = engine.state
        self.couriers = couriers
        self.door = door

    def handle(self, method: str, path: str, given: Body) -> Any:
        """The answer as JSON; ``LookupError`` and ``ValueError`` say what was wrong with the call."""
        name, *rest = path.removeprefix("/_control/").strip("/").split("/")
        does = getattr(self, f"{method.lower()}_{name}", None)
        if does is None:
            raise LookupError(f"no control call {method} {path}")
        return does(*rest, **given)

    def get_ledger(self) -> Body:
        with self.state.acting():
            self.engine.land_due()
            return ledger_of(self.state.tables, self.state.request_log(), self.state.now())

    def get_requests(self) -> list[Row]:
        return self.state.request_log()

    def get_faults(self) -> list[Row]:
        return list(self.state.table("faults").values())

    def post_faults(self, **wanted: Any) -> Row:
        with self.state.acting():
            return faults.plan(self.state, wanted)

    def delete_faults(self) -> Body:
        return self._forget("faults")

    def post_keys(self, what: str) -> Body:
        if what != "expire":
            raise LookupError(what)
        with self.state.acting():
            finished = [ref for ref, row in self.state.table("keys").items() if not row["running"]]
            for ref in finished:
                self.state.drop("keys", ref)
        return {"forgotten": len(finished)}

    def get_webhooks(self) -> list[Row]:
        return list(self.state.table("endpoints").values())

    def post_webhooks(self, what: str = "", **given: Any) -> Any:
        if what == "deliver":
            self.get_ledger()
            return self.couriers.now()
        with self.state.acting():
            return self.couriers.listen({"mode": "normal", **given})

    def delete_webhooks(self) -> Body:
        return self._forget("endpoints")

    def get_deliveries(self) -> list[Row]:
        """Those that wait and those that ended."""
        return [*self.state.table("deliveries").values(), *self.state.table("delivered").values()]

    def get_clock(self) -> Body:
        return {"now": self.state.now(), "offset": self.state.offset}

    def post_clock(self, offset: float | None = None, move: float | None = None) -> Body:
        with self.state.acting():
            at = self.state.offset + move if move is not None else float(offset or 0.0)
            self.state.put("settings", {"id": "clock", "offset": at})
            self.engine.land_due()
        return self.get_clock()

    def post_answer(self, ref: str, approve: bool) -> Body:
        return show(pages.answer(self.engine, ref, approve=approve))

    def post_fill(self, ref: str, **given: Any) -> Body:
        """Raises ``StripeError`` for a card that Stripe would not keep."""
        return show(pages.fill(self.engine, self.state.table("sessions")[ref], given))

    def post_cards(self, customer: str, behaviour: str = "approved", **given: Any) -> Body:
        """A stored card with any behaviour; a decline code brings its network code and advice unless others are given."""
        if given.get("decline_code") in DECLINE_CODES:
            network, advice = DECLINE_CODES[given["decline_code"]]
            given = {"network_decline_code": network, "advice_code": advice, **given}
        last4 = given.pop("last4", None)
        with self.state.acting():
            owner = self.state.table("customers")[customer]
            call = self.engine.inside(owner)
            row = shapes.payment_method(call.new("payment_method", "pm_"), Card(Does(behaviour), **given))
            row["card"]["last4"] = last4 or row["card"]["last4"]
            self.state.put("methods", row)
            return show(customers.keep_card(call, row, customer))

    def post_customers(self, account: str, livemode: bool = False, id: str = "", **given: Any) -> Body:
        """A customer, also under an id of the test's own choosing."""
        with self.state.acting():
            call = self.engine.inside({"_account": account, "livemode": livemode})
            row = shapes.customer(call.new("customer", "cus_", 14))
            row.update(given, id=id or row["id"])
            return show(self.state.put("customers", row))

    def post_disputes(self, ref: str = "", payment: str = "", won: bool = False) -> Body:
        with self.state.acting():
            if ref:
                row = self.state.table("disputes")[ref]
                return show(refunds.decide_dispute(self.engine.inside(row), row, won=won))
            charged = self._charge(payment)
            return show(refunds.open_dispute(self.engine.inside(charged), charged))

    def post_refunds(self, payment: str, amount: int) -> Body:
        with self.state.acting():
            charged = self._charge(payment)
            if amount > charged["amount_captured"] - charged["amount_refunded"]:
                raise ValueError("more than what is left")
            return show(refunds.give_back(self.engine.inside(charged), charged, amount))

    def _charge(self, payment: str) -> Row:
        return self.state.table("charges")[self.state.table("intents")[payment]["latest_charge"]]

    def post_api_keys(self, revoke: str) -> Body:
        with self.state.acting():
            self.state.put("revoked", {"id": revoke})
        return {"revoked": revoke}

    def post_door(self, open: bool, seconds: float = 0.0) -> Body:
        if open:
            self.door.open()  # type: ignore[attr-defined]
        else:
            self.door.shut(seconds)
        return {"open": open}

    def post_events(self, type: str, account: str, livemode: bool = False, object: Body | None = None) -> Body:
        """An event about anything at all, also about what this server does not have."""
        with self.state.acting():
            call = self.engine.inside({"_account": account, "livemode": livemode})
            call.event(type, object or {"id": new_id("obj_"), "object": "unknown"})
        return {"sent": True}

    def _forget(self, table: str) -> Body:
        with self.state.acting():
            refs = list(self.state.table(table))
            for ref in refs:
                self.state.drop(table, ref)
        return {"forgotten": len(refs)}
