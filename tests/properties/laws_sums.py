"""Laws about the sums of a quote, and about the same figure coming out again."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

from hypothesis import strategies as st

from app.billing import quote
from app.billing.codec import dump_change, dump_quote, load_change, load_quote
from app.billing.facts import RATE_WHOLE
from app.billing.result import Quote
from app.billing.rounding import ROUNDINGS
from app.billing.rulebook import Policy, TaxRate
from tests.properties.budget import Law
from tests.properties.strategies import Case, cases, discounts, standing


def lines_always_add_up(case: Case) -> None:
    """Lines are the sums by their kind; sums are the total; the total is what is due and where the rest of it went."""
    made = quote(*case)
    by_kind = {"charge": 0, "extension": 0, "credit": 0, "discount": 0, "tax": 0, "carry_over": 0}
    for line in made.lines:
        by_kind[line.kind] += line.amount
    assert by_kind["charge"] + by_kind["extension"] == made.charge >= 0
    assert by_kind["credit"] == made.credit <= 0
    assert by_kind["discount"] == made.discount
    assert by_kind["carry_over"] == 0
    assert -made.charge <= made.discount <= 0
    assert made.subtotal == made.credit + made.charge + made.discount
    inclusive = case.policy.tax.inclusive
    assert by_kind["tax"] == (0 if inclusive else made.tax)
    assert made.unbounded_total == made.subtotal + (0 if inclusive else made.tax) == sum(by_kind.values())
    _where_the_total_goes(made, case.policy)
    assert made.renewal.amount == sum(line.amount for line in made.renewal.lines)
    for line in made.renewal.lines:
        assert line.amount == line.quantity * line.unit_price + line.discount >= 0 >= line.discount


def _where_the_total_goes(made: Quote, policy: Policy) -> None:
    assert min(made.due_now, made.waived, made.deferred, made.credited, -made.balance_used) >= 0
    if made.unbounded_total < 0:
        assert made.credited + made.refunded == (
            -made.unbounded_total if policy.negative in ("credit", "refund") else 0
        )
        assert made.due_now == made.waived == made.deferred == made.balance_used == 0
    else:
        assert made.due_now + made.waived + made.deferred - made.balance_used == made.unbounded_total
        assert made.credited == 0


def ledger_rows_are_credit_charge_and_discount(case: Case) -> None:
    """Not only in all, but lot by lot: what a line says is what its lot's rows say. Value that moves from one lot of an item to
    another adds up to nothing."""
    made = quote(*case)
    assert sum(row.amount for row in made.entitlements) == made.credit + made.charge + made.discount
    if any(line.kind == "carry_over" for line in made.lines):
        return
    credited = {(line.item, line.lot) for line in made.lines if line.kind == "credit"}
    moved = {row.item for row in made.entitlements if row.amount < 0 and (row.item, row.lot) not in credited}
    by_lot: dict[tuple[int | None, int | None], int] = {}
    for line in made.lines:
        if line.kind != "tax":
            place = line.item, None if line.item in moved else line.lot
            by_lot[place] = by_lot.get(place, 0) + line.amount
    for row in made.entitlements:
        assert row.start <= row.end
        place = row.item, None if row.item in moved else row.lot
        by_lot[place] = by_lot.get(place, 0) - row.amount
    assert not any(by_lot.values())


def a_discount_never_exceeds_its_line(case: Case) -> None:
    made = quote(*case)
    for line, following in zip(made.lines, made.lines[1:], strict=False):
        if following.kind == "discount":
            assert line.kind in ("charge", "extension")
            assert (line.item, line.lot) == (following.item, following.lot)
            assert 0 < -following.amount <= line.amount


@st.composite
def _discounted(draw: st.DrawFn) -> Case:
    """Something is added, and a discount is taken off it."""
    case, discount = draw(cases(effective=("now", "early_renewal"))), draw(discounts().filter(bool))
    quantity = case.subscription.items[0].quantity + 2
    return case._replace(change=replace(case.change, discount=discount, quantity=quantity))


def preview_equals_confirm(case: Case) -> None:
    """The same facts at the same instant are the same quote, also once it was written down and read; another figure is
    another fingerprint."""
    shown, confirmed = quote(*case), quote(*case)
    assert shown == confirmed
    assert shown.fingerprint == confirmed.fingerprint
    stored = load_quote(json.loads(json.dumps(dump_quote(shown))))
    assert stored == shown
    assert stored.fingerprint == shown.fingerprint
    change = load_change(json.loads(json.dumps(dump_change(case.change))))
    assert change == case.change
    assert quote(case.subscription, change, case.policy, case.at).fingerprint == shown.fingerprint
    for field in ("due_now", "credit", "charge", "discount", "tax", "balance_used", "waived", "deferred", "credited"):
        other = shown._replace(**{field: getattr(shown, field) + 1})
        assert other.fingerprint != shown.fingerprint, field
    if shown.entitlements:
        assert shown._replace(entitlements=shown.entitlements[1:]).fingerprint != shown.fingerprint


def tax_is_computed_once_on_the_sum(case: Case) -> None:
    """Per rate, on all that is taxed at it, today and at the renewal, and never line by line."""
    policy, made = case.policy, quote(*case)
    products = {item.running_number: item.product for item in case.subscription.items}
    after = {item.running_number: item.product for item in made.after}
    today: dict[TaxRate, int] = {}
    for line in made.lines:
        if line.kind == "tax" or line.item is None:
            continue
        # What is credited was bought as the old product, what is charged is bought as the new one.
        product = products[line.item] if line.kind == "credit" else after.get(line.item, products[line.item])
        rate = policy.taxes.get(product, policy.tax)
        today[rate] = today.get(rate, 0) + line.amount
    assert made.tax == sum(_tax(amount, rate, policy) for rate, amount in today.items())
    later: dict[TaxRate, int] = {}
    for line in made.renewal.lines:
        rate = policy.taxes.get(after[line.item], policy.tax)
        later[rate] = later.get(rate, 0) + line.amount
    assert made.renewal.tax == sum(_tax(amount, rate, policy) for rate, amount in later.items())


def _tax(amount: int, tax: TaxRate, policy: Policy) -> int:
    rate = Fraction(tax.rate, RATE_WHOLE)
    exact = amount - amount / (1 + rate) if tax.inclusive else amount * rate
    return ROUNDINGS[policy.rounding](exact.numerator, exact.denominator)


def a_refused_quote_still_carries_its_figures(refused: tuple[Case, Case]) -> None:
    """What is refused for a state, an open bill or another change costs what it would cost without that."""
    stopped, free = (quote(*case) for case in refused)
    assert not stopped.eligibility.ok
    assert stopped.eligibility.code
    assert stopped.eligibility.message
    assert stopped.eligibility.remedy
    held = refused[0].subscription
    ended = held.status in ("canceled", "expired")
    assert stopped.lines == free.lines
    assert stopped.entitlements == free.entitlements
    assert stopped.after == free.after
    assert (stopped.subtotal, stopped.tax, stopped.due_now) == (free.subtotal, free.tax, free.due_now)
    assert stopped.renewal == (
        free.renewal if not ended else free.renewal._replace(date=None, amount=0, tax=0, lines=())
    )


@st.composite
def _refused(draw: st.DrawFn) -> tuple[Case, Case]:
    case, held = draw(cases()), draw(standing())
    laid_over = held.__class__(
        case.subscription.currency, case.subscription.items, held.status, held.auto_renewal, held.ends_at_period_end,
        held.customer, case.subscription.balance, held.change_in_progress, held.renewal_in_progress,
    )  # fmt: skip
    return case._replace(subscription=laid_over), case


def what_happens_at_the_next_billing_costs_nothing_today(case: Case) -> None:
    """No line, no row, no other period; what is due on the date that stands is the new lots' price."""
    made = quote(*case)
    assert made.lines == made.entitlements == ()
    assert made.due_now == made.unbounded_total == made.tax == made.credited == 0
    assert made.effective_on is not None
    periods = {item.running_number: item.period for item in case.subscription.items}
    assert all(item.period == periods[item.running_number] for item in made.after)
    if len(made.after) == len(case.subscription.items):
        assert made.next_billing_date == made.next_billing_before


LAWS = (
    Law(cases(), lines_always_add_up),
    Law(cases(), ledger_rows_are_credit_charge_and_discount),
    Law(_discounted(), a_discount_never_exceeds_its_line),
    Law(cases(), preview_equals_confirm),
    Law(cases(), tax_is_computed_once_on_the_sum),
    Law(_refused(), a_refused_quote_still_carries_its_figures),
    Law(cases(effective=("next_billing",)), what_happens_at_the_next_billing_costs_nothing_today),
)
