"""Whatever a file holds, it is imported or refused with problems; nothing else comes out of it."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.subscriptions.importing import ImportRefused
from tests.usecases.importing.files import CUSTOMER, SUBSCRIPTION, Files, item, subscription

SOME = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20),
    st.sampled_from(["1year", "USD", "crm-seat", "2026-01-01", "40.00", "c-1", "yes", "-1", "9" * 30, "0000-00-00"]),
)  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


def mutated(document: Any, value: Any, pick: random.Random) -> Any:
    """The document with ``value`` put in one place of it."""
    if isinstance(document, dict) and document and pick.random() < 0.85:
        name = pick.choice(sorted(document))
        return {**document, name: mutated(document[name], value, pick)}
    if isinstance(document, list) and document and pick.random() < 0.85:
        at = pick.randrange(len(document))
        return [*document[:at], mutated(document[at], value, pick), *document[at + 1 :]]
    return value


def taken_or_refused(files: Files, content: bytes, name: str, kind: str | None) -> None:
    problems = None
    try:
        files.bytes(content, name, kind=kind)
    except ImportRefused as refused:
        problems = refused.problems
    assert problems != ()
    assert all(problem.line >= 1 and problem.reason for problem in problems or ())


@SOME
@given(value=DOCUMENTS, pick=st.randoms(use_true_random=False))
def test_any_value_anywhere_in_a_subscription(stocked: Files, value: Any, pick: random.Random):
    whole = subscription(
        item(lots=[{"quantity": 1, "unit_price": "40.00", "discount": {"percent": "20"}}], entitlements=None),
        mandate={"date": "2026-01-01", "text": "x"},
        reference=f"s-{pick.getrandbits(60)}",
    )
    taken_or_refused(stocked, json.dumps(mutated([whole], value, pick)).encode(), "f.json", "subscriptions")


@SOME
@given(value=DOCUMENTS, pick=st.randoms(use_true_random=False))
def test_any_value_anywhere_in_a_catalog(stocked: Files, value: Any, pick: random.Random):
    whole = {
        "products": [
            {
                "code": "crm-seat", "name": "CRM", "prices": {"USD": {"1year": "40.00"}}, "quantity": {"min": 1},
                "countries": ["US"], "options": {"a": {"name": "A", "prices": {"USD": {"1year": "1.00"}}}},
            }
        ],
        "paths": [{"from": "crm-seat", "to": "crm-pro", "price_rule": {"fixed": "5.00"}, "policy": {"basis": "day"}}],
        "tax-rates": [{"country": "US", "percent": "1", "label": "T"}],
        "customers": [{"reference": "c-1", "email": "a@b.example", "unpaid_invoices": {"count": 1, "totals": {"USD": "1.00"}}}],
        "cards": [{"customer": "c-1", "token": "t", "brand": "visa", "last4": "4242", "exp_month": 1, "exp_year": 2030}],
    }  # fmt: skip
    taken_or_refused(stocked, json.dumps(mutated(whole, value, pick)).encode(), "f.json", None)


@SOME
@given(
    content=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
)
def test_any_bytes(stocked: Files, content: bytes):
    header = ",".join(CUSTOMER).encode() + b"\n"
    for body, name in ((content, "customers.csv"), (header + content, "customers.csv"), (content, "customers.json")):
        taken_or_refused(stocked, body, name, None)


@SOME
@given(cells=st.dictionaries(st.sampled_from(sorted(SUBSCRIPTION)), st.text(max_size=30), max_size=4))
def test_any_cells_of_a_subscription(stocked: Files, cells: dict[str, str]):
    header = list(SUBSCRIPTION)
    row = [str({**SUBSCRIPTION, **cells}[name]).replace('"', '""') for name in header]
    content = ",".join(header) + "\n" + ",".join(f'"{cell}"' for cell in row) + "\n"
    taken_or_refused(stocked, content.encode("utf-8", "replace"), "subscriptions.csv", None)
