"""A plain caller of the Stripe-shaped server: what is on the wire, without an SDK that explains it away."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from tests.stripe_server.client import StripeServer
from tests.stripe_server.wire import form_of

BACK = "https://shop.example/return?o=1"
NO_ANSWER = (http.client.HTTPException, OSError)
"""What a caller sees of a connection that broke."""
_numbers = count(1)


@dataclass
class Told:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def code(self) -> str:
        error = self.body.get("error", {})
        return str(error.get("code") or error.get("type", ""))


@dataclass
class Caller:
    """One account in one mode. A connection that broke without an answer raises, as it does for everybody."""

    server: StripeServer
    account: str = "acct_quillmark"
    livemode: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    timeout: float = 10.0
    raw: bytes = b""

    def ask(self, method: str, path: str, params: dict[str, Any] | None = None, *, key: str | None = None) -> Told:
        text = urlencode(form_of(params or {}))
        headers = {"Authorization": f"Bearer {self.server.key(self.account, livemode=self.livemode)}", **self.headers}
        if key is not None:
            headers["Idempotency-Key"] = key
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=self.timeout)
        try:
            target = path if method == "POST" or not text else f"{path}?{text}"
            connection.request(method, target, text if method == "POST" else None, headers)
            answer = connection.getresponse()
            self.raw = answer.read()
            return Told(answer.status, json.loads(self.raw), dict(answer.getheaders()))
        finally:
            connection.close()

    def get(self, path: str, **params: Any) -> Told:
        return self.ask("GET", f"/v1/{path}", params)

    def post(self, path: str, params: dict[str, Any] | None = None, *, key: str | None = None) -> Told:
        return self.ask("POST", f"/v1/{path}", params, key=key)

    def done(self, path: str, params: dict[str, Any] | None = None, *, key: str | None = None) -> dict[str, Any]:
        told = self.post(path, params, key=key)
        assert told.status == 200, told.body
        return told.body

    # Words for the usual beginnings

    def customer(self) -> str:
        return str(self.done("customers", {"metadata": {"reference": "QM-1"}})["id"])

    def card(self, customer: str, token: str = "pm_card_visa") -> str:
        return str(self.done(f"payment_methods/{token}/attach", {"customer": customer})["id"])

    def payment(
        self, token: str = "pm_card_visa", *, amount: int = 500, order: str = "", **more: Any
    ) -> dict[str, Any]:
        """Unconfirmed, of a new customer."""
        customer = self.customer()
        order = order or f"order{next(_numbers)}"
        asked = {
            "amount": amount,
            "currency": "usd",
            "customer": customer,
            "payment_method": self.card(customer, token),
        }
        asked |= {"metadata": {"order": order}, "allowed_payment_method_types": ["card"], **more}
        return self.done("payment_intents", asked, key=f"{order}:create")

    def confirm(self, payment: dict[str, Any], key: str = "", **params: Any) -> Told:
        return self.post(f"payment_intents/{payment['id']}/confirm", params, key=key or f"confirm{next(_numbers)}")

    def paid(self, token: str = "pm_card_visa", **how: Any) -> dict[str, Any]:
        told = self.confirm(self.payment(token, **how))
        assert told.body["status"] == "succeeded", told.body
        return told.body
