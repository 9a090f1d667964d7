"""Whether the change may be bought now: checks asked in order, each naming its code; the first refusal counts.

State of the subscription first, then the target, then the buyer, then the money. A fact that is left out refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.billing.facts import Change, Interval, Policy, Subscription
from app.billing.plan import Plan
from app.billing.result import Eligibility
from app.billing.schedule import days_of, months_of


class Considered:
    """The facts of one question."""

    __slots__ = ("at", "change", "due", "plan", "policy", "subscription", "target", "total")

    def __init__(
        self, subscription: Subscription, plan: Plan, change: Change, policy: Policy, at: datetime, total: int, due: int
    ) -> None:
        self.subscription, self.plan, self.change, self.policy = subscription, plan, change, policy
        self.at, self.total, self.due = at, total, due
        self.target = policy.catalog.get(plan.product)


def locked_from(subscription: Subscription, policy: Policy) -> datetime | None:
    """From when on nothing may change because a renewal is near; the period's end itself where none follows."""
    if not subscription.items:
        return None
    end = min([item.period.end for item in subscription.items])
    return end - timedelta(seconds=policy.lock_window) if subscription.auto_renewal else end


def trial_rule(policy: Policy) -> str:
    """What the path says about trials; where nobody says anything, a trial is not changed, since nothing was paid for it."""
    return (policy.path.trial if policy.path else None) or "forbid"


def _state(facts: Considered) -> str | None:
    held = facts.subscription
    if held.status == "active" and not (held.ends_at_period_end or held.change_in_progress):
        return None
    if held.status in ("canceled", "expired"):
        return "subscription_not_active"
    if held.status == "paused":
        return "paused"
    if held.ends_at_period_end:
        return "scheduled_to_cancel"
    return "change_in_progress" if held.change_in_progress else None


def _time(facts: Considered) -> str | None:
    since = locked_from(facts.subscription, facts.policy)
    if facts.subscription.renewal_in_progress or (since is not None and facts.at >= since):
        return "renewal_in_progress"
    if facts.subscription.status == "trialing" and trial_rule(facts.policy) == "forbid":
        return "trial_not_allowed"
    return None


def _target(facts: Considered) -> str | None:
    plan, currency, path = facts.plan, facts.change.currency, facts.policy.path
    if currency is not None and currency != facts.subscription.currency:
        return "currency_mismatch"
    if plan.idle:
        return "same_target"
    if path is not None and not path.allowed:
        return "path_not_allowed"
    if facts.target is not None and plan.added and not facts.target.active:
        return "target_inactive"
    return None


def _options(facts: Considered) -> str | None:
    plan, target = facts.plan, facts.target
    if len(set(plan.options)) != len(plan.options):
        return "options_invalid"
    for code in plan.options if target is not None else ():
        option = target.options.get(code) if target is not None else None
        if option is None:
            # An option held from before may have left the catalog; it stays with its product.
            if plan.product != plan.item.product or code not in plan.item.options:
                return "options_invalid"
        elif not option.active and any(lot.code == code and lot.kind == "option" for lot in plan.added):
            return "options_invalid"
    return None


def _quantity(facts: Considered) -> str | None:
    target, quantity = facts.target, facts.plan.quantity
    if target is None or not quantity:
        return None
    if quantity < target.quantity_min or (target.quantity_max is not None and quantity > target.quantity_max):
        return "quantity_out_of_range"
    return None


def _commitment(facts: Considered) -> str | None:
    until = facts.plan.item.committed_until
    return "commitment_running" if until is not None and facts.at < until and _lowers(facts.plan) else None


def _lowers(plan: Plan) -> bool:
    """Whether less is left than was committed to: fewer units, fewer options, a shorter interval or a lower price."""
    item = plan.item
    if plan.quantity < item.quantity or set(item.options) - set(plan.options):
        return True
    if plan.interval != item.interval and _days(plan.interval) < _days(item.interval):
        return True
    after = sum(lot.quantity * lot.unit_price for lot in (*plan.kept, *plan.added)) * _days(item.interval)
    return after < sum(lot.quantity * lot.unit_price for lot in item.lots) * _days(plan.interval)


def _days(interval: Interval) -> int:
    """A rough length, good enough to tell a longer interval from a shorter one."""
    return days_of(interval) or 30 * months_of(interval)


def _buyer(facts: Considered) -> str | None:
    customer, target = facts.subscription.customer, facts.target
    countries = target.countries if target is not None else None
    if countries is not None and customer.country is not None and customer.country not in countries:
        return "country_not_allowed"
    return "unpaid_invoices" if customer.unpaid_invoices >= facts.policy.unpaid_limit else None


def _money(facts: Considered) -> str | None:
    if facts.total < 0 and facts.policy.negative == "refuse":
        return "negative_total"
    return "no_payment_method" if facts.due > 0 and facts.subscription.customer.cards == 0 else None


CHECKS: tuple[Callable[[Considered], str | None], ...] = (
    _state, _time, _target, _options, _quantity, _commitment, _buyer, _money,
)  # fmt: skip

MESSAGES: dict[str, tuple[str, str]] = {
    "subscription_not_active": ("This subscription has ended, so it cannot be changed.", "buy_again"),
    "trial_not_allowed": ("This change is not possible during the trial.", "wait_for_trial_end"),
    "paused": ("This subscription is paused. Resume it first.", "resume"),
    "scheduled_to_cancel": ("This subscription ends with its current period. Resume it first.", "resume"),
    "renewal_in_progress": ("This subscription is about to renew. Try again after the renewal.", "try_later"),
    "change_in_progress": ("Another change of this subscription is not finished yet.", "finish_other_change"),
    "same_target": ("The subscription already has what is asked for.", "none"),
    "path_not_allowed": ("This change of product is not offered.", "contact"),
    "target_inactive": ("This product is no longer sold.", "contact"),
    "options_invalid": ("The chosen options do not go together.", "choose_again"),
    "quantity_out_of_range": ("This quantity is not offered.", "choose_again"),
    "currency_mismatch": ("The offer is in another currency than the subscription.", "contact"),
    "interval_mismatch": ("The billing intervals do not go together.", "contact"),
    "negative_total": (
        "The credit is larger than the charge, and this merchant does not pay out differences.",
        "contact",
    ),
    "commitment_running": ("The subscription is committed until a later date and cannot be lowered before.", "wait"),
    "country_not_allowed": ("This product is not sold in the billing country.", "contact"),
    "coupon_not_applicable": ("The discount does not apply to this change.", "contact"),
    "no_payment_method": ("There is no card on file that can be charged.", "add_card"),
    "unpaid_invoices": ("There are unpaid invoices. Pay them first.", "pay_invoices"),
    "feature_not_available": ("The product does not have this feature.", "choose_again"),
    "campaign_closed": ("This campaign is closed.", "contact"),
    "campaign_exhausted": ("All uses of this campaign are taken.", "contact"),
}
"""Per code: the sentence in English and the key of what the shopper can do."""

ELIGIBLE = Eligibility()


def refusal(code: str, remedy_url: str | None = None) -> Eligibility:
    """The refusal of that code with its words and remedy."""
    message, remedy = MESSAGES[code]
    return Eligibility(False, code, message, remedy, remedy_url)


def judge(facts: Considered) -> Eligibility:
    """The first refusal, or that the change may be bought."""
    for check in CHECKS:
        code = check(facts)
        if code is not None:
            return refusal(code, facts.subscription.customer.unpaid_url if code == "unpaid_invoices" else None)
    return ELIGIBLE
