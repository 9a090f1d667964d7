from __future__ import annotations

import pytest

from app.gateways.stripe.amounts import AmountError, from_wire, largest, to_wire, wire_places
from app.kit.currencies import PLACES

PUBLISHED_ZERO_DECIMAL = ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]  # fmt: skip
"""Stripe's list but for UGX, which the special cases below it take back."""
PUBLISHED_THREE_DECIMAL = ["BHD", "JOD", "KWD", "OMR", "TND"]
_PRESENTMENT = (
    "USD AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE CZK "
    "DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JPY KES KGS KHR KMF KRW KYD "
    "KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG "
    "QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STN SZL THB TJS TOP TRY TTD TWD TZS UAH UGX UYU UZS VND VUV WST XAF XCD "
    "XCG XOF XPF YER ZAR ZMW BHD JOD KWD OMR TND"
)  # fmt: skip
PUBLISHED_PRESENTMENT = _PRESENTMENT.split()
LEFT_ISO = {"ANG"}
"""Withdrawn from ISO 4217, so no price of ours can be in it."""


@pytest.mark.parametrize(
    ("minor", "currency", "wire"),
    [
        (1099, "USD", 1099),
        (500, "JPY", 500),
        (500, "KRW", 500),
        (5, "CLP", 5),
        (5120, "KWD", 5120),
        (10, "BHD", 10),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (1045, "HUF", 1045),
        (1050, "TWD", 1050),
        (500, "MGA", 5),
        (99_999_999, "USD", 99_999_999),
        (999_999, "ISK", 99_999_900),
        (150_000_00 * 100, "IDR", 1_500_000_000),
        (999_999_999_999, "IDR", 999_999_999_999),
        (999_999_999, "INR", 999_999_999),
        (9_999_999_999, "JPY", 9_999_999_999),
        (120_000_000, "HUF", 120_000_000),
        (999_999_999_999, "COP", 999_999_999_999),
        (99_999_999_999_999, "LBP", 99_999_999_999_999),
    ],
)
def test_an_amount_goes_out_as_stripe_counts_it_and_comes_back(minor: int, currency: str, wire: int):
    assert to_wire(minor, currency) == wire
    assert from_wire(wire, currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "why"),
    [
        (5124, "KWD", "steps of 10"),
        (1, "TND", "steps of 10"),
        (501, "MGA", "does not fit"),
        (0, "USD", "no amount"),
        (-1, "USD", "no amount"),
        (largest("USD") + 1, "USD", "the 8 digits"),
        (1_000_000, "ISK", "the 8 digits"),
        (100_000_000, "KRW", "the 8 digits"),
        (10_000_000_000, "JPY", "the 10 digits"),
        (1_000_000_000, "INR", "the 9 digits"),
        (largest("IDR") + 1, "IDR", "the 12 digits"),
        (100, "XXX", "no currency"),
        (100, "usd", "no currency"),
    ],
)
def test_what_stripe_cannot_hold_is_refused_and_never_rounded(minor: int, currency: str, why: str):
    with pytest.raises(AmountError, match=why):
        to_wire(minor, currency)


@pytest.mark.parametrize(("wire", "currency"), [(550, "ISK"), (1, "UGX")])
def test_an_answer_that_iso_cannot_hold_is_refused(wire: int, currency: str):
    with pytest.raises(AmountError, match="does not fit"):
        from_wire(wire, currency)


def test_the_places_are_those_that_stripe_publishes():
    places = {currency: wire_places(currency) for currency in PUBLISHED_PRESENTMENT}
    assert sorted(c for c, n in places.items() if n == 0) == sorted(PUBLISHED_ZERO_DECIMAL)
    assert sorted(c for c, n in places.items() if n == 3) == sorted(PUBLISHED_THREE_DECIMAL)


def test_every_currency_of_stripes_is_one_of_ours_and_a_thousand_units_go_both_ways():
    assert {currency for currency in PUBLISHED_PRESENTMENT if currency not in PLACES} == LEFT_ISO
    for currency in set(PUBLISHED_PRESENTMENT) - LEFT_ISO:
        thousand = 1000 * 10 ** PLACES[currency]
        wire = to_wire(thousand, currency)
        assert wire == 1000 * 10 ** wire_places(currency)
        assert from_wire(wire, currency) == thousand
