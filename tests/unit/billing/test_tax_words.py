"""A tax line names what its rate is taken from, wherever more than one rate is in the quote."""

from __future__ import annotations

import json
from dataclasses import replace

from app.billing import quote
from app.billing.answers import answer
from app.billing.codec import dump_quote, load_quote
from app.billing.facts import Change, Subscription
from app.billing.result import Quote
from app.billing.rulebook import Policy, TaxRate
from app.billing.wording import explain
from tests.unit.billing.cases import held, instant

VAT = TaxRate(200_000, label="VAT")
REDUCED = TaxRate(50_000, label="Reduced VAT")
NONE = TaxRate(0)


def priced(**taxes: TaxRate) -> Quote:
    """A second seat for 20.00 and a second book for 30.00, half a year each."""
    seat = held((1, 4000)).items[0]
    book = replace(
        seat, running_number=2, product="book", entitlements=None, lots=(replace(seat.lots[0], code="book", unit_price=6000),)
    )  # fmt: skip
    changes = (Change(item=1, quantity=2, unit_price=4000), Change(item=2, quantity=2, unit_price=6000))
    policy = Policy(tax=VAT, taxes=taxes)
    return quote(Subscription("USD", (seat, book)), changes, policy, instant("2026-07-01"))


def taxes_told(made: Quote) -> list[str]:
    return [explain(line) for line in made.lines if line.kind == "tax"]


def test_each_of_several_rates_is_told_with_its_own_sum():
    assert taxes_told(priced(book=REDUCED)) == ["VAT: 20% on $20.00 of the lines above", "Reduced VAT: 5% on $30.00 of the lines above"]  # fmt: skip


def test_a_rate_beside_lines_without_tax_is_told_with_its_own_sum():
    assert taxes_told(priced(book=NONE)) == ["VAT: 20% on $20.00 of the lines above"]


def test_one_rate_on_everything_needs_no_sum():
    assert taxes_told(priced()) == ["VAT: 20% on the sum of the lines above"]


def test_the_answer_and_a_stored_quote_say_the_same():
    made = priced(book=REDUCED)
    whys = [line["why"] for line in answer(made)["lines"] if line["kind"] == "tax"]
    assert whys == taxes_told(made)
    assert load_quote(json.loads(json.dumps(dump_quote(made)))) == made
