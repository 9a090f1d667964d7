"""What a change does to the lots of an item, before a single price is prorated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.billing.errors import CaseError
from app.billing.facts import Change, Interval, Item, Lot, OptionFacts, Policy, ProductFacts


@dataclass(frozen=True, slots=True)
class Plan:
    """``kept`` lots stay as they are (a shrunk one at its lower quantity); ``removed`` pairs a lot with the quantity that goes.

    ``replaced``: product or interval are others, or everything is priced anew, so no product lot is kept.
    """

    item: Item
    product: str
    interval: Interval
    options: tuple[str, ...]
    quantity: int
    replaced: bool
    kept: tuple[Lot, ...]
    removed: tuple[tuple[Lot, int], ...]
    added: tuple[Lot, ...]

    @property
    def idle(self) -> bool:
        return not self.added and not self.removed and not self.replaced


def make_plan(item: Item, change: Change, policy: Policy) -> Plan:
    """Sort the item's lots into kept, removed and added. A missing list price is a ``CaseError`` naming ``change.unit_price``."""
    product = item.product if change.product is None else change.product
    interval = item.interval if change.interval is None else change.interval
    options = item.options if change.options is None else change.options
    held = item.quantity
    quantity = held if change.quantity is None else change.quantity
    elsewhere = product != item.product or interval != item.interval
    other_options = options != item.options and set(options) != set(item.options)
    replaced = elsewhere or (change.unit_price is not None and other_options)
    shop = _Shop(item, product, interval, change, policy)
    if not quantity:
        return _removal(item, product, interval, options)
    if replaced:
        removed = [(lot, lot.quantity) for lot in item.lots if elsewhere or lot.kind == "product"]
        kept: list[Lot] = []
        added = [shop.product_lot(quantity)]
    else:
        kept, removed = _shrink(item, "product", item.product, held - quantity)
        added = [shop.product_lot(quantity - held)] if quantity > held else []
    if options or item.options:
        _move_options(shop, options, quantity, elsewhere, kept, removed, added)
    return Plan(item, product, interval, options, quantity, replaced, tuple(kept), tuple(removed), tuple(added))


def _removal(item: Item, product: str, interval: Interval, options: tuple[str, ...]) -> Plan:
    removed = tuple((lot, lot.quantity) for lot in item.lots)
    return Plan(item, product, interval, options, 0, False, (), removed, ())


def _shrink(item: Item, kind: str, code: str, excess: int) -> tuple[list[Lot], list[tuple[Lot, int]]]:
    """Take ``excess`` off the lots of that kind and code, newest first."""
    lots = [lot for lot in item.lots if lot.kind == kind and (kind == "product" or lot.code == code)]
    removed: list[tuple[Lot, int]] = []
    while excess > 0 and lots:
        newest = lots.pop()
        gone = min(excess, newest.quantity)
        removed.append((newest, gone))
        if gone < newest.quantity:
            lots.append(replace(newest, quantity=newest.quantity - gone))
        excess -= gone
    return lots, removed


def _move_options(
    shop: _Shop,
    options: tuple[str, ...],
    quantity: int,
    elsewhere: bool,
    kept: list[Lot],
    removed: list[tuple[Lot, int]],
    added: list[Lot],
) -> None:
    """Price only the options added and credit only those removed; with another product or interval all are priced anew."""
    item = shop.item
    if elsewhere:
        added.extend(shop.option_lot(code, quantity) for code in options)
        return
    for code in dict.fromkeys(lot.code for lot in item.lots if lot.kind == "option"):
        held = sum(lot.quantity for lot in item.lots if lot.kind == "option" and lot.code == code)
        wanted = 0
        if code in options:
            wanted = quantity if shop.per(code) == "unit" else 1
        still, gone = _shrink(item, "option", code, held - wanted)
        kept.extend(still)
        removed.extend(gone)
        if wanted > held:
            added.append(shop.option_lot(code, wanted - held))
    added.extend(shop.option_lot(code, quantity) for code in options if code not in item.options)


class _Shop:
    """Makes the new lots of one change, numbered after all that the item ever had."""

    def __init__(self, item: Item, product: str, interval: Interval, change: Change, policy: Policy) -> None:
        self.item, self.product, self.interval, self.change = item, product, interval, change
        self.facts: ProductFacts | None = policy.catalog.get(product)
        self._last = 0

    def product_lot(self, quantity: int) -> Lot:
        price = self.change.unit_price
        if price is None:
            price = self._list_price(self.facts.prices if self.facts else {}, self.product, "change.unit_price")
        return Lot(self._number(), self.product, quantity, price)

    def option_lot(self, code: str, quantity: int) -> Lot:
        option = self._option(code)
        price = 0
        if option is not None:
            price = self._list_price(option.prices, code, "change.options")
        elif self.facts is None:
            raise CaseError("change.options", f"no list price of {code!r} in the catalog", "price_missing", option=code)
        per = self.per(code)
        return Lot(self._number(), code, quantity if per == "unit" else 1, price, "option", per)

    def per(self, code: str) -> str:
        for lot in self.item.lots:
            if lot.kind == "option" and lot.code == code:
                return lot.per
        option = self._option(code)
        return option.per if option else "unit"

    def _option(self, code: str) -> OptionFacts | None:
        return self.facts.options.get(code) if self.facts else None

    def _list_price(self, prices: Mapping[str, int], code: str, field: str) -> int:
        try:
            return prices[str(self.interval)]
        except KeyError:
            message = f"no list price of {code!r} per {self.interval}; give one"
            raise CaseError(field, message, "price_missing", product=code, interval=str(self.interval)) from None

    def _number(self) -> int:
        if not self._last:
            self._last = max((lot.number for lot in self.item.lots), default=0)
            for row in self.item.entitlements or ():
                if row.lot is not None and row.lot > self._last:
                    self._last = row.lot
        self._last += 1
        return self._last
