"""Where the new lots of one change get their prices and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.billing.errors import CaseError
from app.billing.facts import Change, Interval, Item, Lot
from app.billing.rulebook import FeatureFacts, OptionFacts, Policy, ProductFacts


class Shop:
    """Makes the new lots of one change, numbered after all that the item ever had."""

    def __init__(self, item: Item, product: str, interval: Interval, change: Change, policy: Policy) -> None:
        self.item, self.product, self.interval, self.change = item, product, interval, change
        self.facts: ProductFacts | None = policy.catalog.get(product)
        self.held: ProductFacts | None = self.facts if product == item.product else policy.catalog.get(item.product)
        self._last = 0

    def product_lot(self, quantity: int) -> Lot:
        price = self.change.unit_price
        if price is None:
            price = self._list_price(self.facts.prices if self.facts else {}, self.product, "change.unit_price")
        return Lot(self._number(), self.product, quantity, price)

    def option_lot(self, code: str, quantity: int) -> Lot:
        """``quantity`` counts what is priced: units, steps of a scale, or one."""
        option = self.option(code)
        price = 0
        if option is not None:
            price = self._list_price(option.prices, code, "change.options")
        elif self.facts is None:
            raise CaseError("change.options", f"no list price of {code!r} in the catalog", "price_missing", option=code)
        return Lot(self._number(), code, quantity, price, "option", self.per(code))

    def feature_lot(self, code: str, feature: FeatureFacts, steps: int) -> Lot:
        price = self._list_price(feature.prices, code, "change.features")
        return Lot(self._number(), code, steps, price, "feature", "subscription")

    def usage_lot(self, code: str, feature: FeatureFacts, steps: int) -> Lot:
        if feature.price is None:
            raise CaseError("change.features", f"no price of {code!r}", "price_missing", feature=code)
        return Lot(self._number(), code, steps, feature.price, "usage", "subscription")

    def per(self, code: str) -> str:
        for lot in self.item.lots:
            if lot.kind == "option" and lot.code == code:
                return lot.per
        option = self.option(code)
        return option.per if option else "unit"

    def option(self, code: str) -> OptionFacts | None:
        return self.facts.options.get(code) if self.facts else None

    def offered(self, options: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the options held, those that the new product has as well, and those that are lost with the old one."""
        if self.facts is None or self.product == self.item.product:
            return options, ()
        has = self.facts.options
        kept = tuple([text for text in options if text.partition("=")[0] in has])
        return kept, tuple([text for text in options if text not in kept])

    def shrink(self, kind: str, code: str, excess: int) -> tuple[list[Lot], list[tuple[Lot, int]]]:
        """Take ``excess`` off the lots of that kind and code, newest first."""
        lots = [lot for lot in self.item.lots if lot.kind == kind and (kind == "product" or lot.code == code)]
        removed: list[tuple[Lot, int]] = []
        while excess > 0 and lots:
            newest = lots.pop()
            gone = min(excess, newest.quantity)
            removed.append((newest, gone))
            if gone < newest.quantity:
                lots.append(replace(newest, quantity=newest.quantity - gone))
            excess -= gone
        return lots, removed

    def _list_price(self, prices: Mapping[str, int], code: str, field: str) -> int:
        try:
            return prices[str(self.interval)]
        except KeyError:
            message = f"no list price of {code!r} per {self.interval}; give one"
            raise CaseError(field, message, "price_missing", product=code, interval=str(self.interval)) from None

    def _number(self) -> int:
        if not self._last:
            self._last = max([lot.number for lot in self.item.lots], default=0)
            for row in self.item.entitlements or ():
                if row.lot is not None and row.lot > self._last:
                    self._last = row.lot
        self._last += 1
        return self._last
