"""What a quote says. Money in minor units; dates are the merchant's local days.

Named tuples, because a quote makes many of these and a frozen dataclass costs several times as much to fill.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from app.billing.facts import Entitlement, Interval, Item, TaxRate


class Eligibility(NamedTuple):
    """Whether the change may be bought now. ``remedy`` is a key for what the shopper can do (``resume``, ``add_card``)."""

    ok: bool = True
    code: str | None = None
    message: str | None = None
    remedy: str | None = None
    remedy_url: str | None = None


class Line(NamedTuple):
    """One line of what is due, with everything its sentence needs.

    ``kind``: ``charge`` ``credit`` ``discount`` ``tax`` ``extension`` ``carry_over``. ``fraction`` is the share of the
    interval's price (of what was paid, on a credit line whose rows have different spans), under ``basis``. ``end`` is
    exclusive. ``unit`` is what the fraction counts (``month`` ``day`` ``second``), None for a mixture. ``name`` is the
    product's or option's; on a tax line it is the tax's label. ``rate`` is the tax's or the discount's percentage.
    """

    kind: str
    amount: int
    currency: str
    item: int | None = None
    lot: int | None = None
    code: str | None = None
    name: str | None = None
    quantity: int | None = None
    unit_price: int | None = None
    interval: Interval | None = None
    start: date | None = None
    end: date | None = None
    basis: str | None = None
    fraction: tuple[int, int] | None = None
    unit: str | None = None
    rate: int | None = None

    @property
    def label(self) -> str:
        """``1 × CRM seat, 6 of 12 months``, in English."""
        from app.billing.wording import label

        return label(self)

    @property
    def why(self) -> str:
        """``Jul 1 to Dec 31, 2026: 6 of 12 months at $10.00 a year``, in English."""
        from app.billing.wording import explain

        return explain(self)


class RenewalLine(NamedTuple):
    """What one lot costs at the next renewal. ``amount`` is after ``discount`` (≤ 0); ``list_price`` is the regular unit price, if known."""

    item: int
    lot: int
    kind: str
    code: str
    name: str
    quantity: int
    unit_price: int
    interval: Interval
    amount: int
    discount: int = 0
    list_price: int | None = None
    added: bool = False


class Renewal(NamedTuple):
    """What is due on the earliest next date. ``date`` None: no renewal follows. ``amount`` is before exclusive ``tax``."""

    date: date | None
    amount: int
    tax: int
    lines: tuple[RenewalLine, ...] = ()


class Quote(NamedTuple):
    """A change priced at ``at``, with all that settling needs: nothing is computed again after payment.

    ``after``: every item as it will be (rows of the ledger left out). ``entitlements``: the rows to append; their sum is
    ``credit + charge + discount``. ``credit``, ``discount`` and ``balance_used`` are ≤ 0; ``subtotal = credit + charge +
    discount``; ``unbounded_total`` includes tax.
    """

    eligibility: Eligibility
    currency: str
    timezone: str
    at: datetime
    lines: tuple[Line, ...]
    credit: int
    charge: int
    discount: int
    subtotal: int
    tax: int
    tax_rate: TaxRate
    unbounded_total: int
    balance_used: int
    waived: int
    deferred: int
    due_now: int
    next_billing_before: date | None
    next_billing_date: date | None
    renewal: Renewal
    after: tuple[Item, ...]
    entitlements: tuple[Entitlement, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the canonical money content, ids and dates; computed when asked for."""
        from app.billing.codec import fingerprint

        return fingerprint(self)
