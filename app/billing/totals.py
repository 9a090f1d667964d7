"""From lines to what is due, in this order: lines, tax, what happens below zero, the balance, the minimum charge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.billing.facts import Entitlement
from app.billing.result import Line
from app.billing.rounding import Rounding, half_up
from app.billing.rulebook import MinimumCharge, Policy, TaxRate
from app.billing.taxes import tax_on

Sums = list[tuple[str, int]]
"""Amounts with the product that decides their tax."""
Taxes = list[tuple[TaxRate, int]]


class Due(NamedTuple):
    """What is left to pay, and where the rest went. ``balance_used`` is ≤ 0, the others are ≥ 0."""

    due_now: int
    balance_used: int = 0
    waived: int = 0
    deferred: int = 0
    credited: int = 0
    refunded: int = 0


def taxed(amounts: Sums, policy: Policy, rounding: Rounding) -> Taxes:
    """The tax of each rate, computed once on the sum of what is taxed at it."""
    return [(rate, tax_on(amount, rate, rounding)) for rate, amount in bases(amounts, policy).items()]


def bases(amounts: Sums, policy: Policy) -> dict[TaxRate, int]:
    """The sum of what is taxed at each rate."""
    sums: dict[TaxRate, int] = {}
    for product, amount in amounts:
        rate = policy.taxes.get(product, policy.tax)
        sums[rate] = sums.get(rate, 0) + amount
    return sums


def tax_lines(taxes: Taxes, currency: str, taken_from: dict[TaxRate, int]) -> tuple[Line, ...]:
    """A line per rate that adds something: tax that prices include is reported, not added. Each of several rates says what
    it is ``taken_from``.
    """
    several = len(taxes) > 1
    return tuple(
        [
            Line("tax", tax, currency, name=rate.label, rate=rate.rate, base=taken_from[rate] if several else None)
            for rate, tax in taxes
            if tax and not rate.inclusive
        ]
    )


def settle(total: int, balance: int, policy: Policy, refundable: int | None = None) -> Due:
    """What a total leaves to pay. A balance below zero is no debt that a change collects.

    Of a total below zero that is refunded, our captures give back ``refundable`` at most; the rest goes to the balance.
    """
    if total <= 0:
        if policy.negative == "refund":
            back = -total if refundable is None else min(-total, max(refundable, 0))
            return Due(0, credited=-total - back, refunded=back)
        return Due(0, credited=-total if policy.negative == "credit" else 0)
    if not balance and policy.minimum_charge is None:
        return Due(total)
    used = min(max(balance, 0), total)
    due, minimum = total - used, policy.minimum_charge
    if minimum is None or not 0 < due < minimum.amount:
        return Due(due, -used)
    return _small(due, used, minimum)


def unpaid_rows(rows: Sequence[Entitlement], due: Due, subtotal: int, total: int) -> tuple[Entitlement, ...]:
    """Negative rows over the spans of what a quote charges, as much as was waived or deferred of it, without added tax.

    The ledger holds what was really paid: without these, taking the change back would pay out what nobody paid in.
    """
    left = due.waived + due.deferred
    if not left:
        return ()
    left = half_up(left * subtotal, total)
    found: list[Entitlement] = []
    for row in reversed(rows):
        amount = min(left, row.amount)
        if amount > 0:
            found.append(row._replace(amount=-amount))
            left -= amount
    return tuple(found)


def _small(due: int, used: int, minimum: MinimumCharge) -> Due:
    if minimum.below == "waive":
        return Due(0, -used, waived=due)
    if minimum.below == "defer":
        return Due(0, -used, deferred=due)
    return Due(due, -used)
