"""Whether the change may be bought now: one check per code, asked in this order, the first refusal counts.

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

    __slots__ = ("at", "change", "due", "plan", "policy", "subscription", "total")

    def __init__(
        self, subscription: Subscription, plan: Plan, change: Change, policy: Policy, at: datetime, total: int, due: int
    ) -> None:
        self.subscription, self.plan, self.change, self.policy = subscription, plan, change, policy
        self.at, self.total, self.due = at, total, due


def locked_from(subscription: Subscription, policy: Policy) -> datetime | None:
    """From when on nothing may change because a renewal is near; the period's end itself where none follows."""
    if not subscription.items:
        return None
    end = min(item.period.end for item in subscription.items)
    return end - timedelta(seconds=policy.lock_window) if subscription.auto_renewal else end


def _not_active(facts: Considered) -> bool:
    return facts.subscription.status in ("canceled", "expired")


def _paused(facts: Considered) -> bool:
    return facts.subscription.status == "paused"


def _scheduled_to_cancel(facts: Considered) -> bool:
    return facts.subscription.ends_at_period_end


def _trial(facts: Considered) -> bool:
    return facts.subscription.status == "trialing" and trial_rule(facts.policy) == "forbid"


def trial_rule(policy: Policy) -> str:
    """What the path says about trials; where nobody says anything, a trial is not changed, since nothing was paid for it."""
    return (policy.path.trial if policy.path else None) or "forbid"


def _change_in_progress(facts: Considered) -> bool:
    return facts.subscription.change_in_progress


def _renewal_in_progress(facts: Considered) -> bool:
    if facts.subscription.renewal_in_progress:
        return True
    since = locked_from(facts.subscription, facts.policy)
    return since is not None and facts.at >= since


def _currency_mismatch(facts: Considered) -> bool:
    return facts.change.currency not in (None, facts.subscription.currency)


def _same_target(facts: Considered) -> bool:
    return facts.plan.idle


def _path_not_allowed(facts: Considered) -> bool:
    return facts.policy.path is not None and not facts.policy.path.allowed


def _target_inactive(facts: Considered) -> bool:
    target = facts.policy.catalog.get(facts.plan.product)
    return bool(facts.plan.added) and target is not None and not target.active


def _options_invalid(facts: Considered) -> bool:
    if facts.change.unit_price is not None and facts.change.price_rule == "fixed":
        return True
    plan, target = facts.plan, facts.policy.catalog.get(facts.plan.product)
    if len(set(plan.options)) != len(plan.options):
        return True
    if target is None:
        return False
    for code in plan.options:
        option = target.options.get(code)
        if option is None:
            # An option held from before may have left the catalog; it stays with its product.
            if plan.product != plan.item.product or code not in plan.item.options:
                return True
        elif not option.active and any(lot.code == code and lot.kind == "option" for lot in plan.added):
            return True
    return False


def _quantity_out_of_range(facts: Considered) -> bool:
    plan, target = facts.plan, facts.policy.catalog.get(facts.plan.product)
    if target is None or not plan.quantity:
        return plan.quantity < 0
    return plan.quantity < target.quantity_min or (
        target.quantity_max is not None and plan.quantity > target.quantity_max
    )


def _commitment_running(facts: Considered) -> bool:
    until = facts.plan.item.committed_until
    return until is not None and facts.at < until and _lowers(facts.plan)


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


def _country_not_allowed(facts: Considered) -> bool:
    target, country = facts.policy.catalog.get(facts.plan.product), facts.subscription.customer.country
    return (
        target is not None and target.countries is not None and country is not None and country not in target.countries
    )


def _unpaid_invoices(facts: Considered) -> bool:
    return facts.subscription.customer.unpaid_invoices >= facts.policy.unpaid_limit


def _negative_total(facts: Considered) -> bool:
    return facts.total < 0 and facts.policy.negative == "refuse"


def _no_payment_method(facts: Considered) -> bool:
    return facts.due > 0 and facts.subscription.customer.cards == 0


CHECKS: tuple[tuple[str, Callable[[Considered], bool]], ...] = (
    ("subscription_not_active", _not_active),
    ("paused", _paused),
    ("scheduled_to_cancel", _scheduled_to_cancel),
    ("change_in_progress", _change_in_progress),
    ("renewal_in_progress", _renewal_in_progress),
    ("trial_not_allowed", _trial),
    ("currency_mismatch", _currency_mismatch),
    ("same_target", _same_target),
    ("path_not_allowed", _path_not_allowed),
    ("target_inactive", _target_inactive),
    ("options_invalid", _options_invalid),
    ("quantity_out_of_range", _quantity_out_of_range),
    ("commitment_running", _commitment_running),
    ("country_not_allowed", _country_not_allowed),
    ("unpaid_invoices", _unpaid_invoices),
    ("negative_total", _negative_total),
    ("no_payment_method", _no_payment_method),
)

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
    for code, refuses in CHECKS:
        if refuses(facts):
            return refusal(code, facts.subscription.customer.unpaid_url if code == "unpaid_invoices" else None)
    return ELIGIBLE
