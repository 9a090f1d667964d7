"""Cards kept for later: SetupIntents, and Checkout Sessions in mode ``setup`` with a page of Stripe's own."""

from __future__ import annotations

from tests.stripe_server import shapes
from tests.stripe_server.call import Call, listed, show
from tests.stripe_server.cards import Card, Does
from tests.stripe_server.customers import card_of_details, keep_card, merge_metadata, usable
from tests.stripe_server.declines import card_error
from tests.stripe_server.state import Row, new_id
from tests.stripe_server.wire import Body, StripeError, invalid, is_true

ASKS = (Does.CHALLENGE, Does.CHALLENGE_UNLESS_SET_UP, Does.CHALLENGE_THEN_DECLINED)


def create_setup(call: Call) -> Row:
    row = shapes.setup_intent(call.new("setup_intent", "seti_"))
    row["usage"] = call.params.get("usage", "off_session")
    if "description" in call.params:
        row["description"] = call.params["description"]
    merge_metadata(row, call.params)
    if "customer" in call.params:
        row["customer"] = call.find("customers", call.params["customer"], "customer")["id"]
    if "payment_method" in call.params:
        row.update(
            payment_method=usable(call, call.params["payment_method"], "payment_method")["id"],
            status="requires_confirmation",
        )
    call.state.put("setups", row)
    call.event("setup_intent.created", row)
    return _confirm(call, row) if is_true(call.params.get("confirm")) else row


def read_setup(call: Call) -> Row:
    return call.find("setups", call.path["intent"], "intent", status=404)


def list_setups(call: Call) -> Body:
    wanted = {name: call.params[name] for name in ("customer", "payment_method") if name in call.params}
    rows = [row for row in call.own("setups") if all(row[name] == value for name, value in wanted.items())]
    return listed(call, rows, "/v1/setup_intents")


def confirm_setup(call: Call) -> Row:
    row = read_setup(call)
    if row["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise _unexpected(row, f"You cannot confirm this SetupIntent because it has a status of {row['status']}.")
    if "payment_method" in call.params:
        row.update(
            payment_method=usable(call, call.params["payment_method"], "payment_method")["id"],
            status="requires_confirmation",
        )
    if row["payment_method"] is None:
        raise _unexpected(row, "You cannot confirm this SetupIntent because it's missing a payment method.")
    return _confirm(call, row)


def _confirm(call: Call, row: Row) -> Row:
    row["_return_url"] = call.params.get("return_url", row["_return_url"])
    card = Card(**call.state.table("methods")[row["payment_method"]]["_card"])
    if card.at_attach:
        raise _declined(call, row, card)
    if card.does in ASKS:
        row["_check"] = row["_check"] or new_id("3ds_")
        call.state.put("checks", {"id": row["_check"], "of": row["id"]})
        url = f"{call.base}/pages/check/{row['_check']}"
        if row["_return_url"]:
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
        call.event("setup_intent.requires_action", row)
        return call.state.put("setups", row)
    return complete_setup(call, row)


def complete_setup(call: Call, row: Row) -> Row:
    method = call.state.table("methods")[row["payment_method"]]
    if row["customer"] is not None:
        keep_card(call, method, row["customer"])
    method["_set_up"] = True
    call.state.put("methods", method)
    row.update(status="succeeded", next_action=None, last_setup_error=None, _check=None)
    call.state.put("setups", row)
    call.event("setup_intent.succeeded", row)
    return row


def answer_setup(call: Call, row: Row, *, approve: bool) -> None:
    if row["status"] != "requires_action":
        return
    if approve:
        complete_setup(call, row)
        return
    method = call.state.table("methods")[row["payment_method"]]
    row.update(
        status="requires_payment_method", payment_method=None, next_action=None, _check=None,
        last_setup_error={
            "type": "invalid_request_error", "code": "setup_intent_authentication_failure", "payment_method": show(method),
            "doc_url": "https://stripe.com/docs/error-codes/setup-intent-authentication-failure",
            "message": "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        },
    )  # fmt: skip
    call.state.put("setups", row)
    call.event("setup_intent.setup_failed", row)


def _declined(call: Call, row: Row, card: Card) -> StripeError:
    error = card_error(card)
    told = {**error.body["error"], "payment_method": show(call.state.table("methods")[row["payment_method"]])}
    row.update(status="requires_payment_method", payment_method=None, last_setup_error=show(told))
    call.state.put("setups", row)
    call.event("setup_intent.setup_failed", row)
    error.body["error"] = {**told, "setup_intent": show(row)}
    return error


def cancel_setup(call: Call) -> Row:
    row = read_setup(call)
    if row["status"] in ("succeeded", "canceled", "processing"):
        raise _unexpected(row, f"You cannot cancel this SetupIntent because it has a status of {row['status']}.")
    row.update(status="canceled", cancellation_reason=call.params.get("cancellation_reason"), next_action=None)
    call.event("setup_intent.canceled", row)
    return call.state.put("setups", row)


def _unexpected(row: Row, message: str) -> StripeError:
    return invalid(message, "setup_intent_unexpected_state", executed=True, setup_intent=show(row))


# Checkout


def create_session(call: Call) -> Row:
    p = call.params
    if p.get("mode") != "setup":
        raise invalid("This server has Checkout Sessions in `setup` mode only.", "parameter_invalid", param="mode")
    if p.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("This server has the hosted page only.", "parameter_invalid", param="ui_mode")
    if "success_url" not in p:
        raise invalid("Missing required param: success_url.", "parameter_missing", param="success_url")
    if "allowed_payment_method_types" not in p and "currency" not in p:
        raise invalid(
            "`currency` is required when using dynamic payment methods in `setup` mode. Set `currency` or `allowed_payment_method_types`.",
            "parameter_missing",
            param="currency",
        )
    row = shapes.checkout_session(call.new("checkout.session", f"cs_{'live' if call.livemode else 'test'}_", 58))
    setup = shapes.setup_intent(call.new("setup_intent", "seti_"))
    intended = p.get("setup_intent_data") or {}
    setup.update(description=intended.get("description"), metadata={**(intended.get("metadata") or {})})
    if "customer" in p:
        row["customer"] = setup["customer"] = call.find("customers", p["customer"], "customer")["id"]
    row.update(
        {
            name: p[name]
            for name in ("client_reference_id", "locale", "success_url", "cancel_url", "submit_type", "currency")
            if name in p
        }
    )
    for place, text in (p.get("custom_text") or {}).items():
        row["custom_text"][place] = {"message": text["message"]} if text else None
    if "expires_at" in p:
        row["expires_at"] = int(p["expires_at"])
        if not call.now + 1790 <= row["expires_at"] <= call.now + 86410:
            raise invalid(
                "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
                param="expires_at",
            )
    merge_metadata(row, p)
    row.update(setup_intent=setup["id"], url=f"{call.base}/pages/setup/{row['id']}")
    call.state.put("setups", setup)
    call.state.put("sessions", row)
    call.event("setup_intent.created", setup)
    return row


def read_session(call: Call) -> Row:
    return call.find("sessions", call.path["session"], "session", status=404)


def list_sessions(call: Call) -> Body:
    wanted = {name: call.params[name] for name in ("customer", "status") if name in call.params}
    rows = [row for row in call.own("sessions") if all(row[name] == value for name, value in wanted.items())]
    return listed(call, rows, "/v1/checkout/sessions")


def expire_session(call: Call) -> Row:
    row = read_session(call)
    if row["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of {row["status"]}.',
            executed=True,
        )
    return end_session(call, row)


def end_session(call: Call, row: Row) -> Row:
    row.update(status="expired", url=None)
    call.event("checkout.session.expired", row)
    return call.state.put("sessions", row)


def fill_session(call: Call, row: Row, given: Body) -> None:
    """What the shopper's press on the page does; a card that Stripe refuses to keep raises its 402."""
    card = card_of_details(given)
    if card.at_attach:
        raise card_error(card)
    setup = call.state.table("setups")[row["setup_intent"]]
    method = shapes.payment_method(call.new("payment_method", "pm_"), card)
    method["card"].update(exp_month=int(given["exp_month"]), exp_year=int(given["exp_year"]))
    method["allow_redisplay"] = "always"
    call.state.put("methods", method)
    setup["payment_method"] = method["id"]
    complete_setup(call, setup)
    row.update(
        status="complete", url=None,
        customer_details={
            "address": None, "business_name": None, "email": None, "individual_name": None, "name": None, "phone": None, "tax_exempt": "none", "tax_ids": [],
        },
    )  # fmt: skip
    call.state.put("sessions", row)
    call.event("checkout.session.completed", row)
