"""The confirmation tells what the cart told: a price that ends, what the balance did, names as they are written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.billing.facts import Change, Discount
from app.billing.rulebook import PathFacts, TaxRate
from app.cart.consent_boxes import agreements
from app.cart.done import confirmation
from app.cart.present import cart_page
from app.cart.state_page import Fact
from app.cart.views import CartFacts, Scene, summary_of
from app.web.i18n import Tongue
from tests.doors.gallery import MERCHANT, SEAT, facts, held, new_pages, order
from tests.doors.gallery_changes import changes

PAGES = new_pages()
SCENES = {
    language: Scene(PAGES, Tongue(language, locale), MERCHANT, "/done/T")
    for language, locale in (("en", "en_US"), ("fr", "fr_FR"))
}
HALF = Change(1, quantity=2, discount=Discount(percent=500_000, scope="periods", periods=3))


def said(text: object) -> str:
    plain = str(text).replace("<br>", " ")
    for tag in ("strong", "bdi", "time"):
        plain = "".join(
            part.split(">", 1)[-1] if at else part
            for at, part in enumerate(plain.replace(f"</{tag}>", "").split(f"<{tag}"))
        )
    return " ".join(plain.split())


def told(cart: CartFacts, language: str = "en") -> list[tuple[str, str, str]]:
    scene = SCENES[language]
    bought = order(scene, amount=cart.quote.due_now, tax=cart.quote.tax, summary=summary_of(cart), quote=cart.quote)
    return [_row(fact) for fact in confirmation(scene, bought)[0].facts]


def _row(fact: Fact) -> tuple[str, str, str]:
    return said(fact.label), said(fact.value), said(fact.note)


def adjusted(**amounts: int) -> CartFacts:
    """A seat for $5.00, with what the settling made of it."""
    cart = facts(SEAT)
    return replace(cart, quote=cart.quote._replace(**amounts))


@pytest.mark.parametrize(
    ("language", "tax", "renewal"),
    [
        ("en", None, "January 1, 2027 $60.00 a year for 2 renewals, then $80.00 a year plus any tax, until you cancel"),
        (
            "fr",
            None,
            "1er janvier 2027 60,00 $US par an pour 2 renouvellements, puis 80,00 $US par an plus les taxes éventuelles, "
            "jusqu’à ce que vous résiliiez",
        ),
        (
            "en",
            TaxRate(200_000, True, "VAT"),
            "January 1, 2027 $60.00 a year for 2 renewals, then $80.00 a year, tax included, until you cancel",
        ),
    ],
)
def test_a_discount_that_ends_is_told_with_its_end(language: str, tax: TaxRate | None, renewal: str):
    assert renewal in [value for _, value, _ in told(facts(HALF, tax=tax), language)]


def test_a_renewal_without_an_end_reads_as_before():
    values = [value for _, value, _ in told(facts(SEAT))]
    assert "January 1, 2027 $50.00 plus any tax, then every year until you cancel" in values


@pytest.mark.parametrize(
    ("amounts", "row"),
    [
        ({"balance_used": -200, "due_now": 300}, ("Your balance", "−$2.00", "")),
        (
            {"unbounded_total": -3000, "credited": 3000, "due_now": 0},
            ("Your balance", "Credit of $30.00, taken off your next renewal", ""),
        ),
        (
            {"waived": 500, "due_now": 0},
            ("Too small to charge", "$5.00", "The seller does not collect amounts this small"),
        ),
        (
            {"deferred": 500, "due_now": 0},
            (
                "Moved to your next renewal",
                "$5.00",
                "Too small to charge by itself, so it is collected together with the renewal",
            ),
        ),
        ({"unbounded_total": -3000, "due_now": 0}, ("Unused credit, not paid out", "$30.00", "")),
    ],
)
def test_what_stands_between_the_lines_and_the_charge_is_a_row(amounts: dict[str, int], row: tuple[str, str, str]):
    rows = told(adjusted(**amounts))
    assert row in rows
    assert len(rows) == len(told(facts(SEAT))) + 1 - (not amounts["due_now"])


def test_a_products_name_keeps_its_capital_after_the_first():
    subscription = held()
    first = subscription.items[0]
    both = replace(subscription, items=(first, replace(first, running_number=2, entitlements=None)))
    cart = facts((Change(1, quantity=2), Change(2, quantity=3)), subscription=both)
    notes = [note for _, _, note in told(cart)]
    assert any(note.count("CRM Standard") >= 2 for note in notes), notes
    assert not any("cRM" in note for note in notes)


def test_ordinals_after_the_first_begin_small():
    assert "First seat $40.00, second seat $10.00" in [note for _, _, note in told(facts(SEAT))]


@pytest.mark.parametrize(
    ("cart", "ending"),
    [
        (
            facts(SEAT, subscription=replace(held(), balance=200)),
            "Your balance: −$2.00. Due today: $3.00.",
        ),
        (facts(SEAT, tax=TaxRate(200_000, False, "GST")), "Sales tax: $1.00. Due today: $6.00."),
        (adjusted(waived=500, due_now=0), "Too small to charge: −$5.00. Due today: $0.00."),
        (adjusted(deferred=500, due_now=0), "Moved to your next renewal: −$5.00. Due today: $0.00."),
        (
            adjusted(unbounded_total=-500, credited=500, due_now=0),
            "Added to your balance: $5.00. Due today: $0.00.",
        ),
    ],
    ids=["balance", "tax", "waived", "deferred", "credited"],
)
def test_the_working_ends_with_what_is_due(cart: CartFacts, ending: str):
    made = cart_page(SCENES["en"], cart).working
    assert made is not None
    assert said(made.sentences[-1]) == ending
    assert said(made.summary) == f"How we worked out {ending.rsplit(': ', 1)[1][:-1]}"


def test_the_working_says_no_more_where_the_lines_are_what_is_due():
    made = cart_page(SCENES["en"], facts(SEAT)).working
    assert made is not None
    assert len(made.sentences) == 1
    assert "Due today" not in said(made.sentences[0])


def ends(name: str) -> tuple[str, str]:
    """What stands under "Due today", and what is agreed to."""
    cart = changes()[name]
    page = cart_page(SCENES["en"], cart)
    return said(page.ledgers[0].rows[-1].why), " ".join(box.text for box in agreements(SCENES["en"], cart))


def test_tax_that_prices_include_names_a_percentage_only_where_there_is_one():
    assert ends("S-1h-plan")[0] == "Includes 20% VAT, $5.00"
    assert ends("S-1h-several-taxes")[0].startswith("Includes $")
    assert ends("S-1h-several-taxes")[0].endswith(" VAT, at several rates")
    assert "%" not in ends("S-1h-several-taxes")[0]


def test_what_is_put_off_is_agreed_to_though_the_renewal_stays_what_it_is():
    assert ends("S-1g-deferred-once")[1] == (
        "I agree to pay nothing now, and $360.00 every year from January 1, 2027, with $6.00 of today added to the first "
        "renewal plus any tax, charged to my Visa ending 4242 until I cancel."
    )


def test_a_trial_that_goes_on_is_not_called_paid():
    trial = facts(
        Change(1, quantity=2), subscription=replace(held(), status="trialing"), rules={"path": PathFacts(trial="keep_trial")},
    )  # fmt: skip
    notes = [note for _, _, note in told(trial)]
    assert "Subscription QM-1048, CRM Standard, on trial through December 31, 2026" in notes


def test_a_trial_that_is_ended_is_paid():
    ended = facts(
        Change(1, quantity=2), subscription=replace(held(), status="trialing"), rules={"path": PathFacts(trial="end_trial")},
    )  # fmt: skip
    assert any("paid through" in note for _, _, note in told(ended))
