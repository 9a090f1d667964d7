"""The rules that a price follows: the merchant's policy, the path's overrides, tax, and the catalog facts touched.

All are frozen values; units are those of ``app.billing.facts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.billing.facts import Lot

MOST_AMOUNT = 2**53
"""No sum may pass this many minor units: what reads it as a JSON number would read another one."""
MOST_QUANTITY = 10**9


@dataclass(frozen=True, slots=True)
class TaxRate:
    """``rate`` in parts per million; ``label`` says whose tax (``Oregon``); ``found`` False: the table had none."""

    rate: int = 0
    inclusive: bool = False
    label: str = ""
    found: bool = True


@dataclass(frozen=True, slots=True)
class Scale:
    """What may stand behind ``=`` in a scaled option (``users=7``): from ``least`` to ``most`` in steps of ``step``."""

    least: int = 1
    most: int | None = None
    step: int = 1

    def takes(self, count: int, held: int | None = None) -> bool:
        """Whether so many may be chosen; by one who has more than are sold now, as many as come nearer to that."""
        if count < self.least or (count - self.least) % self.step:
            return False
        return self.most is None or count <= max(self.most, held or 0)


@dataclass(frozen=True, slots=True)
class OptionFacts:
    """``prices`` maps an interval's text (``1year``) to the list price in the quote's currency.

    With a ``scale`` the option is written ``users=7`` and the price is that of one.
    """

    name: str
    prices: Mapping[str, int] = field(default_factory=dict[str, int])
    per: str = "unit"
    active: bool = True
    scale: Scale | None = None


GROUP_KINDS = ("one", "any", "number")


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Options that are chosen together: exactly ``one`` of them, ``any`` of them, or a ``number`` from ``least`` to ``most``."""

    code: str
    options: tuple[str, ...]
    kind: str = "any"
    least: int = 0
    most: int | None = None

    def missed(self, chosen: int) -> int:
        """By how many that many chosen ones are too few or too many; 0 where they are as the group asks for."""
        if self.kind == "any":
            return 0
        least, most = (1, 1) if self.kind == "one" else (self.least, self.most)
        return max(0, least - chosen, 0 if most is None else chosen - most)


FEATURE_KINDS = ("onoff", "limit", "usage")


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """What a product allows: a switch (``onoff``), a ``limit``, or ``usage`` that is used up.

    ``included`` comes with the product; more is bought in steps of ``step`` up to ``cap`` in all. ``prices`` maps an
    interval's text to the price of one step, which renews; a step of ``usage`` costs ``price`` once. ``used`` is how much of
    what is included was used up: a cap is of what there is to use.
    """

    name: str
    kind: str
    prices: Mapping[str, int] = field(default_factory=dict[str, int])
    price: int | None = None
    included: int = 0
    cap: int | None = None
    step: int = 1
    active: bool = True
    used: int = 0


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """A product of the catalog, in the quote's currency. ``countries`` None: sold everywhere."""

    name: str
    prices: Mapping[str, int] = field(default_factory=dict[str, int])
    options: Mapping[str, OptionFacts] = field(default_factory=dict[str, OptionFacts])
    active: bool = True
    countries: frozenset[str] | None = None
    quantity_min: int = 1
    quantity_max: int | None = None
    unit_name: str | None = None
    groups: tuple[OptionGroup, ...] = ()
    features: Mapping[str, FeatureFacts] = field(default_factory=dict[str, FeatureFacts])

    def name_of(self, lot: Lot, product: str) -> str | None:
        """What a lot of ``product``, which this is, is called; None where the catalog does not know it."""
        if lot.kind == "product":
            return self.name if lot.code == product else None
        known = self.options.get(lot.code) if lot.kind == "option" else self.features.get(lot.code)
        return None if known is None else known.name


@dataclass(frozen=True, slots=True)
class PathFacts:
    """An allowed move between two products. None: the policy's or the default rule applies."""

    allowed: bool = True
    trial: str | None = None
    price_rule: str | None = None
    fixed: int | None = None
    alignment: str | None = None


@dataclass(frozen=True, slots=True)
class MinimumCharge:
    """Totals under ``amount`` are treated by ``below``: ``waive`` ``defer`` ``charge``."""

    amount: int
    below: str = "charge"


@dataclass(frozen=True, slots=True)
class Policy:
    """The merchant's rules, a path's overrides already applied, with the catalog facts that the change touches.

    ``taxes`` names the rates of products that are not taxed at ``tax``. ``each`` holds the rules of the single changes of
    a list, where their paths differ; what is settled once (tax, balance, minimum charge) follows this policy.
    ``campaign`` is the state of the campaign that the offer belongs to: ``open`` ``closed`` ``exhausted``.
    """

    basis: str = "month"
    change_day: str = "new"
    rounding: str = "half_up"
    negative: str = "refuse"
    minimum_charge: MinimumCharge | None = None
    lock_window: int = 1800
    unpaid_limit: int = 1
    timezone: str = "UTC"
    tax: TaxRate = TaxRate()
    catalog: Mapping[str, ProductFacts] = field(default_factory=dict[str, ProductFacts])
    path: PathFacts | None = None
    taxes: Mapping[str, TaxRate] = field(default_factory=dict[str, TaxRate])
    each: tuple[Policy, ...] = ()
    campaign: str = "open"
