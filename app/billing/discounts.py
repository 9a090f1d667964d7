"""What comes off a lot's price: the discount that a change brings, and the one that a lot already has."""

from __future__ import annotations

from dataclasses import replace

from app.billing.facts import RATE_WHOLE, Discount, Lot, LotDiscount
from app.billing.measures import Share

Fraction = tuple[int, int]
NOTHING: Fraction = (0, 1)


class Discounter:
    """Takes one change's discount off the lots it adds, one after the other; an ``amount`` per item is used up on the way."""

    def __init__(self, discount: Discount) -> None:
        self._discount = discount
        self._left = discount.amount or 0

    def take(self, lot: Lot, share: Share, charge: int) -> tuple[Fraction, LotDiscount | None]:
        """What comes off today, exactly, and what the lot's renewals keep. ``charge`` is the lot's rounded line."""
        if self._discount.amount is not None and self._discount.scope == "once":
            return (self._use(charge), 1), None
        terms = self.terms(lot)
        if terms is None:
            return NOTHING, None
        return off(lot, terms, share), self._kept(terms)

    def today(self, amount: int, lots: tuple[Lot, ...]) -> tuple[Fraction, int | None]:
        """What comes off an amount that is the share of no price, exactly, and the percentage to print.

        ``lots`` are those whose prices the amount was made of; a unit price comes off them in full.
        """
        discount = self._discount
        if discount.percent is not None:
            return (amount * discount.percent, RATE_WHOLE), discount.percent
        if discount.unit_price is None:
            return (min(discount.amount or 0, amount), 1), None
        return (min(sum([off(lot, self.terms(lot), (1, 1))[0] for lot in lots]), amount), 1), None

    def renewals(self, lots: tuple[Lot, ...]) -> tuple[Lot, ...]:
        """The lots with what their renewals keep: the period of today's charge is the first, whatever is charged for it."""
        if self._discount.scope == "once":
            return lots
        kept: list[Lot] = []
        for lot in lots:
            terms = self.terms(lot)
            kept.append(lot if terms is None else replace(lot, discount=self._kept(terms)))
        return tuple(kept)

    def terms(self, lot: Lot) -> LotDiscount | None:
        """This change's discount as if it were the lot's own."""
        discount = self._discount
        if discount.amount is not None:
            return LotDiscount(amount=self._use(lot.quantity * lot.unit_price))
        if discount.unit_price is not None and lot.kind != "product":
            return None
        return LotDiscount(discount.percent, None, discount.unit_price)

    def _kept(self, terms: LotDiscount) -> LotDiscount | None:
        scope, periods = self._discount.scope, self._discount.periods or 1
        if scope == "forever":
            return terms
        if scope == "periods" and periods > 1:
            return LotDiscount(terms.percent, terms.amount, terms.unit_price, periods - 1)
        return None

    def _use(self, most: int) -> int:
        taken = min(self._left, most)
        self._left -= taken
        return taken


def off(lot: Lot, terms: LotDiscount | None, share: Share) -> Fraction:
    """What ``terms`` take off the price of ``lot`` for that share, exactly; never more than the price."""
    if terms is None or terms.periods_left == 0:
        return NOTHING
    price, (top, bottom) = lot.quantity * lot.unit_price, share
    if terms.percent is not None:
        return price * top * terms.percent, bottom * RATE_WHOLE
    if terms.unit_price is not None:
        return lot.quantity * max(0, lot.unit_price - terms.unit_price) * top, bottom
    return min(terms.amount or 0, price) * top, bottom


def after_periods(terms: LotDiscount | None, periods: int) -> LotDiscount | None:
    """The lot's discount once that many periods of it have been charged."""
    if terms is None or terms.periods_left is None:
        return terms
    if terms.periods_left <= periods:
        return None
    return LotDiscount(terms.percent, terms.amount, terms.unit_price, terms.periods_left - periods)


def applies(discount: Discount, lots: tuple[Lot, ...]) -> bool:
    """Whether the discount takes anything off any of these lots for a full period."""
    discounter = Discounter(discount)
    return any(off(lot, discounter.terms(lot), (1, 1))[0] > 0 for lot in lots)
