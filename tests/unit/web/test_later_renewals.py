"""What renews on a day after the earliest one is on the cart, in the consent, on the confirmation and in the receipt."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime

import pytest

from app.billing.codec import dump_quote
from app.billing.facts import Change, Discount, Span
from app.billing.rulebook import TaxRate
from app.cart import scheduled_pages
from app.cart.agreement import FOLDER, Terms, agreement
from app.cart.consent_boxes import agreements
from app.cart.present import cart_page
from app.cart.scheduled_pages import Waiting
from app.cart.summary import Summary
from app.cart.views import CartFacts, Scene, summary_of
from app.mail import Composer
from app.web.i18n import Tongue, tongue_of
from tests.doors.gallery import MERCHANT, facts, held, new_pages
from tests.unit.mail.test_mail import RECEIPT, SENDER, TEMPLATES

PAGES = new_pages()
TONGUES = {"en": Tongue("en", "en_US"), "fr": Tongue("fr", "fr_FR")}
BOTH = (Change(1, quantity=2), Change(2, quantity=3, unit_price=6000))


def cart(*changes: Change, tax: TaxRate | None = None) -> CartFacts:
    """A seat until January 1 and a second subscription item until April 1, 2027."""
    subscription = held()
    first = subscription.items[0]
    period = Span(first.period.start, datetime(2027, 4, 1, 7, tzinfo=UTC))
    lots = tuple(replace(lot, unit_price=6000) for lot in first.lots)
    second = replace(first, running_number=2, period=period, lots=lots, entitlements=None)
    together = replace(subscription, items=(first, second))
    return facts(changes or BOTH, subscription=together, tax=tax)


def scene(language: str) -> Scene:
    return Scene(PAGES, TONGUES[language], MERCHANT, "/cart/T")


def said(text: object) -> str:
    return " ".join(str(getattr(text, "striptags", lambda: text)()).split())


WORDS = {
    "en": (
        "From January 1, 2027 your subscription renews at $80.00 a year. In addition, $180.00 a year is due from April 1, 2027.",
        [("And from Apr 1, 2027", "$180.00 a year")],
        "Every year from April 1, 2027",
        "I agree to pay $110.00 now, and $80.00 every year from January 1, 2027, and $180.00 every year from April 1, 2027 "
        "plus any tax, charged to the chosen card until I cancel.",
    ),
    "fr": (
        "À partir du 1er janvier 2027, votre abonnement se renouvelle au prix de 80,00 $US par an. "
        "S’y ajoutent 180,00 $US par an à partir du 1er avril 2027.",
        [("Et à partir du 1er avr. 2027", "180,00 $US par an")],
        "Chaque année à partir du 1er avril 2027",
        "J’accepte de payer 110,00 $US maintenant, puis 80,00 $US chaque année à partir du 1er janvier 2027, ainsi que "
        "180,00 $US chaque année à partir du 1er avril 2027, plus les taxes éventuelles, par débit de la carte choisie, "
        "jusqu’à ce que je résilie.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", WORDS)
def test_the_cart_tells_amount_interval_and_date_of_each_further_renewal(language: str):
    lead, panel, caption, consent = WORDS[language]
    page = cart_page(scene(language), cart())
    assert lead in said(page.lead)
    assert [(said(label), said(price)) for label, price in page.panel.later] == panel
    assert said(page.ledgers[2].caption) == caption
    assert [(row.amount[:3], row.total) for row in page.ledgers[2].rows] == [
        ("$60", False),
        ("$12", False),
        ("$18", True),
    ] or language == "fr"
    assert said(agreements(scene(language), cart())[0].text) == consent


@pytest.mark.parametrize("language", WORDS)
def test_what_is_shown_is_printed(language: str):
    html = PAGES.render(
        "cart/cart.html", TONGUES[language], page=cart_page(scene(language), cart()), frame=scene(language).frame()
    )
    assert html.count('datetime="2027-04-01"') == 4  # lead, ledger, panel, consent


def test_a_discount_that_ends_is_told_of_its_own_renewal():
    discount = Discount(percent=500_000, scope="periods", periods=3)
    text = said(agreements(scene("en"), cart(Change(1, quantity=2), replace(BOTH[1], discount=discount)))[0].text)
    assert "$120.00 every year from April 1, 2027 for 2 renewals, then $180.00 every year plus any tax" in text


def test_one_renewal_is_agreed_to_in_the_words_of_before():
    """The new version differs from the last only in what it says of further days."""
    for language in ("en", "fr", "ar"):
        before = (FOLDER / f"{language}-2.txt").read_text("utf-8")
        assert (FOLDER / f"{language}-3.txt").read_text("utf-8").startswith(before + "[another day]\n")
        money = ("X", "X")
        assert agreement(language, Terms(money, money)).text.count("X") == 2


def test_a_subscription_of_one_date_has_no_further_rows():
    page = cart_page(scene("en"), facts(Change(1, quantity=2)))
    assert page.panel.later == ()
    assert len(page.ledgers) == 2


def test_a_summary_keeps_its_further_renewals_and_older_ones_have_none():
    made = summary_of(cart())
    stored = json.loads(json.dumps(made.to_json()))
    assert made.later[0].day == date(2027, 4, 1)
    assert Summary.from_json(stored) == made
    del stored["later"]
    assert Summary.from_json(stored) == replace(made, later=())
    assert asdict(made)["later"][0]["amount"] == 18000


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Also from April 1, 2027: $180.00 plus any tax, until you cancel."),
        ("fr", "Et à partir du 1er avril 2027 : 180,00 $US plus taxes éventuelles, jusqu’à résiliation."),
    ],
)
def test_the_receipt_names_them(language: str, words: str):
    stored = dump_quote(cart().quote)
    body = {**RECEIPT, "language": language, "renewal": stored["renewal"], "later_renewals": stored["later"]}
    mail = Composer(TEMPLATES, tongue_of).compose("id", "receipt", body, SENDER)
    assert words in said(mail.text)
    assert mail.html.count("2027") >= 2
    without = Composer(TEMPLATES, tongue_of).compose("id", "receipt", {**RECEIPT, "language": language}, SENDER)
    empty = Composer(TEMPLATES, tongue_of).compose(
        "id", "receipt", {**RECEIPT, "language": language, "later_renewals": []}, SENDER
    )
    assert (without.text, without.html) == (empty.text, empty.html)


def table(made: CartFacts, language: str = "en") -> list[tuple[str, str, str]]:
    rows = cart_page(scene(language), made).change.rows
    return [(said(row.label), said(row.now), said(row.after)) for row in rows]


def test_the_table_tells_what_each_day_brings_now_and_after():
    rows = table(cart())
    assert ("At the renewal on Jan 1, 2027", "$40.00 a year", "$80.00 a year") in rows
    assert ("At the renewal on Apr 1, 2027", "$60.00 a year", "$180.00 a year") in rows
    assert ("Next billing date", "Jan 1, 2027", "Jan 1, 2027") in rows


def test_a_day_that_is_left_or_new_has_nothing_on_the_other_side():
    rows = table(cart(Change(1, quantity=2, alignment="reset")))
    assert ("At the renewal on Jan 1, 2027", "$40.00 a year", "Nothing") in rows
    assert ("At the renewal on Apr 1, 2027", "$60.00 a year", "$60.00 a year") in rows
    assert ("At the renewal on Jul 1, 2027", "Nothing", "$80.00 a year") in rows


def test_a_scheduled_change_of_two_days_is_in_the_way_with_both():
    made = summary_of(cart(Change(2, quantity=3, unit_price=6000, effective="next_billing")))
    page = scheduled_pages.in_the_way(scene("en"), Waiting(made.effective_on, None, made), "LK-1")
    told = [(said(fact.label), said(fact.value)) for fact in page.facts]
    assert ("Next billing date", "January 1, 2027, $40.00 a year") in told
    assert ("Also renews", "April 1, 2027, $180.00 a year") in told


def test_days_before_the_change_are_kept_with_the_order():
    made = summary_of(cart())
    assert [each.day for each in made.before] == [date(2027, 1, 1), date(2027, 4, 1)]
    assert Summary.from_json(json.loads(json.dumps(made.to_json()))) == made
