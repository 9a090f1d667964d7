"""What a quote says. Money in minor units; dates are the merchant's local days.

Named tuples, because a quote makes many of these and a frozen dataclass costs several times as much to fill.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from app.billing.facts import Entitlement, Interval, Item
from app.billing.rulebook import TaxRate


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
    exclusive. ``unit`` is what the fraction's integers count: ``month`` ``day`` ``second``; None: months and days;
    ``mixed``: they count no one thing, and only their ratio says something. ``name`` is the product's or option's; on a tax
    line it is the tax's label. ``rate`` is the tax's or the discount's percentage. ``rule`` says how else the amount came
    about: a ``fixed`` price, the ``difference`` of two prices, ``usage`` bought once. ``base`` is what a tax line's rate is
    taken from, where that is not the sum of all lines.
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
    rule: str | None = None
    base: int | None = None


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
    """What is due on one next date. ``date`` None: no renewal follows. ``amount`` is before exclusive ``tax``."""

    date: date | None
    amount: int
    tax: int
    lines: tuple[RenewalLine, ...] = ()


class Quote(NamedTuple):
    """A change priced at ``at``, with all that settling needs: nothing is computed again after payment.

    ``after``: every item as it will be (rows of the ledger left out). ``entitlements``: the rows to append; their sum is
    ``credit + charge + discount``. ``credit``, ``discount`` and ``balance_used`` are ≤ 0; ``subtotal = credit + charge +
    discount``; ``unbounded_total`` includes tax. ``credited`` (≥ 0) goes to the customer's balance. A change that is
    ``effective`` at ``next_billing`` is scheduled for ``effective_on``: ``after`` holds from that day on. ``renewal`` is what
    is due on the earliest next date; ``unpaid`` are rows to append beside ``entitlements``: what was waived or put off was
    not paid, so that no later credit gives it back. ``later`` has a renewal for each further date on which items of ``after`` renew.
    ``relieved`` (≥ 0) is what earlier orders put off and nobody owes any more, since its unused part is taken back now;
    ``put_off`` are the rows that say so: what ``entitlements`` would hold beside if that had been paid. ``refunded`` (≥ 0) goes
    back to the cards that paid for this subscription.
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
    credited: int = 0
    effective: str = "now"
    effective_on: date | None = None
    later: tuple[Renewal, ...] = ()
    unpaid: tuple[Entitlement, ...] = ()
    relieved: int = 0
    put_off: tuple[Entitlement, ...] = ()
    refunded: int = 0

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over money, ids and dates: two quotes that charge and grant the same have the same one.

        What a thing is called and when the quote was made decide nothing that is paid, so they are left out. The text that is
        hashed holds one fact after the other, codes quoted, so that no two contents share it.
        """
        renewal, tax = self.renewal, self.tax_rate
        parts = [
            f"1 {self.currency} {self.credit} {self.charge} {self.discount} {self.subtotal} {self.tax}",
            f"{self.unbounded_total} {self.balance_used} {self.waived} {self.deferred} {self.credited} {self.due_now}",
            f"{self.effective} {self.effective_on}",
            f"{tax.rate} {tax.inclusive} {renewal.date} {renewal.amount} {renewal.tax}",
        ]
        for (
            kind,
            amount,
            _,
            item,
            lot,
            code,
            _,
            quantity,
            price,
            every,
            start,
            end,
            basis,
            share,
            _,
            rate,
            _,
            _,
        ) in self.lines:
            interval = f"{every.count}{every.unit}" if every else None
            parts.append(f"line {kind} {amount} {item} {lot} {code!r} {quantity} {price}")
            parts.append(f"{interval} {start} {end} {basis} {share} {rate}")
        for item in self.after:
            every, period = item.interval, item.period
            parts.append(
                f"item {item.running_number} {item.product!r} {item.options} {every.count}{every.unit} {item.anchor_day}"
            )
            parts.append(f"{_utc(period.start)} {_utc(period.end)}")
            parts += [
                f"lot {lot.number} {lot.kind} {lot.code!r} {lot.quantity} {lot.unit_price} {lot.per} {lot.discount}"
                for lot in item.lots
            ]
        parts += [
            f"row {row.item} {row.lot} {_utc(row.start)} {_utc(row.end)} {row.amount}"
            for row in (*self.entitlements, *self.unpaid)
        ]
        parts += [f"later {one.date} {one.amount} {one.tax}" for one in self.later]
        if self.relieved:
            parts.append(f"relieved {self.relieved}")
        if self.refunded:
            parts.append(f"refunded {self.refunded}")
        return sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(4096)
def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
