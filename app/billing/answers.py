"""The answer to a case: a quote as JSON text.

Written as text at once, because a list of ten thousand answers would otherwise first be ten thousand trees of dictionaries.
Only names and sentences can hold a character that JSON escapes; all else is digits, dates and the specification's own words.
"""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from app.billing.result import Eligibility, Line, Quote, Renewal
from app.billing.wording import explain, label
from app.kit.money import format_minor

# The amounts of many cases repeat, 0.00 above all.
_amount = lru_cache(4096)(format_minor)
_ELIGIBLE = '{"ok": true, "code": null, "message": null}'


def answer(made: Quote) -> dict[str, Any]:
    """A quote as the specification prints it: amounts as decimal strings, days as ISO dates."""
    return json.loads(answer_text(made))


def answer_text(made: Quote) -> str:
    """The same as JSON text in one line."""
    currency = made.currency
    judged = _ELIGIBLE if made.eligibility.ok else _refused(made.eligibility)
    lines = ", ".join([_line(line, currency) for line in made.lines])
    later = ", ".join([_renewal(one, currency) for one in made.later]) if made.later else ""
    return (
        f'{{"eligibility": {judged}, "currency": "{currency}", "lines": [{lines}], '
        f'"credit": "{_amount(made.credit, currency)}", "charge": "{_amount(made.charge, currency)}", '
        f'"discount": "{_amount(made.discount, currency)}", "subtotal": "{_amount(made.subtotal, currency)}", '
        f'"tax": "{_amount(made.tax, currency)}", "unbounded_total": "{_amount(made.unbounded_total, currency)}", '
        f'"balance_used": "{_amount(made.balance_used, currency)}", "waived": "{_amount(made.waived, currency)}", '
        f'"deferred": "{_amount(made.deferred, currency)}", "due_now": "{_amount(made.due_now, currency)}", '
        f'"next_billing_date": {_day(made.next_billing_date)}, '
        f'"renewal": {_renewal(made.renewal, currency)}, "fingerprint": "{made.fingerprint}", '
        f'"credited": "{_amount(made.credited, currency)}", "refunded": "{_amount(made.refunded, currency)}", "effective": "{made.effective}", '
        f'"effective_on": {_day(made.effective_on)}, "later_renewals": [{later}]}}'
    )


def _renewal(one: Renewal, currency: str) -> str:
    return (
        f'{{"date": {_day(one.date)}, "amount": "{_amount(one.amount, currency)}", '
        f'"tax": "{_amount(one.tax, currency)}"}}'
    )


def _refused(eligibility: Eligibility) -> str:
    remedy = {"do": eligibility.remedy, "url": eligibility.remedy_url}
    told = {"ok": False, "code": eligibility.code, "message": eligibility.message, "remedy": remedy}
    return json.dumps(told, ensure_ascii=False)


def _line(line: Line, currency: str) -> str:
    period, fraction = "null", "null"
    if line.start is not None and line.end is not None:
        period = f'{{"start": "{line.start.isoformat()}", "end": "{line.end.isoformat()}"}}'
    if line.fraction is not None:
        fraction = f"[{line.fraction[0]}, {line.fraction[1]}]"
    price = "null" if line.unit_price is None else f'"{_amount(line.unit_price, currency)}"'
    quantity = "null" if line.quantity is None else line.quantity
    basis = "null" if line.basis is None else f'"{line.basis}"'
    return (
        f'{{"kind": "{line.kind}", "label": {encode_basestring(label(line))}, "quantity": {quantity}, '
        f'"unit_price": {price}, "amount": "{_amount(line.amount, currency)}", "period": {period}, '
        f'"basis": {basis}, "fraction": {fraction}, "why": {encode_basestring(explain(line))}}}'
    )


def _day(day: date | None) -> str:
    return "null" if day is None else f'"{day.isoformat()}"'
