"""Every bad row is reported with its line, field and reason, and nothing of its file is stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.usecases.importing.files import CARD, CUSTOMER, PRODUCT, SUBSCRIPTION, USUAL, Files, item, subscription

BAD_CELLS = [
    ("products", {"code": ""}, "code", "is missing"),
    ("products", {"code": "crm seat"}, "code", "is no code"),
    ("products", {"code": "new", "name": ""}, "name", "is missing"),
    ("products", {"name": "=HYPERLINK(1)"}, "name", "like a spreadsheet's formula"),
    ("products", {"name": "@cmd"}, "name", "like a spreadsheet's formula"),
    ("products", {"name": "Seat\u202e"}, "name", "invisible marks"),
    ("products", {"name": "Seat\x00"}, "name", "control characters"),
    ("products", {"name": "x" * 121}, "name", "longer than 120"),
    ("products", {"active": "maybe"}, "active", "neither yes nor no"),
    ("products", {"price:USD:1year": "40"}, None, None),
    ("products", {"price:USD:1year": "40.005"}, "price:USD:1year", "is no amount in USD"),
    ("products", {"price:USD:1year": "-1.00"}, "price:USD:1year", "is below zero"),
    ("products", {"price:USD:1year": "1e3"}, "price:USD:1year", "is no amount"),
    ("products", {"price:USD:1year": "1,000.00"}, "price:USD:1year", "is no amount"),
    ("products", {"price:USD:1year": "٤٠.٠٠"}, "price:USD:1year", "is no amount"),
    ("products", {"price:USD:1year": "90071992547409.92"}, None, None),
    ("products", {"price:USD:1year": "90071992547409.93"}, "price:USD:1year", "is too large"),
    ("products", {"price:JPY:1month": "40.00"}, "price:JPY:1month", "is no amount in JPY (digits, no decimals)"),
    ("products", {"price:XXY:1month": "40.00"}, "price:XXY", "is no ISO 4217 currency"),
    ("products", {"price:USD:1fortnight": "40.00"}, "price:USD:1fortnight", "is no interval"),
    ("products", {"quantity_min": "5", "quantity_max": "2"}, "quantity_max", "is below the minimum"),
    ("products", {"quantity_max": "0"}, "quantity_max", "is not between 1 and"),
    ("products", {"countries": "US us"}, "countries", "is no ISO 3166 country code"),
    ("products", {"countries": "US US"}, "countries", "twice"),
    ("options", {"product": "nothing"}, "product", "there is no product 'nothing'"),
    ("options", {"per": "month"}, "per", "is none of unit, subscription"),
    ("options", {"name": ""}, "name", "is missing"),
    ("paths", {"to": "nothing"}, "to", "there is no product 'nothing'"),
    ("paths", {"price_rule": "cheap"}, "price_rule", "is none of prorated_difference, list, fixed, difference"),
    ("paths", {"price_rule": "fixed"}, "fixed", "is missing"),
    ("paths", {"price_rule": "list", "fixed": "5.00"}, "fixed", "does not go with price_rule list"),
    ("paths", {"alignment": "left"}, "alignment", "is none of"),
    ("paths", {"trial": "free"}, "trial", "is none of forbid"),
    ("paths", {"policy:basis": "hour"}, "policy:basis", "is none of month"),
    ("paths", {"policy:colour": "red"}, "policy:colour", "there is no such field"),
    ("tax-rates", {"country": "USA"}, "country", "is no ISO 3166 country code"),
    ("tax-rates", {"percent": "19,0"}, "percent", "is no percentage"),
    ("tax-rates", {"percent": "101"}, "percent", "is no percentage"),
    ("tax-rates", {"label": ""}, "label", "is missing"),
    ("tax-rates", {"valid_from": "2026-02-30"}, "valid_from", "is no day"),
    ("tax-rates", {"valid_from": "2026-02-01", "valid_to": "2026-02-01"}, "valid_to", "is not after valid_from"),
    ("customers", {"reference": ""}, "reference", "is missing"),
    ("customers", {"reference": "with space"}, "reference", "is no reference"),
    ("customers", {"reference": "new", "email": ""}, "email", "is missing"),
    ("customers", {"email": "dana@brightwell.example\r\nBcc: x@y.example"}, "email", "control characters"),
    ("customers", {"email": "dana"}, "email", "is no e-mail address"),
    ("customers", {"country": "Norway"}, "country", "is no ISO 3166"),
    ("customers", {"locale": "english"}, "locale", "is no locale"),
    ("customers", {"number": "-4"}, "number", "is no whole number"),
    ("customers", {"number": "0"}, "number", "is not between 1"),
    ("customers", {"name": "4242 4242 4242 4242"}, "name", "looks like a card number"),
    ("customers", {"address_line1": "4242-4242-4242-4242"}, "address_line1", "looks like a card number"),
    ("customers", {"unpaid_count": "1", "unpaid_url": "http://pay.example"}, "unpaid_url", "begins with https://"),
    ("customers", {"unpaid_count": "1", "unpaid_total:USD": "x"}, "unpaid_total:USD", "is no amount"),
    ("cards", {"customer": "c-9"}, "customer", "there is no customer 'c-9'"),
    ("cards", {"token": "4242424242424242"}, "token", "looks like a card number; give the gateway's token"),
    ("cards", {"token": "4242 4242 4242 4241"}, "token", "looks like a card number; give the gateway's token"),
    ("cards", {"token": "tok_4242424242424242"}, "token", "looks like a card number"),
    ("cards", {"token": "４２４２４２４２４２４２４２４２"}, "token", "looks like a card number"),
    ("cards", {"brand": "4242424242424242"}, "brand", "looks like a card number"),
    ("cards", {"last4": "42424"}, "last4", "is not the last four digits"),
    ("cards", {"exp_month": "13"}, "exp_month", "is not between 1 and 12"),
    ("cards", {"exp_year": "28"}, "exp_year", "is not between 2,000 and 2,100"),
    ("subscriptions", {"reference": ""}, "reference", "is missing"),
    ("subscriptions", {"customer": "c-9"}, "customer", "there is no customer 'c-9'"),
    ("subscriptions", {"customer": ""}, "customer", "is missing"),
    ("subscriptions", {"currency": "usd"}, "currency", "is no ISO 4217 currency"),
    ("subscriptions", {"currency": ""}, "currency", "is missing"),
    ("subscriptions", {"currency": "JPY"}, "unit_price", "is no amount in JPY"),
    ("subscriptions", {"status": "ok"}, "status", "is none of trialing"),
    ("subscriptions", {"product": "nothing"}, "product", "there is no product 'nothing'"),
    ("subscriptions", {"product": ""}, "product", "is missing"),
    ("subscriptions", {"lot": "phone"}, "lot", "product 'crm-seat' has no option 'phone'"),
    ("subscriptions", {"interval": "yearly"}, "interval", "is no interval"),
    ("subscriptions", {"period_start": "01/02/2026"}, "period_start", "is neither a day such as"),
    ("subscriptions", {"period_start": "2026-01-01T00:00:00"}, "period_start", "is neither a day such as"),
    ("subscriptions", {"period_end": "2026-01-01"}, "period_end", "is not after the start"),
    ("subscriptions", {"period_end": ""}, "period_end", "is missing"),
    ("subscriptions", {"anchor_day": "32"}, "anchor_day", "is not between 1 and 31"),
    ("subscriptions", {"quantity": "0"}, "quantity", "is not between 1 and 1,000,000"),
    ("subscriptions", {"quantity": "1.5"}, "quantity", "is no whole number"),
    ("subscriptions", {"quantity": ""}, "quantity", "is missing"),
    ("subscriptions", {"quantity": "1000000", "unit_price": "90071992547.41"}, "unit_price", "too large an amount"),
    ("subscriptions", {"unit_price": "-40.00"}, "unit_price", "is below zero"),
    ("subscriptions", {"paid_for_current_period": ""}, "paid_for_current_period", "is missing: yes, no or the amount"),
    ("subscriptions", {"paid_for_current_period": "perhaps"}, "paid_for_current_period", "is neither yes, no nor"),
    ("subscriptions", {"discount_percent": "120"}, "discount_percent", "is no percentage"),
    ("subscriptions", {"discount_percent": "20", "discount_amount": "1.00"}, None, "holds exactly one of"),
    ("subscriptions", {"discount_periods_left": "2"}, None, "holds exactly one of"),
    ("subscriptions", {"card": "pm_9"}, "card", "is no card of this customer"),
    ("subscriptions", {"mandate_text": "Renews"}, "mandate_date", "is missing"),
    ("subscriptions", {"auto_renewal": "x"}, "auto_renewal", "neither yes nor no"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "cells", "field", "reason"), BAD_CELLS)
def test_a_bad_cell_is_named_with_its_line_and_column(
    stocked: Files, kind: str, cells: dict[str, str], field: str | None, reason: str | None
):
    row = {**USUAL[kind], **cells}
    if reason is None:
        assert stocked.csv(kind, row).total == 1
        return
    said = stocked.refused(stocked.csv, kind, row)
    assert len(said) == 1, said
    assert said[0][0] == 2
    assert field is None or said[0][1] == field
    assert reason in said[0][2]


BAD_OBJECTS = [
    (subscription(item(paid_for_current_period=None)), "items[0].lots[0].paid_for_current_period", "is missing"),
    (subscription(item(entitlements=[])), "items[0].paid_for_current_period", "does not go with entitlements"),
    (subscription(item(paid_for_current_period=None, entitlements=None)), "items[0].lots[0].paid_for_current_period", "is missing"),
    (subscription(item(lots=[])), "items[0].lots", "1 to 200 are needed"),
    (subscription(item(lots=[{"quantity": 1, "unit_price": 40.0}])), "items[0].lots[0].unit_price", "write it as text"),
    (subscription(item(lots=[{"quantity": True, "unit_price": "1.00"}])), "items[0].lots[0].quantity", "is no whole number"),
    (subscription(item(lots=["x"])), "items[0].lots[0]", "is no object"),
    (subscription(item(lots={"quantity": 1})), "items[0].lots", "is no list"),
    (subscription(item(period="2026")), "items[0].period", "is no object"),
    (subscription(item(colour="red")), "items[0].colour", "there is no such field"),
    (subscription(item(options=["email"])), "items[0].options", "every option has a lot"),
    (subscription(item(number=2), item(number=2)), "items[1].number", "stands twice"),
    (subscription(item(), reference="a" * 65), "reference", "is no reference"),
    (subscription(item(), reference="\ud800"), "reference", "invisible marks"),
    (subscription(item(), reference=7), "reference", "is no text"),
    (
        subscription(item(interval="1day", period={"start": "1900-01-01", "end": "2999-01-01"}, lots=[{"quantity": 1, "unit_price": "90071992547409.92"}])),
        "items[0].paid_for_current_period", "comes to too large an amount",
    ),
    (subscription(items=[]), "items", "1 to 50 are needed"),
    (subscription(items=7), "items", "is no list"),
    (
        subscription(item(paid_for_current_period=None, entitlements=[{"start": "2026-01-01", "end": "2027-01-01", "amount": "1"}, {}])),
        "items[0].entitlements[1].start", "is missing",
    ),
    (
        subscription(item(paid_for_current_period=None, entitlements=[{"start": "2026-01-01", "end": "2027-01-01", "amount": "1", "lot": 2}])),
        "items[0].entitlements[0].lot", "the item has no lot 2",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "field", "reason"), BAD_OBJECTS)
def test_a_bad_field_of_json_is_named_by_its_path(stocked: Files, document: dict[str, Any], field: str, reason: str):
    said = stocked.refused(stocked.json, [subscription(reference="good"), document], "subscriptions")
    assert (1, f"subscriptions[1].{field}") in [problem[:2] for problem in said], said
    assert any(reason in problem[2] for problem in said), said


def test_every_bad_row_is_reported_not_only_the_first(files: Files):
    said = files.refused(
        files.csv, "customers",
        {**CUSTOMER, "reference": "a", "email": "x"}, {**CUSTOMER, "reference": "b"},
        {**CUSTOMER, "reference": "c", "country": "x", "locale": "1"},
    )  # fmt: skip
    assert [problem[:2] for problem in said] == [(2, "email"), (4, "country"), (4, "locale")]


def test_bad_fields_and_bad_references_are_told_together(stocked: Files):
    said = stocked.refused(
        stocked.csv,
        "subscriptions",
        {**SUBSCRIPTION, "status": "x"},
        {**SUBSCRIPTION, "reference": "s-2", "customer": "no"},
    )
    assert [problem[:2] for problem in said] == [(2, "status"), (3, "customer")]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("products", "code"),
        ("customers", "reference"),
        ("cards", "token"),
        ("subscriptions", "reference"),
        ("paths", "to"),
    ],
)
def test_a_reference_stands_in_a_file_once(stocked: Files, kind: str, column: str):
    between = {**SUBSCRIPTION, "reference": "other"}
    rows = (USUAL[kind], between, USUAL[kind]) if kind == "subscriptions" else (USUAL[kind], USUAL[kind])
    said = stocked.refused(stocked.csv, kind, *rows)
    assert said == [(len(rows) + 1, column, "stands in this file more than once")]


def test_two_default_cards_of_one_customer_are_refused(stocked: Files):
    said = stocked.refused(stocked.csv, "cards", CARD, {**CARD, "token": "pm_2"})
    assert said == [(3, "default", "stands in this file more than once")]


def test_another_customers_card_is_refused(stocked: Files):
    stocked.csv("cards", CARD)
    stocked.csv("customers", {**CUSTOMER, "reference": "c-2"})
    said = stocked.refused(stocked.csv, "cards", {**CARD, "customer": "c-2"})
    assert said == [(2, "token", "is another customer's card")]


def test_a_card_without_any_gateway_customer_is_refused(files: Files):
    files.csv("customers", {"reference": "c-1", "email": "a@b.example"})
    said = files.refused(files.csv, "cards", CARD)
    assert said == [(2, "gateway_customer", "is missing, and the customer has none")]


@pytest.mark.parametrize("column", ["number", "card_number", "cvc", "cvv"])
def test_there_is_no_column_for_card_numbers_or_security_codes(stocked: Files, column: str):
    said = stocked.refused(stocked.csv, "cards", {**CARD, column: "123"})
    assert said[0] == (1, column, "there is no such column")


def test_no_reason_repeats_a_card_number(stocked: Files):
    for cells in ({"token": "4242424242424242"}, {"last4": "4242424242424242"}, {"brand": "4242 4242 4242 4242"}):
        said = stocked.refused(stocked.csv, "cards", {**CARD, **cells})
        assert "42424242" not in str(said).replace(" ", "")


def test_a_subscription_that_exists_is_an_error_and_changing_it_is_refused_by_name(stocked: Files):
    stocked.csv("subscriptions", SUBSCRIPTION)
    said = stocked.refused(stocked.csv, "subscriptions", SUBSCRIPTION)
    assert said[0][:2] == (2, "reference")
    assert "exists already" in said[0][2]
    with pytest.raises(Exception, match="cannot be changed by an import yet") as refused:
        stocked.csv("subscriptions", SUBSCRIPTION, refresh=True)
    assert getattr(refused.value, "code", "") == "update_not_supported"


def test_numbers_of_others_are_refused(stocked: Files):
    stocked.csv("subscriptions", {**SUBSCRIPTION, "number": "1048"})
    said = stocked.refused(stocked.csv, "subscriptions", {**SUBSCRIPTION, "reference": "s-2", "number": "1048"})
    assert said == [(2, "number", "is another subscription's")]
    said = stocked.refused(
        stocked.csv, "customers", {**CUSTOMER, "number": "7"}, {**CUSTOMER, "reference": "x", "number": "1001"}
    )
    assert said == [(2, "number", "this customer is 1001 already"), (3, "number", "is another customer's")]


def test_rows_of_one_subscription_must_not_contradict_each_other(stocked: Files):
    said = stocked.refused(
        stocked.csv, "subscriptions", SUBSCRIPTION, {**SUBSCRIPTION, "period_end": "2028-01-01", "unit_price": "10.00"}
    )
    assert said == [(2, "period_end", "differs between the rows of this subscription")]


def test_a_bad_lot_is_reported_on_its_own_line(stocked: Files):
    said = stocked.refused(stocked.csv, "subscriptions", SUBSCRIPTION, {**SUBSCRIPTION, "unit_price": "x"})
    assert [problem[:2] for problem in said] == [(3, "unit_price")]


def test_more_than_a_thousand_problems_end_the_reading(files: Files):
    rows = [{**CUSTOMER, "reference": f"c-{number}", "email": "x"} for number in range(1100)]
    said = files.refused(files.csv, "customers", *rows)
    assert len(said) == 1000


def test_one_bad_row_of_a_mixed_file_keeps_everything_out(files: Files):
    document = {
        "subscriptions": [subscription(), subscription(reference="s-2", customer="c-2")],
        "customers": [{"reference": "c-1", "email": "a@b.example"}],
        "products": [{"code": "crm-seat", "name": "CRM"}],
    }
    said = files.refused(files.json, document)
    assert [problem[1:] for problem in said] == [("subscriptions[1].customer", "there is no customer 'c-2'")]


def test_a_row_that_only_the_database_refuses_rolls_everything_back(files: Files, monkeypatch: pytest.MonkeyPatch):
    """Proves the transaction, not the checks: the tables are asked to store what no check lets through."""
    from app.subscriptions.importing.products import Products

    monkeypatch.setattr(Products, "check", lambda *args: None)
    before = files.rows()
    with pytest.raises(Exception, match="bind parameter"):
        files.json({"products": [PRODUCT_JSON, {"code": "nameless"}], "customers": []})
    assert files.rows() == before


PRODUCT_JSON = {name: value for name, value in PRODUCT.items() if ":" not in name}
