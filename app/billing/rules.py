"""The price rules of a path: what is charged for the new part, and whether the old part is credited."""

from __future__ import annotations

from abc import ABC, abstractmethod

from app.billing.discounts import Discounter
from app.billing.facts import Lot, LotDiscount
from app.billing.measures import Point
from app.billing.pricing import ItemPricing, Stretch

ProratedDifference = ItemPricing
"""New value for the rest less the unused part of what was paid: what ``ItemPricing`` does by itself."""


class ListPrice(ItemPricing):
    """``list``: the new price prorated by the alignment, nothing credited."""

    credits_rest = False


class OneAmount(ItemPricing, ABC):
    """One amount today, whatever time is left; nothing is prorated, credited or extended. The alignment decides the dates."""

    credits_rest = False
    prorates = False

    @abstractmethod
    def amount(self) -> int:
        """What is charged, in minor units."""

    def priced(self) -> tuple[Lot, ...]:
        """The lots whose prices the amount was made of."""
        return ()

    def charge_added(self, stretch: Stretch) -> tuple[Lot, ...]:
        plan = self.plan
        if not plan.quantity:
            return ()  # an item that is removed is charged nothing
        lots = plan.added or plan.kept or tuple([lot for lot, _ in plan.removed])
        amount = self.amount()
        whole = Stretch(self.measure, stretch.start, stretch.end, stretch.span.end, (1, 1))
        self.charges.append(self._line("charge", amount, lots[0], whole, rule=self.rule))
        taken, after = self._discounted(amount, lots[0], whole)
        self._enter(lots[0], whole, amount - taken)
        return after

    def charge_kept(self, stretch: Stretch) -> tuple[Lot, ...]:
        return self.plan.kept

    def extend(self, lots: tuple[Lot, ...], stretch: Stretch) -> tuple[Lot, ...]:
        return lots

    def carry_over(self, since: Point) -> None:
        """Nothing that was paid for what is replaced is moved: nothing of it is ever credited."""

    def _discounted(self, amount: int, lot: Lot, stretch: Stretch) -> tuple[int, tuple[Lot, ...]]:
        """What the change's discount takes off the amount, and the lots with what their renewals keep."""
        if self.change.discount is None:
            return 0, self.plan.added
        discounter = Discounter(self.change.discount)
        off, percent = discounter.today(amount, self.priced())
        taken = self._discount(lot, stretch, off, amount, LotDiscount(percent=percent))
        return taken, discounter.renewals(self.plan.added)


class Fixed(OneAmount):
    """``{"fixed": "5.00"}``: this amount today; the renewal is the list price."""

    rule = "fixed"

    def amount(self) -> int:
        path = self.policy.path
        stated = self.change.fixed if self.change.price_rule else (path.fixed if path else None)
        return stated or 0


class Difference(OneAmount):
    """``difference``: the new full-period price less the old one, if that is more than nothing. Prices as they are: neither
    prorated nor converted to one interval."""

    rule = "difference"

    def amount(self) -> int:
        plan = self.plan
        new = sum([lot.quantity * lot.unit_price for lot in plan.kept + plan.added])
        return max(0, new - sum([lot.quantity * lot.unit_price for lot in plan.item.lots]))

    def priced(self) -> tuple[Lot, ...]:
        return self.plan.added


RULES: dict[str, type[ItemPricing]] = {
    "prorated_difference": ProratedDifference,
    "list": ListPrice,
    "fixed": Fixed,
    "difference": Difference,
}
INSTEAD: dict[tuple[str, str], str] = {("difference", "early_renewal"): "list"}
"""By rule and ``effective``, the rule that holds instead: a renewal that is brought forward is paid in full, since a
difference alone would give the interval away."""
REFUSED: dict[tuple[str, str], str] = {("fixed", "next_billing"): "options_invalid"}
"""By rule and ``effective``, the code of what does not go together: a fixed price is paid today, and what waits for the
next billing costs nothing today."""
