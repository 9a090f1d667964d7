"""The card form: parsed once, its errors named in the reader's words. Only test numbers pass, no other is ever repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.bank.hosted import HostedPages, TestCard

_EXPIRY = re.compile(r"([0-9]{1,2})\s*[/ -]\s*(?:20)?([0-9]{2})", re.ASCII)
_FORM_LIMIT = 40  # longer than any way to write a card number


@dataclass(frozen=True, slots=True)
class CardForm:
    """``errors`` maps a field to its sentence; when empty, number, month and year are good."""

    number: str
    exp_month: int
    exp_year: int
    errors: dict[str, str]
    shown_number: str
    shown_expiry: str


def read_card_form(form: Mapping[str, str], hosted: HostedPages) -> CardForm:
    number = re.sub(r"[\s-]", "", form.get("number", "")[:_FORM_LIMIT])
    expiry = form.get("expiry", "").strip()[:_FORM_LIMIT]
    card = hosted.test_card(number)
    month, year, expiry_error = _read_expiry(expiry, hosted.now())
    found = {
        "number": _number_error(number, card),
        "expiry": expiry_error,
        "cvc": _cvc_error(form.get("cvc", "").strip(), card),
    }
    errors = {field: text for field, text in found.items() if text}
    shown = form.get("number", "")[:_FORM_LIMIT] if card else ""
    return CardForm(number, month, year, errors, shown, expiry)


def luhn_holds(number: str) -> bool:
    """The check digit that every card number ends with."""
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(number)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _number_error(number: str, card: TestCard | None) -> str:
    if not number:
        return "Enter the card number"
    if not (number.isascii() and number.isdigit()):
        return "A card number has digits only"
    if not 13 <= len(number) <= 19 or not luhn_holds(number):
        return "This is not a card number: a digit is wrong or missing"
    if card is None:
        return "Use one of the test numbers on this page. The number you typed was not kept"
    return ""


def _read_expiry(text: str, now: datetime) -> tuple[int, int, str]:
    match = _EXPIRY.fullmatch(text)
    if not text:
        return 0, 0, "Enter the expiry date"
    if match is None or not 1 <= int(match[1]) <= 12:
        return 0, 0, "Enter the expiry date as month and year, such as 08/34"
    month, year = int(match[1]), 2000 + int(match[2])
    if (year, month) < (now.year, now.month):
        return month, year, "This date has passed. Enter a later one"
    return month, year, ""


def _cvc_error(cvc: str, card: TestCard | None) -> str:
    digits = 4 if card and card.brand == "amex" else 3
    if not cvc:
        return "Enter the security code"
    if not (cvc.isascii() and cvc.isdigit()) or (card and len(cvc) != digits) or not 3 <= len(cvc) <= 4:
        return f"The security code has {digits} digits"
    return ""
