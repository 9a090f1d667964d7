"""Customers and the cards they keep."""

from __future__ import annotations

from tests.stripe_server import shapes
from tests.stripe_server.call import Call, listed
from tests.stripe_server.cards import Card, Does, card_of_number, card_of_token
from tests.stripe_server.declines import card_error
from tests.stripe_server.state import Row
from tests.stripe_server.wire import Body, invalid

WRITABLE = ("description", "email", "name", "phone", "preferred_locales", "tax_exempt", "address", "shipping")


def create_customer(call: Call) -> Row:
    row = shapes.customer(call.new("customer", "cus_", 14))
    _write(row, call.params)
    if ref := call.params.get("payment_method"):
        row = call.state.put("customers", row)
        keep_card(call, usable(call, ref, "payment_method"), row["id"])
    call.state.put("customers", row)
    call.event("customer.created", row)
    return row


def update_customer(call: Call) -> Row:
    row = call.find("customers", call.path["customer"], "id", status=404)
    _write(row, call.params)
    call.state.put("customers", row)
    call.event("customer.updated", row)
    return row


def read_customer(call: Call) -> Row:
    return call.find("customers", call.path["customer"], "id", status=404)


def list_customers(call: Call) -> Body:
    email = call.params.get("email")
    return listed(call, [row for row in call.own("customers") if email in (None, row["email"])], "/v1/customers")


def _write(row: Row, params: Body) -> None:
    row.update({name: params[name] for name in WRITABLE if name in params})
    settings = params.get("invoice_settings") or {}
    row["invoice_settings"].update(settings)
    merge_metadata(row, params)


def merge_metadata(row: Row, params: Body) -> None:
    """An empty value takes the name away, as Stripe does."""
    given = params.get("metadata")
    if given == "":
        row["metadata"] = {}
    for name, value in (given or {}).items() if given else ():
        if value == "":
            row["metadata"].pop(name, None)
        else:
            row["metadata"][name] = value


# Payment methods


def create_card(call: Call) -> Row:
    given = call.params.get("card") or {}
    if call.params.get("type") != "card":
        raise invalid("Missing required param: type.", "parameter_missing", param="type")
    if "token" in given:
        card = _test_card(call, given["token"])
        if card is None:
            raise invalid(f"No such token: '{given['token']}'", "resource_missing", param="card[token]")
        row = shapes.payment_method(call.new("payment_method", "pm_"), card)
    else:
        row = shapes.payment_method(call.new("payment_method", "pm_"), card_of_details(given))
        row["card"].update(exp_month=int(given["exp_month"]), exp_year=int(given["exp_year"]))
    merge_metadata(row, call.params)
    return call.state.put("methods", row)


def card_of_details(given: Body) -> Card:
    """The test card with this number; a number that is none of Stripe's is a number that does not exist."""
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise invalid(f"Missing required param: card[{name}].", "parameter_missing", param=f"card[{name}]")
    card = card_of_number(str(given["number"]))
    if card is None:
        raise card_error(
            Card(Does.DECLINED, decline_code="incorrect_number"), "incorrect_number", decline_code=None, param="number"
        )
    return card


def _test_card(call: Call, token: str) -> Card | None:
    """Ready-made tokens exist in test mode only."""
    return None if call.livemode else card_of_token(token)


def usable(call: Call, ref: str, param: str, *, status: int = 400) -> Row:
    """The card, or a copy of the ready-made one that a test token names."""
    card = _test_card(call, ref)
    if card is not None:
        return call.state.put("methods", shapes.payment_method(call.new("payment_method", "pm_"), card))
    return call.find("methods", ref, param, status=status)


def read_card(call: Call) -> Row:
    return usable(call, call.path["payment_method"], "payment_method", status=404)


def list_cards(call: Call) -> Body:
    customer = call.params.get("customer")
    return _of_customer(call, customer, "/v1/payment_methods")


def list_customers_cards(call: Call) -> Body:
    customer = call.find("customers", call.path["customer"], "id", status=404)
    return _of_customer(call, customer["id"], f"/v1/customers/{customer['id']}/payment_methods")


def _of_customer(call: Call, customer: str | None, url: str) -> Body:
    if customer is not None:
        call.find("customers", customer, "customer")
    kind = call.params.get("type", "card")
    rows = [row for row in call.own("methods") if row["customer"] is not None and row["customer"] == customer]
    return listed(call, [row for row in rows if row["type"] == kind], url)


def attach_card(call: Call) -> Row:
    customer = call.find("customers", call.params["customer"], "customer")
    row = usable(call, call.path["payment_method"], "payment_method", status=404)
    return keep_card(call, row, customer["id"])


def keep_card(call: Call, row: Row, customer: str) -> Row:
    if row["customer"] == customer:
        return row
    if row["customer"] is not None:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            "payment_method_already_attached",
            executed=True,
        )
    if row["_detached"]:
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.",
            executed=True,
        )
    card = Card(**row["_card"])
    if card.at_attach:
        raise card_error(card)
    row["customer"] = customer
    call.state.put("methods", row)
    call.event("payment_method.attached", row)
    return row


def detach_card(call: Call) -> Row:
    row = call.find("methods", call.path["payment_method"], "payment_method", status=404)
    if row["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.", executed=True
        )
    previous = {"customer": row["customer"]}
    row.update(customer=None, _detached=True)
    call.state.put("methods", row)
    call.event("payment_method.detached", row, previous)
    return row


def update_card(call: Call) -> Row:
    row = call.find("methods", call.path["payment_method"], "payment_method", status=404)
    if row["customer"] is None:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.", executed=True)
    given = call.params.get("card") or {}
    row["card"].update({name: int(given[name]) for name in ("exp_month", "exp_year") if name in given})
    merge_metadata(row, call.params)
    call.state.put("methods", row)
    call.event("payment_method.updated", row)
    return row
