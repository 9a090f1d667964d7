"""The cart's words: counted nouns, consent to the letter, and a summary that survives being stored."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from markupsafe import Markup

from app.billing.facts import Change, Interval
from app.cart import phrases, words
from app.cart.agreement import CURRENT, CURRENT_EU, FOLDER, Terms, agreement, start_now
from app.cart.consent_boxes import agreements
from app.cart.pen import Pen
from app.cart.present import cart_page
from app.cart.summarising import summarise
from app.cart.summary import Summary
from app.cart.views import Problems, Scene
from app.web.i18n import Tongue
from tests.doors.gallery import CATALOG, MERCHANT, PRO, SEAT, carts, facts, new_pages

EN, FR = Tongue("en", "en_US"), Tongue("fr", "fr_FR")
SEAT_EN, SEAT_FR, LICENCE_FR = (
    words.unit_words("seat", "en"),
    words.unit_words("seat", "fr"),
    words.unit_words("licence", "fr"),
)

# Released texts are proofs of what people agreed to. They are never edited: add a file with the next number instead.
RELEASED = {
    "ar-1.txt": "9c5ce36f6f89ad4b", "ar-2.txt": "f82f6931249f6040", "en-2.txt": "caaf4e1f98a6041e", "fr-2.txt": "81757c73ad673464",
    "ar-4.txt": "cee789acf34857f7", "en-4.txt": "ee96d19c9459aa88", "fr-4.txt": "b844449bc4253b6f",
    "ar-3.txt": "85c94ac5a84c800a", "en-3.txt": "c861e125d8e2ce37", "fr-3.txt": "42df650f28cdf073",
    "ar-eu-1.txt": "fd3ba5111776246c", "en-1.txt": "ceba554e90faec29", "en-eu-1.txt": "758bcba166789cae", "fr-1.txt": "04600527fae65d25", "fr-eu-1.txt": "63200e15274eb19c",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.txt")))
def test_a_released_consent_text_is_never_edited(name: str):
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:16] == RELEASED[name]


def test_no_released_consent_text_is_lost():
    assert {path.name for path in FOLDER.glob("*.txt")} == set(RELEASED)


@pytest.mark.parametrize("language", CURRENT)
def test_every_language_says_every_case(language: str):
    money, start = ("X", Markup("<bdi>X</bdi>")), ("D", Markup("<time>D</time>"))
    for due in (money, None):
        for included in (True, False):
            made = agreement(language, Terms(due, money, ("E", "E"), start, included))
            assert made.text == made.markup.striptags()
            assert made.version == f"{language}-{CURRENT[language]}"
    assert "X" in agreement(language, Terms(money)).text
    assert start_now(language).version == f"{language}-eu-{CURRENT_EU[language]}"


@pytest.mark.parametrize("name", [name for name in carts() if not name.startswith("S-1g")])
@pytest.mark.parametrize("tongue", [EN, FR], ids=["en", "fr"])
def test_what_is_stored_is_what_is_shown(name: str, tongue: Tongue):
    cart, problems, mode = carts()[name]
    scene = Scene(PAGES, tongue, MERCHANT, "/cart/T", mode)
    page = cart_page(scene, cart, problems)
    assert [box.agreement for box in page.panel.boxes] == list(agreements(scene, cart))
    for box in page.panel.boxes:
        assert " ".join(box.agreement.markup.striptags().split()) == " ".join(box.agreement.text.split())


PAGES = new_pages()
SCENE = Scene(PAGES, EN, MERCHANT, "/cart/T")


def test_nothing_rises_nothing_is_agreed_to():
    cart, _, _ = carts()["S-1g"]
    assert agreements(SCENE, cart) == ()
    assert cart_page(SCENE, cart).panel.button == "Confirm change"


def test_markup_in_names_is_escaped_in_every_sentence():
    nasty = {"crm-seat": replace(CATALOG["crm-seat"], name="<i>x</i>", unit_name="<b>|<u>")}
    page = cart_page(SCENE, facts(SEAT, catalog=nasty))
    html = PAGES.render("cart/cart.html", EN, page=page, frame=SCENE.frame())
    assert "<i>x</i>" not in html
    assert "<b>" not in html
    assert "<u>" not in html


@pytest.mark.parametrize("change", [SEAT, PRO, Change(1, options=("support",)), replace(SEAT, alignment="reset")])
def test_a_summary_survives_being_stored(change: Change):
    cart = facts(change)
    made = summarise(cart.subscription.facts, cart.quote, CATALOG, cart.price_now)
    assert Summary.from_json(json.loads(json.dumps(made.to_json()))) == made


@pytest.mark.parametrize(
    ("change", "headline", "kept"),
    [
        (SEAT, "Add a second seat", "No thanks, keep one seat"),
        (Change(1, quantity=8), "Add 7\u00a0seats", "No thanks, keep one seat"),
        (PRO, "Change to CRM Pro", "No thanks, keep CRM Standard"),
        (Change(1, options=("support",)), "Add 24-hour support", "No thanks, keep my subscription as it is"),
        (
            Change(1, options=("support", "esign")),
            "Add 24-hour support and e-signature",
            "No thanks, keep my subscription as it is",
        ),
        (
            Change(1, quantity=2, options=("support",)),
            "Change your subscription",
            "No thanks, keep my subscription as it is",
        ),
    ],
)
def test_a_change_is_called_by_what_it_does(change: Change, headline: str, kept: str):
    cart = facts(change)
    made = summarise(cart.subscription.facts, cart.quote, CATALOG, cart.price_now)
    assert phrases.headline(EN, made) == headline
    assert phrases.no_thanks(EN, made) == kept


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (words.a_nth(EN, SEAT_EN, 2), "a second seat"),
        (words.a_nth(EN, SEAT_EN, 8), "an eighth seat"),
        (words.a_nth(EN, SEAT_EN, 11), "1 more seat"),
        (words.a_nth(FR, SEAT_FR, 2), "un deuxième siège"),
        (words.a_nth(FR, LICENCE_FR, 2), "une deuxième licence"),
        (words.nth(FR, LICENCE_FR, 1), "première licence"),
        (words.counted(FR, SEAT_FR, 1), "1\u00a0siège"),
        (words.counted(FR, SEAT_FR, 2), "2\u00a0sièges"),
        (words.spelled(FR, LICENCE_FR, 1), "une licence"),
        (words.spelled(EN, SEAT_EN, 12), "12\u00a0seats"),
        (words.positions(EN, SEAT_EN, 2, 3), "seats 2 to 4"),
        (words.all_of(EN, SEAT_EN, 2), "both seats"),
        (words.all_of(FR, SEAT_FR, 3), "les 3 sièges"),
        (words.counted(EN, words.unit_words("desk|desks", "en"), 3), "3\u00a0desks"),
        (words.counted(EN, words.unit_words("desk", "en"), 3), "3\u00a0desks"),
        (words.counted(EN, words.unit_words(None, "en"), 3), "3\u00a0units"),
        (words.counted(FR, words.unit_words(None, "fr"), 3), "3\u00a0unités"),
        (words.a_nth(FR, words.unit_words(None, "fr"), 2), "une deuxième unité"),
        (words.a_nth(FR, words.unit_words("desk", "fr"), 2), "une deuxième unité"),
        (words.a_nth(FR, words.unit_words("place|places", "fr"), 2), "1 place de plus"),
        (words.nth(FR, words.unit_words("place|places", "fr"), 1), "place\u00a01"),
        (words.nth(FR, words.unit_words("place|places", "fr"), 2), "deuxième place"),
        (words.spelled(FR, words.unit_words("place|places", "fr"), 1), "1\u00a0place"),
        (words.spelled(FR, words.unit_words(" poste | postes ", "fr"), 2), "deux postes"),
        (words.per(EN, Interval("month", 3)), "every 3 months"),
        (words.per(FR, Interval("year", 1)), "par an"),
        (words.every(FR, Interval("week", 2)), "toutes les 2 semaines"),
    ],
)  # fmt: skip
def test_things_are_counted_in_words(said: str, text: str):
    assert said == text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("dana@brightwell.example", "d•••a@brightwell.example"),
        ("ab@x.example", "a•••@x.example"),
        ("a@x.example", "a•••@x.example"),
        ("nonsense", "•••"),
        ("@x.example", "•••"),
    ],
)
def test_an_address_is_masked_whatever_its_length(address: str, shown: str):
    assert words.masked(address) == shown


def test_a_deciding_label_comes_from_the_reviewed_list():
    assert words.button_label("de", pays=True) == "Zahlungspflichtig bestellen"
    assert words.button_label("fr", pays=True) == "Commander avec obligation de paiement"
    with pytest.raises(KeyError):
        words.button_label("tlh", pays=True)


def test_a_begun_month_is_told_in_days():
    row = cart_page(SCENE, facts(SEAT, at=datetime(2026, 7, 12, 20, tzinfo=UTC))).ledgers[0].rows[0]
    assert Markup(row.why).striptags() == (
        "Jul 12 to Dec 31, 2026: 5 months and 20 of 31 days, out of 12 months at $10.00 a year"
    )


def test_a_price_problem_keeps_both_figures():
    cart, problems, _ = carts()["S-3"]
    page = cart_page(SCENE, cart, problems)
    assert isinstance(problems, Problems)
    assert page.title == "Error: Add a second seat for $4.17 today"
    told = page.notices[0].text
    assert "$5.00" in told
    assert "$4.17" in told


def test_a_pen_marks_days_for_machines():
    pen = Pen(EN, "USD", "America/Los_Angeles")
    assert pen.day(date(2027, 1, 1)) == '<time datetime="2027-01-01">January 1, 2027</time>'
    assert 'datetime="2026-07-08T23:59-07:00"' in pen.day_of(datetime(2026, 7, 9, 6, 59, tzinfo=UTC))
