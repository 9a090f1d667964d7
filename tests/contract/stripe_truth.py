"""Two independent truths about Stripe's protocol: its published description, and the parameter types of its own SDK.

``complaints(requests)`` takes lines of the Stripe-shaped server's request log, so that whatever an adapter sent over the
socket can be held to both.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema
from stripe._stripe_object import UntypedStripeObject

from tests.stripe_server.routes import Route, find_route
from tests.stripe_server.spec import Description, complaints_about_request
from tests.stripe_server.wire import StripeError

TYPES = {
    ("POST", "/v1/customers"): "CustomerCreateParams",
    ("GET", "/v1/customers"): "CustomerListParams",
    ("GET", "/v1/customers/{customer}"): "CustomerRetrieveParams",
    ("POST", "/v1/customers/{customer}"): "CustomerUpdateParams",
    ("GET", "/v1/customers/{customer}/payment_methods"): "CustomerPaymentMethodListParams",
    ("POST", "/v1/payment_methods"): "PaymentMethodCreateParams",
    ("GET", "/v1/payment_methods"): "PaymentMethodListParams",
    ("GET", "/v1/payment_methods/{payment_method}"): "PaymentMethodRetrieveParams",
    ("POST", "/v1/payment_methods/{payment_method}"): "PaymentMethodUpdateParams",
    ("POST", "/v1/payment_methods/{payment_method}/attach"): "PaymentMethodAttachParams",
    ("POST", "/v1/payment_methods/{payment_method}/detach"): "PaymentMethodDetachParams",
    ("POST", "/v1/payment_intents"): "PaymentIntentCreateParams",
    ("GET", "/v1/payment_intents"): "PaymentIntentListParams",
    ("GET", "/v1/payment_intents/search"): "PaymentIntentSearchParams",
    ("GET", "/v1/payment_intents/{intent}"): "PaymentIntentRetrieveParams",
    ("POST", "/v1/payment_intents/{intent}"): "PaymentIntentUpdateParams",
    ("POST", "/v1/payment_intents/{intent}/confirm"): "PaymentIntentConfirmParams",
    ("POST", "/v1/payment_intents/{intent}/capture"): "PaymentIntentCaptureParams",
    ("POST", "/v1/payment_intents/{intent}/cancel"): "PaymentIntentCancelParams",
    ("POST", "/v1/setup_intents"): "SetupIntentCreateParams",
    ("GET", "/v1/setup_intents"): "SetupIntentListParams",
    ("GET", "/v1/setup_intents/{intent}"): "SetupIntentRetrieveParams",
    ("POST", "/v1/setup_intents/{intent}/confirm"): "SetupIntentConfirmParams",
    ("POST", "/v1/setup_intents/{intent}/cancel"): "SetupIntentCancelParams",
    ("POST", "/v1/checkout/sessions"): "checkout.SessionCreateParams",
    ("GET", "/v1/checkout/sessions"): "checkout.SessionListParams",
    ("GET", "/v1/checkout/sessions/{session}"): "checkout.SessionRetrieveParams",
    ("POST", "/v1/checkout/sessions/{session}/expire"): "checkout.SessionExpireParams",
    ("POST", "/v1/refunds"): "RefundCreateParams",
    ("GET", "/v1/refunds"): "RefundListParams",
    ("GET", "/v1/refunds/{refund}"): "RefundRetrieveParams",
    ("POST", "/v1/refunds/{refund}"): "RefundUpdateParams",
    ("GET", "/v1/charges"): "ChargeListParams",
    ("GET", "/v1/charges/{charge}"): "ChargeRetrieveParams",
    ("GET", "/v1/disputes"): "DisputeListParams",
    ("GET", "/v1/disputes/{dispute}"): "DisputeRetrieveParams",
    ("POST", "/v1/disputes/{dispute}/close"): "DisputeCloseParams",
    ("GET", "/v1/events"): "EventListParams",
    ("GET", "/v1/events/{id}"): "EventRetrieveParams",
    ("GET", "/v1/account"): "AccountRetrieveCurrentParams",
}


@functools.cache
def _types(name: str) -> TypeAdapter[Any]:
    """The SDK's own TypedDict, strict: unknown keys, missing keys and wrong types are errors."""
    # The SDK's types name its untyped objects, which pydantic cannot look into: any mapping will do.
    UntypedStripeObject.__get_pydantic_core_schema__ = classmethod(lambda c, s, h: core_schema.dict_schema())  # type: ignore[attr-defined]
    module, _, leaf = name.rpartition(".")
    params = getattr(importlib.import_module(f"stripe.params.{module}" if module else "stripe.params"), leaf)
    adapter: TypeAdapter[Any] = TypeAdapter(params)
    names = {**vars(sys.modules[params.__module__]), "StripeContext": Any, "Mapping": Mapping}
    adapter.rebuild(force=True, _types_namespace=names)
    return adapter


def complaints_of_sdk(route: Route, params: dict[str, Any]) -> list[str]:
    """What the SDK's parameter types say against these parameters (as numbers and booleans, not as text)."""
    try:
        _types(TYPES[(route.method, route.template)]).validate_python(params, strict=True, extra="forbid")
    except ValidationError as error:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return []


def complaints(requests: Iterable[dict[str, Any]]) -> list[str]:
    """Everything that either truth says against these lines of the request log; nothing is the wanted answer."""
    description, found = Description(), []
    for line in requests:
        place = find_route(line["method"], line["path"])
        if place is None:
            found.append(f"{line['method']} {line['path']}: Stripe has no such path")
            continue
        route = place[0]
        try:
            params = description.parameters(route, line["params"])
        except StripeError as error:
            found.append(f"{route.verb}: {error}")
            continue
        against = complaints_about_request(route, params) if route.method == "POST" else []
        found += [f"{route.verb}: {each}" for each in against + complaints_of_sdk(route, params)]
    return found
