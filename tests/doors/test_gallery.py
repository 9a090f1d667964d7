"""Every state of the shopper's pages, in every language: valid, labelled, and saying first what became of the money."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from xml.etree.ElementTree import Element

import pytest

from app.billing.rulebook import TaxRate
from app.cart.pages import Rendered, render_cart, render_done
from app.cart.views import Scene
from app.cart.words import reviewed_labels
from app.web.assets import Assets
from app.web.pages import Pages
from tests.doors.gallery import CATALOG, MERCHANT, ROOT, SEAT, facts, new_pages, order, states
from tests.doors.page_client import check_page, elements, text_of

PAGES = new_pages()
LANGUAGES = ("en", "fr", "ar")
BARE = replace(
    MERCHANT, legal_name="", legal_address="", help_email="", help_phone=None, account_url="", product_url="", terms={},
    refunds={}, privacy={}, next_step={}, statement_name="",
)  # fmt: skip


# Drawn once: what all states are made of costs more than to ask one of them all the questions below.
@cache
def _drawing(language: str, chosen: bool, bare: bool) -> Mapping[str, Callable[[], Rendered]]:
    return states(PAGES, PAGES.languages.speak(language, chosen=chosen), BARE if bare else MERCHANT)


@cache
def drawn(name: str, language: str = "en", *, chosen: bool = False, bare: bool = False) -> Rendered:
    """The page of that state; ``bare``: of a merchant who has told nothing of himself."""
    return _drawing(language, chosen, bare)[name]()


@cache
def sound(name: str) -> Element:
    """The English page of that state, read and found sound."""
    return check_page(drawn(name).html)


NAMES = sorted(_drawing("en", False, False))


@pytest.fixture(scope="module")
def pages() -> Pages:
    return PAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_state_is_a_sound_page(name: str, language: str):
    document = sound(name) if language == "en" else check_page(drawn(name, language, chosen=True).html)
    assert document.get("lang") == language
    if language == "ar":
        assert document.get("dir") == "rtl"


STATUS = {
    "S-1a": 200, "S-2": 422, "S-3": 409, "S-4": 409, "S-5": 200, "S-6": 200, "S-7": 200, "S-8": 200, "S-9-failed": 200, "S-10": 202,
    "S-11": 200, "S-12": 429, "S-13": 409, "S-14": 403, "S-15-paused": 403, "S-16": 410, "S-17": 200, "S-18-revoked": 410,
    "S-18-replaced": 410, "S-18-wrong_ip": 403, "S-18-key_retired": 410, "S-19-paused": 403, "S-19-closed": 410, "S-20": 404,
    "S-21": 200, "S-22": 200, "S-23": 200, "S-24": 200, "S-26": 200, "S-29": 200, "S-1k-code": 200, "S-1k-missing": 403, "S-37-none": 200, "S-37-sent": 200, "S-37-wrong": 422,
    "S-37-over": 422, "S-37-stopped": 429,
}  # fmt: skip


@pytest.mark.parametrize(("name", "status"), STATUS.items())
def test_every_state_has_its_code(name: str, status: int):
    assert drawn(name).status == status


def said(name: str, language: str = "en") -> str:
    html = drawn(name, language).html
    apart = re.sub(r"(<br>|</(?:td|th|dt|dd|p|li|h1|h2|label)>|<span class=.meta)", r" \1", html)
    return text_of(next(elements(check_page(apart), "main"))).replace("\u00a0", " ")


def test_the_reference_case_reads_as_drawn():
    text = said("S-1a")
    for sentence in (
        "Seat offer, open until July 8, 2026",
        "Add a second seat",
        "Pay $5.00 today for the rest of this billing year. From January 1, 2027 both seats renew together at $50.00 a year.",
        "Subscription QM-1048, held by d•••a@brightwell.example. Not you?",
        "Second seat Jul 1 to Dec 31, 2026: 6 of 12 months at $10.00 a year $5.00",
        "Sales tax Oregon, 0% $0.00",
        "Due today $5.00",
        "Every year from January 1, 2027",
        "First seat $40.00",
        "Second seat Offer price, kept at every renewal. Regular price $40.00. $10.00",
        "Renewal total Plus any tax that applies on the day $50.00",
        "$10.00 × 6 ÷ 12 = $5.00",
        "Visa ending 4242 Expires 08/2028. Pays for this subscription.",
        "Mastercard ending 5454 Expires 11/2026, before your next billing date.",
        "Amex ending 0005 Expired 05/2026, cannot be used.",
        "I agree to pay $5.00 now, and $50.00 every year from January 1, 2027 plus any tax, charged to the chosen card until I cancel.",
        "Cancel any time before January 1, 2027 in your account; you keep both seats until then. Terms of sale and refunds.",
        "Buy now",
        "Nothing is charged until you press Buy now.",
        "No thanks, keep one seat",
    ):
        assert sentence in text, sentence


def test_the_confirmation_reads_as_drawn():
    text = said("S-22")
    for sentence in (
        "You now have 2 seats",
        "We charged $5.00 to your Visa ending 4242. A receipt is on its way to d•••a@brightwell.example.",
        "$5.00 USD on July 1, 2026 at 2:14 pm PDT Your card statement will show QUILLMARK CRM. Sales tax: $0.00.",
        "1 seat is now 2 seats, ready to use Subscription QM-1048, CRM Standard, paid through December 31, 2026",
        "January 1, 2027 $50.00 plus any tax, then every year until you cancel First seat $40.00, second seat $10.00",
        "We email you a reminder on December 2, 2026, 30 days before the renewal.",
    ):
        assert sentence in text, sentence


def test_the_plan_change_tells_the_credit_and_the_options_kept_and_lost():
    text = said("S-1b")
    assert "Change to CRM Pro" in text
    assert "Unused time on CRM Standard" in text
    assert "−$20.00" in text
    assert "24-hour support Yes Yes" in text
    assert "E-signature Yes No" in text


DECLINES = ["S-9-failed", "S-9-left", "S-11", "S-11-funds", "S-11-unusable", "S-11-never", "S-11-check", "S-11-only"]


def ways(name: str) -> list[str]:
    document = sound(name)
    block = next(part for part in elements(document, "ul") if part.get("class") == "ways")
    return [text_of(item).replace("\u00a0", " ") for item in elements(block, "li")]


@pytest.mark.parametrize("name", DECLINES)
def test_what_one_can_do_is_said_once(name: str):
    told = " ".join(ways(name))
    for words in ("another card", "Ask your bank", "Add or update a card", "is selected for you"):
        assert told.count(words) <= 1, told


def test_too_little_money_is_not_called_a_reason_unknown():
    first, second = ways("S-11-funds")
    assert first == "Check the balance or use another card. Your other saved card is selected for you."
    assert second == (
        "Ask your bank, if the balance is high enough. Give them the time, 2:14 pm PDT on July 1, 2026, and the amount, $5.00. "
        "Then try the same card again."
    )


def test_only_a_decline_without_a_reason_says_so():
    silent = {name for name in DECLINES if "They did not tell us why." in " ".join(ways(name))}
    assert silent == {"S-11", "S-11-never", "S-11-only"}


# What a page that did not end in "paid" must say before anything else.
MONEY = re.compile(
    r"not been charged|[Nn]othing was charged|nothing was charged|not charged you|whether you were charged|"
    r"whether your bank was charged|Nothing is due|Pay \$|charged only when|Do not pay again|You paid \$|"
    # Where nobody looked, the page says where to read it.
    r"your confirmation page or our mail says what happened"
)
PAID = {
    "S-22",
    "S-22-plan",
    "S-22-options",
    "S-22-proved-by-card",
    "S-22-proved-by-code",
    "S-22-receipt",
    "S-22-several",
    "S-22-new-item",
    "S-22e-early",
    "S-23",
    "S-24",
    "S-17",
    "S-17-nothing-due",
    "S-21",
    "S-21-stranger",
    "S-29",
    # The database is away: what was paid before nobody can look up, so not a word about it.
    "E-away",
    "E-away-nobody",
}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PAID])
def test_a_page_without_a_payment_says_so_in_its_first_words(name: str):
    document = sound(name)
    leads = " ".join(
        text_of(p)
        for p in elements(document, "p", "h1", "h2")
        if p.get("class") == "lead" or p.tag.endswith(("h1", "h2"))
    )
    assert MONEY.search(leads), leads[:300]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.startswith(("S-1a", "S-1b", "S-1d", "S-2", "S-3", "S-11"))]
)
def test_the_button_that_pays_carries_a_reviewed_label(name: str, language: str):
    document = sound(name) if language == "en" else check_page(drawn(name, language).html)
    buttons = [text_of(button) for button in elements(document, "button") if "btn--wide" in button.get("class", "")]
    if buttons:
        assert set(buttons) <= reviewed_labels(language)


@pytest.mark.parametrize("name", NAMES)
def test_no_page_shows_the_whole_address_or_a_bullet_before_a_card(name: str):
    html = drawn(name).html
    assert "dana@brightwell" not in html
    assert "•••• 4242" not in html


@pytest.mark.parametrize("name", NAMES)
def test_french_pages_have_no_english_left(name: str):
    text = said(name, "fr").replace("Quillmark", "")
    for word in ("your ", "the ", "charged", "Nothing", "seat", " card "):
        assert word not in text, text[max(0, text.find(word) - 60) : text.find(word) + 60]


def test_the_preview_cannot_be_bought_and_the_test_says_that_no_money_moves():
    preview = sound("S-1j-preview")
    assert ["disabled" in button.attrib for button in elements(preview, "button")] == [True]
    assert "Test: no money moves" in drawn("S-1j-test").html


def test_the_cart_stays_within_its_budget_on_the_wire():
    assets, wire = Assets(ROOT / "static"), 0
    for name in ("css/base.css", "css/cart.css", "js/cart.js"):
        wire += len(assets.named(name).packed or b"")
    html = drawn("S-1h").html
    page = len(gzip.compress(html.encode(), 4))
    assert page <= 8_000
    assert len(assets.named("js/cart.js").packed or b"") <= 4_000
    assert wire + page + 600 + 5_000 <= 25_000, "with the brand's sheet and a logo of 5 kB"
    assert len(re.findall(r'(?:src|href)="/(?:static|brand)/', html)) <= 5


def test_the_language_links_keep_the_page_and_name_the_language():
    html = drawn("S-1a").html
    assert '<a href="/cart/T0KEN?lang=fr" hreflang="fr" lang="fr">Français</a>' in html
    french = drawn("S-1a", "fr", chosen=True).html
    assert 'action="/cart/T0KEN/buy?lang=fr"' in french
    assert MERCHANT.name in french


def buttons_by_form(name: str) -> dict[str, list[str]]:
    html = drawn(name).html
    forms = elements(elements(check_page(html), "main").__next__(), "form")
    return {form.get("action", ""): [text_of(button) for button in elements(form, "button")] for form in forms}


@pytest.mark.parametrize("name", ["S-8", "S-8-returned"])
def test_the_bank_check_can_be_given_up_for_another_way_to_pay(name: str):
    assert buttons_by_form(name) == {"/done/T0KEN/leave": ["Pay another way"]}
    html = drawn(name).html
    ways = [
        (text_of(each), each.get("href"))
        for each in elements(check_page(html), "a")
        if "btn--main" in each.get("class", "")
    ]
    assert ways == [("Continue to your bank", "/sandbox/bank/1?state=signed")]


def test_who_comes_back_from_the_bank_without_an_answer_is_told_so():
    text = said("S-8-returned")
    assert "The bank check is not finished You have not been charged so far." in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["S-1a", "S-1h", "S-6", "S-8", "S-11"])
def test_every_form_with_a_token_names_the_language_of_its_page(name: str, language: str):
    document = sound(name) if language == "en" else check_page(drawn(name, language).html)
    fields = [
        {i.get("name", ""): i.get("value") for i in elements(form, "input")} for form in elements(document, "form")
    ]
    told = [field.get("lang") for field in fields if "csrf" in field]
    assert told == [language] * len(told)
    assert told


def test_a_revoked_link_is_never_made_anew_so_no_page_offers_it():
    html = drawn("S-18-revoked").html
    main = next(elements(check_page(html), "main"))
    assert [*elements(main, "form")] == []
    acts = [link for link in elements(main, "a") if "btn--main" in link.get("class", "")]
    assert [(text_of(act), act.get("href")) for act in acts] == [("Go to your account", MERCHANT.account_url)]
    assert "Write to help@quillmark.example" in said("S-18-revoked")


def test_an_expired_special_price_is_not_promised_again():
    assert "You can still have it at the regular price. We will email" in said("S-16-regular")
    assert "regular price" not in said("S-16")


def test_a_retired_key_is_not_explained_by_the_age_of_its_links():
    assert "This link is no longer accepted." in said("S-18-key_retired")
    assert "Ce lien n’est plus accepté." in said("S-18-key_retired", "fr")


def test_what_never_cost_anything_is_not_called_charged():
    assert "until you press" not in said("S-1f-rises")
    assert "Nothing is charged today." in said("S-1f-rises")
    assert "charged again" not in said("S-17-nothing-due")
    assert "Nothing was due, so nothing was charged." in said("S-17-nothing-due")


@pytest.mark.parametrize(
    ("language", "currency", "due"),
    [("en", "USD", "$5.00USD"), ("en", "EUR", "€5.00"), ("fr", "USD", "5,00 $US"), ("fr", "EUR", "5,00 €")],
)
def test_an_amount_names_its_currency_once(pages: Pages, language: str, currency: str, due: str):
    tongue = pages.languages.speak(language)
    cart = facts(SEAT)
    cart = replace(cart, quote=cart.quote._replace(currency=currency))
    scene = Scene(pages, tongue, MERCHANT, "/cart/T0KEN")
    shown = next(
        text_of(part)
        for part in elements(check_page(render_cart(scene, cart).html), "dd")
        if part.get("class") == "big"
    )
    assert re.sub("[\u00a0\u202f]", " ", shown) == due
    paid = text_of(check_page(render_done(scene, replace(order(scene), currency=currency)).html))
    assert re.sub("[\u00a0\u202f]", " ", paid).count(f"{due} {currency}") == 0
    assert ("$5.00 USD" in paid) == (language == "en" and currency == "USD")


def test_a_product_without_a_noun_is_counted_in_units(pages: Pages):
    plain = {"crm-seat": replace(CATALOG["crm-seat"], unit_name=None)}
    for language, headline in (("en", "Add a second unit"), ("fr", "Ajouter une deuxième unité")):
        scene = Scene(pages, pages.languages.speak(language), MERCHANT, "/cart/T0KEN")
        document = check_page(render_cart(scene, facts(SEAT, catalog=plain)).html)
        assert text_of(next(elements(document, "h1"))) == headline
        assert "seat" not in text_of(next(elements(document, "main"))).lower()


@pytest.mark.parametrize(("rate", "why"), [(0, "0%"), (100_000, "10% on the sum of the lines above")])
@pytest.mark.parametrize("label", ["Sales tax", "", "Oregon"])
def test_the_tax_row_tells_a_label_once(pages: Pages, label: str, rate: int, why: str):
    scene = Scene(pages, pages.languages.speak("en"), MERCHANT, "/cart/T0KEN")
    document = check_page(render_cart(scene, facts(SEAT, tax=TaxRate(rate, False, label))).html)
    row = next(text_of(cell) for cell in elements(document, "th") if text_of(cell).startswith("Sales tax"))
    between = (": " if rate else ", ") if label == "Oregon" else ""
    assert row == f"Sales tax {label if between else ''}{between}{why}"


@pytest.mark.parametrize("name", NAMES)
def test_a_merchant_who_has_told_nothing_yet_has_no_empty_links(name: str):
    html = drawn(name, bare=True).html
    document = check_page(html)
    assert [a.get("href") for a in elements(document, "a") if a.get("href") in {"", "mailto:", "tel:"}] == []
    assert "mailto:?" not in html
    foot = text_of(next(elements(document, "footer")))
    assert "Sold by" not in foot
    assert "Help:" not in foot
    assert "Write to " not in text_of(document)
