"""What a product is sold with: options, alone, in groups or on a scale, and features in steps.

Only what is added is priced and only what is removed is credited; with another product or interval all are priced anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.billing.errors import CaseError
from app.billing.facts import Lot
from app.billing.rulebook import MOST_QUANTITY, FeatureFacts, ProductFacts
from app.billing.shop import Shop

Removed = list[tuple[Lot, int]]


def scaled(option: str) -> tuple[str, int]:
    """``users=7`` is the option ``users`` seven times; any other option counts once."""
    code, equals, count = option.partition("=")
    if not equals:
        return option, 1
    if not count.isascii() or not count.isdigit() or len(count) > 9 or (count[0] == "0" and count != "0"):
        raise CaseError("change.options", f"{option!r} must end in a whole number, such as users=7")
    return code, int(count)


def move_options(
    shop: Shop,
    options: tuple[str, ...],
    quantity: int,
    elsewhere: bool,
    kept: list[Lot],
    removed: Removed,
    added: list[Lot],
) -> None:
    """Sort the option lots into ``kept``, ``removed`` and ``added``, so that each option is held as often as it is wanted."""
    item = shop.item
    wanted: dict[str, int] = {}
    contained = {} if elsewhere else _contained(shop)
    for option in options:
        code, count = scaled(option)
        wanted[code] = max(0, count - contained.get(code, 0)) * (quantity if shop.per(code) == "unit" else 1)
        if wanted[code] > MOST_QUANTITY:
            raise CaseError("change.options", f"{code!r} must count at most {MOST_QUANTITY} in all")
    if elsewhere:
        added += [shop.option_lot(code, count) for code, count in wanted.items() if count]
        return
    for code in dict.fromkeys(lot.code for lot in item.lots if lot.kind == "option"):
        held = sum(lot.quantity for lot in item.lots if lot.kind == "option" and lot.code == code)
        still, gone = shop.shrink("option", code, held - wanted.get(code, 0))
        kept += still
        removed += gone
        if wanted.get(code, 0) > held:
            added.append(shop.option_lot(code, wanted[code] - held))
    held_codes = {lot.code for lot in item.lots if lot.kind == "option"}
    added += [shop.option_lot(code, count) for code, count in wanted.items() if code not in held_codes and count]


def _contained(shop: Shop) -> dict[str, int]:
    """Which options the product's price contains, and how often: those held for which no lot is paid."""
    held: dict[str, int] = {}
    for text in shop.item.options:
        code, count = scaled(text)
        paid = sum(lot.quantity for lot in shop.item.lots if lot.kind == "option" and lot.code == code)
        units = shop.item.quantity if shop.per(code) == "unit" else 1
        held[code] = max(0, count - -(-paid // (units or 1)))
    return held


def options_fit(options: tuple[str, ...], target: ProductFacts, held: tuple[str, ...] | None, chosen: bool) -> bool:
    """Whether these options may be chosen together: each known and on its scale, each group as it asks for.

    ``held`` are the options that the product has already, None if it is another one. What was sold once may stay, and may
    come nearer to what is sold now; options that are ``chosen`` now have to suit each group, or at least
    suit it better than those held.
    """
    before = dict([scaled(text) for text in held or ()])
    codes: list[str] = []
    for text in options:
        code, count = scaled(text)
        codes.append(code)
        option = target.options.get(code)
        if held is not None and text in held:
            continue
        if option is None or (option.scale is None) == ("=" in text):
            return False
        if option.scale is not None and not option.scale.takes(count, before.get(code)):
            return False
    if len(set(codes)) != len(codes):
        return False
    for group in target.groups:
        missed = group.missed(sum(code in group.options for code in codes))
        if missed and (held is None or missed > group.missed(sum(code in group.options for code in before)) - chosen):
            return False
    return True


def move_features(
    shop: Shop,
    wanted: tuple[tuple[str, int], ...] | None,
    elsewhere: bool,
    kept: list[Lot],
    removed: Removed,
    added: list[Lot],
) -> tuple[tuple[Lot, ...], str | None, tuple[str, ...]]:
    """The same for features. Gives what is charged once, the code of what is impossible, and the features that are lost."""
    known: Mapping[str, FeatureFacts] = shop.facts.features if shop.facts else {}
    held: dict[str, int] = {}
    for lot in shop.item.lots:
        if lot.kind == "feature":
            held[lot.code] = held.get(lot.code, 0) + lot.quantity
    steps = dict(held)
    lost: tuple[str, ...] = ()
    if elsewhere and shop.product != shop.item.product:
        lost = tuple(code for code in held if code not in known)
        bought = {code: count for code, count in held.items() if code in known}
        steps = {code: _carried(shop, code, count, known[code]) for code, count in bought.items()}
    once: list[Lot] = []
    refusal = None
    for code, amount in wanted or ():
        feature = known.get(code)
        count = _steps(feature, amount)
        if feature is None or count is None:
            refusal = refusal or ("feature_not_available" if feature is None else "quantity_out_of_range")
        elif not feature.active and (feature.kind == "usage" or count > held.get(code, 0)):
            refusal = refusal or "feature_not_available"
        elif feature.kind != "usage":
            steps[code] = count
        elif count:
            once.append(shop.usage_lot(code, feature, count))
    for code in dict.fromkeys((*held, *steps)):
        before, after = 0 if elsewhere else held.get(code, 0), steps.get(code, 0)
        if not elsewhere:
            still, gone = shop.shrink("feature", code, before - after)
            kept += still
            removed += gone
        if after > before:
            if code not in known:
                raise CaseError(
                    "change.features", f"no price of {code!r} in the catalog", "price_missing", feature=code
                )
            added.append(shop.feature_lot(code, known[code], after - before))
    return tuple(once), refusal, lost


def _carried(shop: Shop, code: str, steps: int, feature: FeatureFacts) -> int:
    """How many steps of another product's feature keep the allowance that is held: what it includes is not bought again."""
    if shop.held is None or code not in shop.held.features:
        return steps  # what one step of the old product allows is not known
    old = shop.held.features[code]
    above = max(0, old.included + steps * old.step - feature.included)
    return -(-above // feature.step)


def _steps(feature: FeatureFacts | None, amount: int) -> int | None:
    """How many steps are paid for ``amount``; None where it is not sold in that size."""
    if feature is None:
        return None
    if feature.kind == "onoff":
        return amount - min(amount, feature.included) if amount in (0, 1) else None
    above = amount if feature.kind == "usage" else max(0, amount - feature.included)
    ceiling = amount + (max(0, feature.included - feature.used) if feature.kind == "usage" else 0)
    if not 0 <= amount <= MOST_QUANTITY or above % feature.step or (feature.cap is not None and ceiling > feature.cap):
        return None
    return above // feature.step
