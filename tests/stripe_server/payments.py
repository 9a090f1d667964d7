"""PaymentIntents: what each does at the gateway. Every function runs under the state's lock."""

from __future__ import annotations

import re
import time
from typing import Any

from tests.stripe_server import shapes
from tests.stripe_server.call import Call, listed, show
from tests.stripe_server.cards import DECLINE_CODES, Card, Does
from tests.stripe_server.currencies import check_amount
from tests.stripe_server.customers import merge_metadata, usable
from tests.stripe_server.declines import card_error
from tests.stripe_server.refunds import open_dispute
from tests.stripe_server.state import Row, new_id
from tests.stripe_server.wire import Body, StripeError, invalid, is_true

KEPT = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "shipping",
)
CONFIRMABLE = ("requires_confirmation", "requires_payment_method", "requires_action")
CANCELLABLE = (*CONFIRMABLE, "requires_capture")
ASKS = (Does.CHALLENGE, Does.CHALLENGE_UNLESS_SET_UP, Does.CHALLENGE_THEN_DECLINED)


def create_payment(call: Call) -> Row:
    p = call.params
    if is_true(p.get("off_session")) and not is_true(p.get("confirm")):
        raise invalid("The parameter `off_session` can only be passed when confirming.", param="off_session")
    if "return_url" in p and not is_true(p.get("confirm")):
        raise invalid("The parameter `return_url` can only be passed when confirming.", param="return_url")
    amount, currency = int(p["amount"]), str(p["currency"]).lower()
    check_amount(amount, currency)
    row = shapes.payment_intent(
        call.new("payment_intent", "pi_"),
        amount=amount,
        currency=currency,
        capture_method=p.get("capture_method", "automatic_async"),
    )
    _how(row, p)
    _write(call, row)
    if "customer" in p:
        row["customer"] = call.find("customers", p["customer"], "customer")["id"]
    if "payment_method" in p:
        _take_card(call, row, p["payment_method"])
    call.state.put("intents", row)
    call.event("payment_intent.created", row)
    return confirm(call, row) if is_true(p.get("confirm")) else row


def _how(row: Row, p: Body) -> None:
    """Which ways of paying it takes: the dashboard's choice unless the caller names them."""
    if "allowed_payment_method_types" in p:
        row["payment_method_types"] = list(p["allowed_payment_method_types"])
        row["_redirects"] = False
        return
    given = p.get("automatic_payment_methods") or {"enabled": True}
    row["automatic_payment_methods"] = {
        "enabled": is_true(given["enabled"]),
        "allow_redirects": given.get("allow_redirects", "always"),
    }
    row["_redirects"] = row["automatic_payment_methods"]["allow_redirects"] == "always"


def _write(call: Call, row: Row) -> None:
    row.update({name: call.params[name] for name in KEPT if name in call.params})
    merge_metadata(row, call.params)


def _take_card(call: Call, row: Row, ref: str) -> None:
    method = usable(call, ref, "payment_method")
    if method["customer"] is not None and method["customer"] != row["customer"]:
        whose = "a customer" if row["customer"] is None else "a different customer"
        raise invalid(
            f"The PaymentMethod {method['id']} belongs to {whose}. Please include the correct customer in the `customer` parameter.",
            "payment_method_unexpected_state" if row["customer"] is None else "", param="payment_method",
        )  # fmt: skip
    if method["_detached"]:
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without "
            "Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it "
            "to a Customer first.", "payment_method_unexpected_state", param="payment_method",
        )  # fmt: skip
    row["payment_method"] = method["id"]
    if row["status"] == "requires_payment_method":
        row["status"] = "requires_confirmation"


def read_payment(call: Call) -> Row:
    return _intent(call)


def _intent(call: Call) -> Row:
    return call.find("intents", call.path["intent"], "intent", status=404)


def update_payment(call: Call) -> Row:
    row, p = _intent(call), call.params
    if row["status"] not in CONFIRMABLE:
        raise _unexpected(row, f"This PaymentIntent's could not be updated because it has a status of {row['status']}.")
    if "amount" in p:
        check_amount(int(p["amount"]), row["currency"])
        row["amount"] = int(p["amount"])
    _write(call, row)
    if "payment_method" in p:
        _take_card(call, row, p["payment_method"])
    return call.state.put("intents", row)


def list_payments(call: Call) -> Body:
    customer = call.params.get("customer")
    return listed(
        call, [row for row in call.own("intents") if customer in (None, row["customer"])], "/v1/payment_intents"
    )


_TERM = re.compile(r"""\s*(-?)(\w+)(?:\[["']([^"']+)["']\])?\s*(:|>=|<=|>|<)\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*""")


def search_payments(call: Call) -> Body:
    """Stripe's search sees an object only after a while: never use it to read what was just written."""
    rows = [row for row in call.own("intents") if row["_at"] <= call.now - call.search_lag]
    for part in re.split(r"\s+AND\s+", call.params["query"]):
        found = _TERM.fullmatch(part)
        if found is None:
            raise invalid("We were unable to parse your search query.", "search_query_invalid", param="query")
        minus, name, inner, sign, double, single, number = found.groups()
        wanted = next(each for each in (double, single, number) if each is not None)
        rows = [row for row in rows if _fits(row, name, inner, sign, wanted) == (not minus)]
    rows = list(reversed(rows))
    limit = int(call.params.get("limit", 10))
    start = int(call.params.get("page", 0))
    more = len(rows) > start + limit
    page = [show(row) for row in rows[start : start + limit]]
    body: Body = {
        "object": "search_result",
        "data": page,
        "has_more": more,
        "next_page": str(start + limit) if more else None,
    }
    return {**body, "url": "/v1/payment_intents/search"}


def _fits(row: Row, name: str, inner: str | None, sign: str, wanted: str) -> bool:
    value: Any = row.get(name)
    if inner is not None:
        value = (value or {}).get(inner)
    if sign == ":":
        return str(value) == wanted
    return {">": value > int(wanted), ">=": value >= int(wanted), "<": value < int(wanted), "<=": value <= int(wanted)}[
        sign
    ]


def confirm_payment(call: Call) -> Row:
    row, p = _intent(call), call.params
    if row["status"] not in CONFIRMABLE:
        why = (
            "it has already succeeded after being previously confirmed"
            if row["status"] == "succeeded"
            else f"it has a status of {row['status']}"
        )
        raise _unexpected(row, f"You cannot confirm this PaymentIntent because {why}.")
    if "payment_method" in p:
        _take_card(call, row, p["payment_method"])
    if row["payment_method"] is None:
        raise _unexpected(
            row, "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment "
            "method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
        )  # fmt: skip
    return confirm(call, row)


def confirm(call: Call, row: Row) -> Row:
    p = call.params
    row["_return_url"] = p.get("return_url", row["_return_url"])
    if row["_redirects"] and row["_return_url"] is None:
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your "
            "customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set "
            "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents.", param="return_url", executed=True,
        )  # fmt: skip
    row["_off_session"] = p.get("off_session") in (True, "true", "one_off", "recurring")
    if row["_off_session"] and "setup_future_usage" in p:
        raise invalid("You cannot provide `setup_future_usage` with `off_session`.", param="setup_future_usage")
    method = call.find("methods", row["payment_method"], "payment_method")
    row["_confirmed_by"] = call.key
    return _charge_card(call, row, method, Card(**method["_card"]))


def _charge_card(call: Call, row: Row, method: Row, card: Card) -> Row:
    today = time.gmtime(call.now)
    if (method["card"]["exp_year"], method["card"]["exp_month"]) < (today.tm_year, today.tm_mon):
        card = Card(
            Does.DECLINED, decline_code="expired_card", network_decline_code="54", advice_code="confirm_card_data"
        )
    does = card.does
    if does == Does.CHALLENGE_UNLESS_SET_UP and row["_off_session"] and method["_set_up"]:
        does = Does.APPROVED
    if does == Does.DECLINED:
        raise _declined(call, row, method, card)
    if row["_off_session"] and does in (*ASKS, Does.OFF_SESSION_REFUSED):
        raise _declined(call, row, method, _wants_check())
    if does in ASKS:
        if is_true(call.params.get("error_on_requires_action")):
            raise _declined(call, row, method, _wants_check())
        return _ask_bank(call, row)
    if does in (Does.PROCESSING, Does.PROCESSING_DECLINED):
        row.update(status="processing", next_action=None, _resolves_at=call.now + call.processing_seconds)
        call.event("payment_intent.processing", row)
        return call.state.put("intents", row)
    return _succeed(call, row, method, card)


def _wants_check() -> Card:
    network, advice = DECLINE_CODES["authentication_required"]
    return Card(Does.DECLINED, decline_code="authentication_required", network_decline_code=network, advice_code=advice)


def _ask_bank(call: Call, row: Row) -> Row:
    """A second confirm while the bank asks leads to the same page."""
    if row["_check"] is None:
        row["_check"] = new_id("3ds_")
        call.state.put("checks", {"id": row["_check"], "of": row["id"]})
    url = f"{call.base}/pages/check/{row['_check']}"
    asked_before = row["status"] == "requires_action"
    if row["_return_url"] is not None:
        row["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": row["_return_url"], "url": url},
        }
    else:
        row["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    row["status"] = "requires_action"
    if not asked_before:
        call.event("payment_intent.requires_action", row)
    return call.state.put("intents", row)


def _succeed(call: Call, row: Row, method: Row, card: Card) -> Row:
    """The money is taken here and nowhere else (``requires_capture`` only holds it)."""
    charged = _new_charge(call, row, method)
    holds = row["capture_method"] == "manual"
    charged.update(
        paid=True, status="succeeded", captured=not holds, amount_captured=0 if holds else row["amount"],
        outcome={
            "advice_code": None, "network_advice_code": None, "network_decline_code": None, "network_status": "approved_by_network", "reason": None,
            "risk_level": "normal", "risk_score": 12, "seller_message": "Payment complete.", "type": "authorized",
        },
    )  # fmt: skip
    row.update(
        latest_charge=charged["id"], next_action=None, last_payment_error=None, _resolves_at=None,
        status="requires_capture" if holds else "succeeded", amount_capturable=row["amount"] if holds else 0,
        amount_received=0 if holds else row["amount"],
    )  # fmt: skip
    if row["setup_future_usage"] and row["customer"] and method["customer"] is None:
        method.update(customer=row["customer"], _set_up=True)
        call.state.put("methods", method)
    elif method["customer"] is None:
        method["_detached"] = True  # used once without a customer: not again
        call.state.put("methods", method)
    call.state.put("charges", charged)
    call.state.put("intents", row)
    call.event("charge.succeeded", charged)
    call.event("payment_intent.amount_capturable_updated" if holds else "payment_intent.succeeded", row)
    if card.does == Does.DISPUTED:
        open_dispute(call, charged)
    return row


def _new_charge(call: Call, row: Row, method: Row) -> Row:
    charged = shapes.charge(call.new("charge", "ch_"), row, method)
    charged["_key"] = row.get("_confirmed_by")
    return charged


def _declined(call: Call, row: Row, method: Row, card: Card) -> StripeError:
    """The intent waits for another card; the error carries it as Stripe does."""
    error = card_error(card)
    told = error.body["error"]
    charged = _new_charge(call, row, method)
    charged.update(
        status="failed", failure_code=told["code"], failure_message=told["message"],
        outcome={
            "advice_code": told.get("advice_code"), "network_advice_code": told.get("network_advice_code"), "network_decline_code": told.get("network_decline_code"),
            "network_status": "declined_by_network", "reason": card.decline_code, "risk_level": "normal", "risk_score": 12,
            "seller_message": "The bank did not return any further details with this decline.", "type": "issuer_declined",
        },
    )  # fmt: skip
    told.update(charge=charged["id"], payment_method=show(method))
    row.update(
        status="requires_payment_method", payment_method=None, latest_charge=charged["id"], next_action=None, _check=None, _resolves_at=None,
        last_payment_error=show(told),
    )  # fmt: skip
    call.state.put("charges", charged)
    call.state.put("intents", row)
    call.event("charge.failed", charged)
    call.event("payment_intent.payment_failed", row)
    error.body["error"] = {
        **told,
        "payment_intent": show(row),
        "request_log_url": "https://dashboard.stripe.example/logs",
    }
    return error


def answer_check(call: Call, row: Row, *, approve: bool) -> None:
    """What the bank's page does; nothing when the payment no longer waits for it."""
    if row["status"] != "requires_action":
        return
    method = call.find("methods", row["payment_method"], "payment_method")
    card = Card(**method["_card"])
    row["_check"] = None
    if not approve:
        _failed_check(call, row, method)
    elif card.does == Does.CHALLENGE_THEN_DECLINED:
        _declined(call, row, method, card)
    else:
        _succeed(call, row, method, card)


def _failed_check(call: Call, row: Row, method: Row) -> None:
    row.update(
        status="requires_payment_method", payment_method=None, next_action=None,
        last_payment_error={
            "type": "invalid_request_error", "code": "payment_intent_authentication_failure",
            "doc_url": "https://stripe.com/docs/error-codes/payment-intent-authentication-failure", "payment_method": show(method),
            "message": "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        },
    )  # fmt: skip
    call.state.put("intents", row)
    call.event("payment_intent.payment_failed", row)


def resolve(call: Call, row: Row) -> None:
    """Ends a ``processing`` whose time has come."""
    method = call.find("methods", row["payment_method"], "payment_method")
    card = Card(**method["_card"])
    if card.does == Does.PROCESSING_DECLINED:
        _declined(call, row, method, card)
    else:
        _succeed(call, row, method, card)


def capture_payment(call: Call) -> Row:
    row = _intent(call)
    if row["status"] != "requires_capture":
        raise _unexpected(
            row, f"This PaymentIntent could not be captured because it has a status of {row['status']}. Only a PaymentIntent with one of the following statuses "
            "may be captured: requires_capture.",
        )  # fmt: skip
    amount = int(call.params.get("amount_to_capture", row["amount"]))
    if not 0 < amount <= row["amount"]:
        raise invalid(
            "The amount_to_capture is greater than the authorized amount.",
            "amount_too_large",
            param="amount_to_capture",
        )
    charged = call.state.table("charges")[row["latest_charge"]]
    charged.update(captured=True, amount_captured=amount, amount_refunded=0)
    row.update(status="succeeded", amount_received=amount, amount_capturable=0)
    call.state.put("charges", charged)
    call.state.put("intents", row)
    call.event("charge.captured", charged)
    call.event("payment_intent.succeeded", row)
    return row


def cancel_payment(call: Call) -> Row:
    row = _intent(call)
    if row["status"] not in CANCELLABLE:
        raise _unexpected(
            row, f"You cannot cancel this PaymentIntent because it has a status of {row['status']}. Only a PaymentIntent with one of the following statuses may be "
            "canceled: requires_payment_method, requires_capture, requires_reauthorization, requires_confirmation, requires_action, processing.",
        )  # fmt: skip
    row.update(
        status="canceled", canceled_at=int(call.now), cancellation_reason=call.params.get("cancellation_reason"), next_action=None, amount_capturable=0, _check=None,
    )  # fmt: skip
    call.state.put("intents", row)
    call.event("payment_intent.canceled", row)
    return row


def _unexpected(row: Row, message: str) -> StripeError:
    return invalid(message, "payment_intent_unexpected_state", executed=True, payment_intent=show(row))
