"""A broken engine for each law: one function of the pricing room replaced by one that breaks just that promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from itertools import count
from typing import Any, NamedTuple

import pytest

from app.billing import alignments, codec, credits, engine, measures, pricing, reading, schedule, totals
from app.billing.facts import Change, Entitlement, Item, Lot, Subscription
from app.billing.pricing import ItemPricing
from app.billing.result import Quote
from app.billing.rulebook import Policy, TaxRate
from app.billing.shop import Shop
from app.billing.taxes import tax_on
from app.kit.currencies import PLACES
from app.kit.money import parse_minor

Patch = pytest.MonkeyPatch


class Mutant(NamedTuple):
    """``break_it`` breaks the engine; ``law`` is the name of the law that must notice, by ``error``."""

    law: str
    break_it: Callable[[Patch], None]
    error: type[Exception] = AssertionError

    @property
    def name(self) -> str:
        return self.break_it.__name__


def the_balance_is_used_twice(patch: Patch) -> None:
    real = engine.settle

    def settle(*facts: Any) -> Any:
        due = real(*facts)
        return due._replace(balance_used=2 * due.balance_used)

    patch.setattr(engine, "settle", settle)


def the_ledger_does_not_know_of_the_discount(patch: Patch) -> None:
    real = ItemPricing._discount

    def told_but_not_taken(self: ItemPricing, *facts: Any, **more: Any) -> int:
        real(self, *facts, **more)
        return 0

    patch.setattr(ItemPricing, "_discount", told_but_not_taken)


def a_discount_is_taken_twice(patch: Patch) -> None:
    real = ItemPricing._discount

    def twice(self: ItemPricing, lot: Lot, stretch: Any, taken: Any, *facts: Any) -> int:
        return real(self, lot, stretch, (2 * taken[0], taken[1]), *facts)

    patch.setattr(ItemPricing, "_discount", twice)
    patch.setattr(pricing, "min", lambda one, *others: one, raising=False)


def every_second_quote_is_one_unit_dearer(patch: Patch) -> None:
    real, calls = engine.settle, count()

    def settle(*facts: Any) -> Any:
        due = real(*facts)
        return due._replace(due_now=due.due_now + next(calls) % 2)

    patch.setattr(engine, "settle", settle)


def the_fingerprint_leaves_out_the_ledger(patch: Patch) -> None:
    def fingerprint(self: Quote) -> str:
        facts = [getattr(self, name) for name in Quote._fields if name != "entitlements"]
        return sha256(repr(facts).encode()).hexdigest()

    patch.setattr(Quote, "fingerprint", property(fingerprint))


def a_stored_quote_loses_what_is_credited(patch: Patch) -> None:
    real = codec._names
    patch.setattr(
        codec, "_names", lambda kind: tuple(name for name in real(kind) if (kind, name) != (Quote, "credited"))
    )
    codec._readers.cache_clear()


def tax_is_rounded_in_two_halves(patch: Patch) -> None:
    def halves(amount: int, tax: TaxRate, rounding: Any) -> int:
        return tax_on(amount // 2, tax, rounding) + tax_on(amount - amount // 2, tax, rounding)

    patch.setattr(totals, "tax_on", halves)


def what_is_refused_is_not_priced(patch: Patch) -> None:
    real = engine._way

    def way(held: Subscription, change: Change, policy: Policy) -> Any:
        return real(held, change, policy) if held.status == "active" else alignments.later

    patch.setattr(engine, "_way", way)


def what_is_scheduled_is_charged_now(patch: Patch) -> None:
    patch.setitem(engine.EFFECTIVES, "next_billing", alignments.shorten_new)


def credits_given_before_are_forgotten(patch: Patch) -> None:
    real = pricing.rows_of

    def positive(lot: Lot, item: Item, weights: Any) -> list[Any]:
        return [row for row in real(lot, item, weights) if row[0].amount > 0]

    patch.setattr(pricing, "rows_of", positive)


def credit_is_of_the_full_price(patch: Patch) -> None:
    real = pricing.rows_of

    def at_price(lot: Lot, item: Item, weights: Any) -> list[Any]:
        price = lot.quantity * lot.unit_price
        return [
            (Entitlement(row.item, row.lot, row.start, row.end, price), weight, whole)
            for row, weight, whole in real(lot, item, weights)
        ]

    patch.setattr(pricing, "rows_of", at_price)


def a_credit_writes_no_row(patch: Patch) -> None:
    real = ItemPricing.credit

    def credit(self: ItemPricing, *facts: Any) -> None:
        moves = list(self.moves)
        real(self, *facts)
        self.moves[:] = moves

    patch.setattr(ItemPricing, "credit", credit)


def only_the_first_change_gets_its_discount(patch: Patch) -> None:
    real = engine._priced

    def priced(held: Subscription, change: Change, policy: Policy, at: Any, items: Any) -> ItemPricing:
        first = items is held.items
        return real(held, change if first else replace(change, discount=None), policy, at, items)

    patch.setattr(engine, "_priced", priced)


def many_seats_are_half_price(patch: Patch) -> None:
    real = Shop.product_lot

    def product_lot(self: Shop, quantity: int) -> Lot:
        lot = real(self, quantity)
        return replace(lot, unit_price=lot.unit_price // 2) if quantity > 3 else lot

    patch.setattr(Shop, "product_lot", product_lot)


def the_time_that_is_gone_is_charged(patch: Patch) -> None:
    for measure in (measures.DayMeasure, measures.MonthMeasure):
        real = measure.share

        def share(self: Any, *facts: Any, real: Any = real) -> tuple[int, int]:
            top, bottom = real(self, *facts)
            return max(0, bottom - top), bottom

        patch.setattr(measure, "share", share)


def later_lots_own_more_of_a_row_for_all(patch: Patch) -> None:
    def weights(lot: Lot, item: Item) -> tuple[int, int]:
        return lot.number, sum(other.number for other in item.lots)

    patch.setattr(pricing, "weights_of", weights)


def dates_follow_the_date_before(patch: Patch) -> None:
    patch.setattr(schedule, "grid_day", lambda origin, anchor_day: origin.day)


def an_early_renewal_forgets_the_anchor(patch: Patch) -> None:
    patch.setattr(alignments, "grid_day", lambda origin, anchor_day: origin.day)


def every_line_is_in_dollars(patch: Patch) -> None:
    real = ItemPricing._line
    patch.setattr(ItemPricing, "_line", lambda *facts, **more: real(*facts, **more)._replace(currency="USD"))


def places_too_many_are_cut_off(patch: Patch) -> None:
    def lenient(text: str, currency: str) -> int:
        whole, _, fraction = text.partition(".")
        return parse_minor(f"{whole}.{fraction[: PLACES[currency]]}".rstrip("."), currency)

    patch.setattr(reading, "parse_minor", lenient)


def a_missing_price_is_a_key_error(patch: Patch) -> None:
    patch.setattr(Shop, "_list_price", lambda self, prices, code, field: prices[str(self.interval)])


def a_credit_is_taken_off_all_stretches_at_once(patch: Patch) -> None:
    def at_once(self: credits.Unused, units: int, quantity: int, rounding: Any, after: int = 0) -> list[Any]:
        return [(self.begin, self.ends, rounding(self.top * units, self.bottom * quantity))]

    patch.setattr(credits.Unused, "shared_out", at_once)


MUTANTS = (
    Mutant("lines_always_add_up", the_balance_is_used_twice),
    Mutant("ledger_rows_are_credit_charge_and_discount", the_ledger_does_not_know_of_the_discount),
    Mutant("a_discount_never_exceeds_its_line", a_discount_is_taken_twice),
    Mutant("preview_equals_confirm", every_second_quote_is_one_unit_dearer),
    Mutant("preview_equals_confirm", the_fingerprint_leaves_out_the_ledger),
    Mutant("preview_equals_confirm", a_stored_quote_loses_what_is_credited),
    Mutant("tax_is_computed_once_on_the_sum", tax_is_rounded_in_two_halves),
    Mutant("a_refused_quote_still_carries_its_figures", what_is_refused_is_not_priced),
    Mutant("what_happens_at_the_next_billing_costs_nothing_today", what_is_scheduled_is_charged_now),
    Mutant("credit_never_exceeds_what_was_paid", credits_given_before_are_forgotten),
    Mutant("credit_never_exceeds_what_was_paid", credit_is_of_the_full_price),
    Mutant("credit_never_exceeds_what_was_paid", a_credit_is_taken_off_all_stretches_at_once),
    Mutant("a_change_and_its_inverse_never_make_money", credit_is_of_the_full_price),
    Mutant("no_cycle_of_changes_makes_money", a_credit_writes_no_row),
    Mutant("the_order_of_two_independent_changes_does_not_matter", only_the_first_change_gets_its_discount),
    Mutant("more_seats_never_cost_less", many_seats_are_half_price),
    Mutant("less_time_left_never_costs_more", the_time_that_is_gone_is_charged),
    Mutant("equal_lots_have_equal_shares", later_lots_own_more_of_a_row_for_all),
    Mutant("billing_dates_never_drift_from_the_anchor", dates_follow_the_date_before),
    Mutant("a_change_keeps_an_item_on_the_grid_of_its_anchor", an_early_renewal_forgets_the_anchor),
    Mutant("currencies_and_their_places_never_mix", every_line_is_in_dollars),
    Mutant("an_amount_with_too_many_places_is_refused", places_too_many_are_cut_off),
    Mutant("nothing_but_a_case_error_is_raised", a_missing_price_is_a_key_error, KeyError),
)
