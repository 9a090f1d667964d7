"""The rules of a case: policy, tax, catalog, path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.billing.errors import CaseError
from app.billing.reading import Reader
from app.billing.rulebook import (
    FEATURE_KINDS,
    GROUP_KINDS,
    FeatureFacts,
    MinimumCharge,
    OptionFacts,
    OptionGroup,
    PathFacts,
    Policy,
    ProductFacts,
    Scale,
    TaxRate,
)
from app.billing.vocabulary import check_known

NO_TAX = TaxRate()


def read_tax(tax: Reader | None) -> tuple[TaxRate, dict[str, TaxRate]]:
    """The rate of the case, and those of ``{"products": {"book": {"percent": "7"}}}`` that differ from it."""
    if tax is None:
        return NO_TAX, {}
    inclusive = tax.flag("inclusive", False)
    main = TaxRate(tax.percent("percent", 0, most=10_000_000), inclusive, tax.text("label", ""))
    rates = dict[str, TaxRate]()
    for code, rate in tax.readers("products").items():
        rates[code] = TaxRate(rate.percent("percent", most=10_000_000), inclusive, rate.text("label", ""))
        rate.finish()
    tax.finish()
    return main, rates


def read_policy(
    policy: Reader | None,
    currency: str,
    timezone: str,
    tax: TaxRate,
    catalog: Mapping[str, ProductFacts],
    path: PathFacts | None,
    taxes: Mapping[str, TaxRate],
    campaign: str,
) -> Policy:
    if policy is None:
        return Policy(timezone=timezone, tax=tax, catalog=catalog, path=path, taxes=taxes, campaign=campaign)
    minimum = policy.object("minimum_charge")
    read = Policy(
        policy.choice("policy.basis", "basis", "month"),
        policy.choice("policy.change_day", "change_day", "new"),
        policy.choice("policy.rounding", "rounding", "half_up"),
        policy.choice("policy.negative", "negative", "refuse"),
        None if minimum is None else _minimum(minimum, currency),
        policy.whole("lock_window", 1800),
        policy.whole("unpaid_limit", 1, least=1),
        timezone,
        tax,
        catalog,
        path,
        taxes,
        (),
        campaign,
    )
    policy.finish()
    return read


def _minimum(minimum: Reader, currency: str) -> MinimumCharge:
    read = MinimumCharge(
        minimum.money("amount", currency), minimum.choice("policy.minimum_charge.below", "below", "charge")
    )
    minimum.finish()
    return read


def read_path(path: Reader | None, currency: str) -> PathFacts | None:
    if path is None:
        return None
    rule, fixed = read_price_rule(path, currency)
    read = PathFacts(
        path.flag("allowed", True),
        path.choice("path.trial", "trial", None),
        rule,
        fixed,
        path.choice("change.alignment", "alignment", None),
    )
    path.finish()
    return read


def read_price_rule(holder: Reader, currency: str) -> tuple[str | None, int | None]:
    """``"list"``, ``"difference"``, ``"prorated_difference"`` or ``{"fixed": "5.00"}``."""
    rule: Any = holder.pop("price_rule")
    if rule is None:
        return None, None
    path = holder.at("price_rule")
    if isinstance(rule, str) and rule != "fixed":
        return check_known("change.price_rule", rule, path), None
    if rule == "fixed":
        raise CaseError(path, 'must say its amount: {"fixed": "5.00"}')
    inner = Reader(rule, path)
    fixed = inner.money("fixed", currency)
    inner.finish()
    return "fixed", fixed


def read_catalog(catalog: Reader | None, currency: str) -> dict[str, ProductFacts]:
    if catalog is None:
        return {}
    return {code: _product(facts, code, currency) for code, facts in catalog.rest().items()}


def _product(product: Reader, code: str, currency: str) -> ProductFacts:
    countries = product.texts("countries")
    quantity = product.object("quantity")
    options = {name: _option(facts, name, currency) for name, facts in product.readers("options").items()}
    features = {name: _feature(facts, name, currency) for name, facts in product.readers("features").items()}
    groups = product.objects("groups", required=False)
    read = ProductFacts(
        product.text("name", code),
        product.prices("prices", currency),
        options,
        product.flag("active", True),
        None if countries is None else frozenset(countries),
        quantity.whole("min", 1, least=1) if quantity else 1,
        quantity.whole("max", None, least=1) if quantity else None,
        groups=tuple([_group(group, options) for group in groups or ()]),
        features=features,
    )
    if quantity:
        quantity.finish()
    product.finish()
    return read


def _option(option: Reader, code: str, currency: str) -> OptionFacts:
    per = option.text("per", "unit")
    if per not in ("unit", "subscription"):
        raise CaseError(option.at("per"), f"{per!r} is none of unit, subscription")
    scale = option.object("scale")
    read = OptionFacts(
        option.text("name", code),
        option.prices("prices", currency),
        per,
        option.flag("active", True),
        None if scale is None else _scale(scale),
    )
    option.finish()
    return read


def _scale(scale: Reader) -> Scale:
    read = Scale(scale.whole("min", 1), scale.whole("max", None), scale.whole("step", 1, least=1))
    if read.most is not None and read.most < read.least:
        raise CaseError(scale.at("max"), "must not be below the minimum")
    scale.finish()
    return read


def _group(group: Reader, options: Mapping[str, OptionFacts]) -> OptionGroup:
    kind = group.text("kind", "any")
    if kind not in GROUP_KINDS:
        raise CaseError(group.at("kind"), f"{kind!r} is none of {', '.join(GROUP_KINDS)}")
    codes = group.texts("options") or ()
    for code in codes:
        if code not in options:
            raise CaseError(group.at("options"), f"{code!r} is none of the product's options")
    read = OptionGroup(group.text("code", ""), codes, kind, group.whole("min", 0), group.whole("max", None))
    group.finish()
    return read


def _feature(feature: Reader, code: str, currency: str) -> FeatureFacts:
    kind = feature.text("kind")
    if kind not in FEATURE_KINDS:
        raise CaseError(feature.at("kind"), f"{kind!r} is none of {', '.join(FEATURE_KINDS)}")
    read = FeatureFacts(
        feature.text("name", code),
        kind,
        feature.prices("prices", currency),
        feature.money("price", currency, None),
        feature.whole("included", 0),
        feature.whole("cap", None),
        feature.whole("step", 1, least=1),
        feature.flag("active", True),
        feature.whole("used", 0),
    )
    feature.finish()
    return read
