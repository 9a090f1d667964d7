"""The table of places against two published ones, and the English signs against CLDR."""

from __future__ import annotations

from babel.core import get_global
from babel.numbers import format_currency, get_currency_symbol
from iso4217 import Currency

from app.billing.wording import english_money
from app.kit.currencies import PLACES

NOT_MONEY = {"XAU", "XAG", "XPT", "XPD", "XBA", "XBB", "XBC", "XBD", "XDR", "XSU", "XUA", "XTS", "XXX", "XAD"}


def test_the_places_are_those_of_iso_4217():
    published = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    mine = {code: places for code, places in PLACES.items() if code in published}
    assert mine == {code: published[code] for code in mine}
    assert set(published) - set(PLACES) <= NOT_MONEY
    assert set(PLACES) - set(published) <= NOT_MONEY


def test_no_currency_is_unknown_to_cldr_but_newcomers():
    assert len([code for code in PLACES if get_currency_symbol(code, "en") is not None]) == len(PLACES)


def test_cldr_never_shows_more_places_than_iso_has():
    """CLDR follows custom (no cents for the Colombian peso), so it may show fewer; it must never show more."""
    fractions = get_global("currency_fractions")
    default = fractions["DEFAULT"][0]
    more = {code for code, places in PLACES.items() if fractions.get(code, (default,))[0] > places}
    assert more == set()


def test_english_money_has_cldrs_sign_before_the_iso_number_of_places():
    for currency in PLACES:
        published = format_currency(1, currency, locale="en")
        sign = published[: published.index("1")]
        assert english_money(-123_456_789, currency) == f"-{sign}{_grouped(123_456_789, PLACES[currency])}"


def _grouped(minor: int, places: int) -> str:
    whole, part = divmod(minor, 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "")
