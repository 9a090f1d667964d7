"""Every path under /v1, its verb and the act behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stripe_server import checkout, customers, payments, refunds
from tests.stripe_server.call import Call, listed
from tests.stripe_server.wire import Body

Act = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    verb: str
    act: Act
    pattern: re.Pattern[str]


def read_event(call: Call) -> Body:
    return call.find("events", call.path["id"], "id", status=404)


def list_events(call: Call) -> Body:
    kind, kinds = call.params.get("type"), call.params.get("types")
    rows = [row for row in call.own("events") if kind in (None, row["type"]) and (not kinds or row["type"] in kinds)]
    return listed(call, rows, "/v1/events")


def read_account(call: Call) -> Body:
    return {
        "id": call.account, "object": "account", "business_profile": None, "business_type": "company", "capabilities": {"card_payments": "active"},
        "charges_enabled": True, "controller": {"type": "account"}, "country": "US", "created": 1_700_000_000, "default_currency": "usd",
        "details_submitted": True, "email": None, "metadata": {}, "payouts_enabled": True, "settings": None, "type": "standard",
    }  # fmt: skip


_TABLE: tuple[tuple[str, str, str, Act], ...] = (
    ("POST", "/v1/customers", "create_customer", customers.create_customer),
    ("GET", "/v1/customers", "list_customers", customers.list_customers),
    ("GET", "/v1/customers/{customer}", "read_customer", customers.read_customer),
    ("POST", "/v1/customers/{customer}", "", customers.update_customer),
    ("GET", "/v1/customers/{customer}/payment_methods", "stored_cards", customers.list_customers_cards),
    ("POST", "/v1/payment_methods", "create_card", customers.create_card),
    ("GET", "/v1/payment_methods", "stored_cards", customers.list_cards),
    ("GET", "/v1/payment_methods/{payment_method}", "read_card", customers.read_card),
    ("POST", "/v1/payment_methods/{payment_method}", "", customers.update_card),
    ("POST", "/v1/payment_methods/{payment_method}/attach", "attach_card", customers.attach_card),
    ("POST", "/v1/payment_methods/{payment_method}/detach", "detach_card", customers.detach_card),
    ("POST", "/v1/payment_intents", "create_payment", payments.create_payment),
    ("GET", "/v1/payment_intents", "list_payments", payments.list_payments),
    ("GET", "/v1/payment_intents/search", "search_payments", payments.search_payments),
    ("GET", "/v1/payment_intents/{intent}", "read_payment", payments.read_payment),
    ("POST", "/v1/payment_intents/{intent}", "", payments.update_payment),
    ("POST", "/v1/payment_intents/{intent}/confirm", "confirm_payment", payments.confirm_payment),
    ("POST", "/v1/payment_intents/{intent}/capture", "capture_payment", payments.capture_payment),
    ("POST", "/v1/payment_intents/{intent}/cancel", "cancel_payment", payments.cancel_payment),
    ("POST", "/v1/setup_intents", "create_setup", checkout.create_setup),
    ("GET", "/v1/setup_intents", "list_setups", checkout.list_setups),
    ("GET", "/v1/setup_intents/{intent}", "read_setup", checkout.read_setup),
    ("POST", "/v1/setup_intents/{intent}/confirm", "confirm_setup", checkout.confirm_setup),
    ("POST", "/v1/setup_intents/{intent}/cancel", "cancel_setup", checkout.cancel_setup),
    ("POST", "/v1/checkout/sessions", "begin_card_setup", checkout.create_session),
    ("GET", "/v1/checkout/sessions", "list_sessions", checkout.list_sessions),
    ("GET", "/v1/checkout/sessions/{session}", "finish_card_setup", checkout.read_session),
    ("POST", "/v1/checkout/sessions/{session}/expire", "expire_session", checkout.expire_session),
    ("POST", "/v1/refunds", "refund", refunds.create_refund),
    ("GET", "/v1/refunds", "list_refunds", refunds.list_refunds),
    ("GET", "/v1/refunds/{refund}", "read_refund", refunds.read_refund),
    ("POST", "/v1/refunds/{refund}", "", refunds.update_refund),
    ("GET", "/v1/charges", "list_charges", refunds.list_charges),
    ("GET", "/v1/charges/{charge}", "read_charge", refunds.read_charge),
    ("GET", "/v1/disputes", "list_disputes", refunds.list_disputes),
    ("GET", "/v1/disputes/{dispute}", "read_dispute", refunds.read_dispute),
    ("POST", "/v1/disputes/{dispute}/close", "close_dispute", refunds.close_dispute),
    ("GET", "/v1/events", "list_events", list_events),
    ("GET", "/v1/events/{id}", "read_event", read_event),
    ("GET", "/v1/account", "read_account", read_account),
)


def _route(method: str, template: str, verb: str, act: Act) -> Route:
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
    return Route(method, template, verb or f"{method} {template}", act, pattern)


ROUTES = tuple(_route(*row) for row in _TABLE)
_PLAIN = {(route.method, route.template): route for route in ROUTES if "{" not in route.template}


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    plain = _PLAIN.get((method, path))
    if plain is not None:
        return plain, {}
    for route in ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found is not None:
            return route, found.groupdict()
    return None
