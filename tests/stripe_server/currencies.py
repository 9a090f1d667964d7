"""Stripe's own rules about amounts: presentment currencies, their smallest charges, and the special cases of its minor units."""

from __future__ import annotations

from tests.stripe_server.wire import invalid

CURRENCIES = frozenset(
    ["usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn", "bhd", "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny", "cop", "crc", "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gnf", "gtq", "gyd", "hkd", "hnl", "htg", "huf", "idr", "ils", "inr", "isk", "jmd", "jod", "jpy", "kes", "kgs", "khr", "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mga", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio", "nok", "npr", "nzd", "omr", "pab", "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron", "rsd", "rub", "rwf", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "uyu", "uzs", "vnd", "vuv", "wst", "xaf", "xcd", "xof", "xpf", "yer", "zar", "zmw", "usdc"]
)
SMALLEST = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500,
    "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
"""The last digit must be 0."""
WHOLE_UNITS = frozenset({"isk", "ugx"})
"""Without cents, but written with two decimals: the last two digits must be 0."""


def check_amount(amount: int, currency: str) -> None:
    if currency not in CURRENCIES:
        raise invalid(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {', '.join(sorted(CURRENCIES))}",
            param="currency",
        )
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", "parameter_invalid_integer", param="amount")
    if amount > 99_999_999 * (100 if currency in ("jpy", "idr", "krw", "vnd", "clp", "cop", "huf") else 1):
        raise invalid("Amount must be no more than $999,999.99", "amount_too_large", param="amount")
    if amount < SMALLEST.get(currency, 1):
        raise invalid(f"Amount must be at least {SMALLEST[currency]} {currency}", "amount_too_small", param="amount")
    step = 10 if currency in THREE_DECIMALS else 100 if currency in WHOLE_UNITS else 1
    if amount % step:
        raise invalid(
            f"Invalid amount: amounts in {currency} must be a multiple of {step}.",
            "parameter_invalid_integer",
            param="amount",
        )
