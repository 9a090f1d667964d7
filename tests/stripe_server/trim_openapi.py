"""Writes openapi.json anew from Stripe's whole document: ``python -m tests.stripe_server.trim_openapi spec3.json``.

Kept are the paths that the server has, their parameters and answers. Cut to "any object" are the other ways of paying
than cards, and objects that are only named by an expandable reference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.stripe_server.routes import ROUTES

SOURCE = {
    "title": "Stripe API, trimmed to the paths that Liftlink's tests use",
    "license": {"name": "MIT", "url": "https://github.com/stripe/openapi/blob/master/LICENSE"},
    "x-source": "https://github.com/stripe/openapi (openapi/spec3.json), Copyright (c) Stripe; as distributed in the wheel seahaven-stripe-world 0.3.0 (MIT)",
    "x-amendments": [
        "payment_method_types is taken out of what PaymentIntents and SetupIntents are created, updated and confirmed with: API 2026-09-30.endive refuses it",
        "payment_method_types is called allowed_payment_method_types where a Checkout Session is created: so API 2026-09-30.endive has it",
    ],
}
DROPPED = ("description", "title", "x-", "example")
WHOLE = frozenset(
    {
        "payment_intent", "charge", "payment_method", "customer", "refund", "dispute", "checkout.session", "setup_intent", "event", "error", "api_errors",
        "payment_method_card", "payment_method_details", "payment_method_details_card", "payment_intent_next_action", "setup_intent_next_action",
        "payment_intent_next_action_redirect_to_url", "setup_intent_next_action_redirect_to_url", "billing_details", "charge_outcome", "notification_event_data",
        "notification_event_request", "payment_flows_automatic_payment_methods_payment_intent", "dispute_evidence", "dispute_evidence_details",
        "dispute_payment_method_details", "dispute_payment_method_details_card", "invoice_setting_customer_setting", "payment_method_card_checks",
        "payment_pages_checkout_session_custom_text", "payment_pages_checkout_session_custom_text_position",
        "payment_pages_checkout_session_automatic_tax", "refund_destination_details", "refund_destination_details_card", "account", "networks", "deleted_customer", "three_d_secure_usage", "address",
        "payment_pages_checkout_session_customer_details", "charge_fraud_details", "payment_method_details_card_checks",
    }
)  # fmt: skip
REFUSED = ("/v1/payment_intents", "/v1/setup_intents")


def trim(whole: dict[str, Any]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        operation = whole["paths"][route.template][route.method.lower()]
        kept = {
            "parameters": [
                _slim({key: each[key] for key in ("name", "in", "required", "schema", "style") if key in each})
                for each in operation.get("parameters", ())
            ],
            "responses": {"200": _slim(operation["responses"]["200"]["content"]["application/json"]["schema"])},
        }
        body = (
            operation.get("requestBody", {})
            .get("content", {})
            .get("application/x-www-form-urlencoded", {})
            .get("schema")
        )
        if body is not None:
            kept["body"] = _request(_slim(body))
            if route.template.startswith(REFUSED):
                kept["body"].get("properties", {}).pop("payment_method_types", None)
            if (route.method, route.template) == ("POST", "/v1/checkout/sessions"):
                kept["body"]["properties"]["allowed_payment_method_types"] = kept["body"]["properties"].pop(
                    "payment_method_types"
                )
        paths.setdefault(route.template, {})[route.method.lower()] = kept
    schemas = {
        name: _slim(whole["components"]["schemas"][name])
        for name in sorted(WHOLE)
        if name in whole["components"]["schemas"]
    }
    info = {**SOURCE, "version": whole["info"]["version"]}
    return {"openapi": whole["openapi"], "info": info, "paths": paths, "components": {"schemas": schemas}}


def _slim(node: Any) -> Any:
    """Without prose; a reference to a schema that is not kept is any object."""
    if isinstance(node, list):
        return [_slim(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return {"$ref": f"#/components/schemas/{name}"} if name in WHOLE else {"type": "object"}
    slim: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            slim[key] = {name: _slim(each) for name, each in value.items()}
        elif not key.startswith(DROPPED) or (key == "title" and isinstance(value, dict)):
            slim[key] = _slim(value)
    return slim


def _request(schema: dict[str, Any]) -> dict[str, Any]:
    """A body's parameters, two levels deep in full; ways of paying other than cards are any object."""
    for name in ("payment_method_data", "payment_method_options"):
        inner = schema.get("properties", {}).get(name, {}).get("properties", {})
        for kind in list(inner):
            if kind not in ("card", "type", "metadata", "billing_details", "allow_redisplay"):
                inner[kind] = {}
    return schema


if __name__ == "__main__":
    text = json.dumps(trim(json.loads(Path(sys.argv[1]).read_text())), separators=(",", ":"), sort_keys=True)
    Path(__file__).with_name("openapi.json").write_text(text + "\n")
    print(len(text))
