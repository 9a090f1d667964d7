"""Whether the change may be bought now: checks asked in order, each naming its code; the first refusal counts.

State of the subscription first, then the target, then the buyer, then the money. A fact that is left out refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app.billing.commitment import lowers
from app.billing.discounts import applies
from app.billing.extras import options_fit, scaled
from app.billing.facts import Subscription
from app.billing.plan import Plan
from app.billing.pricing import ItemPricing
from app.billing.result import Eligibility
from app.billing.rulebook import Policy
from app.billing.rules import REFUSED, Fixed


class Considered:
    """The facts of one question: one change and what became of it."""

    __slots__ = ("at", "change", "plan", "policy", "pricing", "subscription", "target")

    def __init__(self, subscription: Subscription, pricing: ItemPricing, at: datetime) -> None:
        self.subscription, self.pricing, self.at = subscription, pricing, at
        self.plan, self.change, self.policy = pricing.plan, pricing.change, pricing.policy
        self.target = pricing.policy.catalog.get(pricing.plan.product)


def locked_from(subscription: Subscription, policy: Policy) -> datetime | None:
    """From when on nothing may change because a renewal is near; the period's end itself where none follows."""
    if not subscription.items:
        return None
    items = subscription.items
    end = items[0].period.end if len(items) == 1 else min([item.period.end for item in items])
    return end - timedelta(0, policy.lock_window) if subscription.auto_renewal else end


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


def _renewal(facts: Considered) -> str | None:
    """What waits for the next billing needs one that comes."""
    waits = facts.change.effective == "next_billing"
    return "scheduled_to_cancel" if waits and not facts.subscription.auto_renewal else None


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
    if path is not None and not path.allowed:
        return "path_not_allowed"
    if facts.target is not None and (plan.added or plan.once) and not facts.target.active:
        return "target_inactive"
    return None


def _options(facts: Considered) -> str | None:
    plan, target, change = facts.plan, facts.target, facts.change
    if change.unit_price is not None and isinstance(facts.pricing, Fixed):
        return "options_invalid"
    if plan.quantity and (facts.pricing.rule, change.effective) in REFUSED:
        return REFUSED[facts.pricing.rule, change.effective]
    if target is None:
        return "options_invalid" if _repeated(plan.options) else None
    if not plan.quantity:
        return None
    held = plan.item.options if _same_product(plan) else None
    if (plan.options or target.groups) and not options_fit(plan.options, target, held, change.options is not None):
        return "options_invalid"
    for lot in plan.added:
        option = target.options.get(lot.code) if lot.kind == "option" else None
        if option is not None and not option.active:
            return "options_invalid"
    return None


def _repeated(options: tuple[str, ...]) -> bool:
    return len(options) > 1 and len({scaled(option)[0] for option in options}) != len(options)


def _feature(facts: Considered) -> str | None:
    return facts.plan.refusal


def _interval(facts: Considered) -> str | None:
    """Intervals that do not go together: the alignment found it, or the product is sold at others only."""
    if facts.pricing.refusal is not None:
        return facts.pricing.refusal
    target, plan = facts.target, facts.plan
    if target is None or not target.prices or not plan.added or str(plan.interval) in target.prices:
        return None
    return "interval_mismatch" if plan.interval != plan.item.interval or plan.product != plan.item.product else None


def _campaign(facts: Considered) -> str | None:
    state = facts.policy.campaign
    return None if state == "open" else f"campaign_{state}"


def _coupon(facts: Considered) -> str | None:
    """A discount that takes nothing off what the change adds was meant for something else."""
    discount, pricing = facts.change.discount, facts.pricing
    if discount is None:
        return None
    if isinstance(pricing, Fixed) and discount.unit_price is not None:
        return "coupon_not_applicable"
    if not pricing.charges and discount.scope != "forever" and (discount.periods or 1) == 1:
        return "coupon_not_applicable"  # today's charge only, and nothing is charged today
    if not pricing.prorates:
        return None
    return None if applies(discount, facts.plan.added) else "coupon_not_applicable"


def _quantity(facts: Considered) -> str | None:
    target, quantity = facts.target, facts.plan.quantity
    if target is None or not quantity:
        return None
    least, most = target.quantity_min, target.quantity_max
    if least <= quantity and (most is None or quantity <= most):
        return None
    held = facts.plan.item.quantity if _same_product(facts.plan) else 0
    # What is held was sold once: it may stay as it is, and too much of it may become less.
    return None if quantity == held or least <= quantity < held else "quantity_out_of_range"


def _same_product(plan: Plan) -> bool:
    """Whether the item goes on with the product that it has; one that is added has none yet."""
    return bool(plan.item.lots) and plan.product == plan.item.product


def _commitment(facts: Considered) -> str | None:
    until = facts.plan.item.committed_until
    return "commitment_running" if until is not None and facts.at < until and lowers(facts.plan) else None


def _buyer(facts: Considered) -> str | None:
    customer, target = facts.subscription.customer, facts.target
    countries = target.countries if target is not None and (facts.plan.added or facts.plan.once) else None
    if countries is not None and customer.country is not None and customer.country not in countries:
        return "country_not_allowed"
    return "unpaid_invoices" if customer.unpaid_invoices >= facts.policy.unpaid_limit else None


Checks = tuple[Callable[[Considered], str | None], ...]
STATE_CHECKS: Checks = (_campaign, _state, _renewal, _time)
"""Asked of each change, before whether anything is changed at all."""
CHANGE_CHECKS: Checks = (_target, _options, _feature, _quantity, _interval, _commitment, _buyer, _coupon)
"""Asked of each change after that."""

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
    "feature_not_available": (
        "The product does not have this feature, or does not sell it in this way.",
        "choose_again",
    ),
    "campaign_closed": ("This campaign is closed.", "contact"),
    "campaign_exhausted": ("All uses of this campaign are taken.", "contact"),
}
"""Per code: the sentence in English and the key of what the shopper can do."""

ELIGIBLE = Eligibility()


def refusal(code: str, remedy_url: str | None = None) -> Eligibility:
    """The refusal of that code with its words and remedy."""
    message, remedy = MESSAGES[code]
    return Eligibility(False, code, message, remedy, remedy_url)


def judge(facts: Sequence[Considered], policy: Policy, total: int, due: int) -> Eligibility:
    """The first refusal, or that the change may be bought."""
    code = _first(facts) or _money(facts[0].subscription, policy, total, due)
    if code is None:
        return ELIGIBLE
    return refusal(code, facts[0].subscription.customer.unpaid_url if code == "unpaid_invoices" else None)


def _first(facts: Sequence[Considered]) -> str | None:
    code = _asked(STATE_CHECKS, facts)
    if code is None and all(one.plan.idle and one.change.effective != "early_renewal" for one in facts):
        return "same_target"
    return code or _asked(CHANGE_CHECKS, facts)


def _asked(checks: Checks, facts: Sequence[Considered]) -> str | None:
    for check in checks:
        for one in facts:
            code = check(one)
            if code is not None:
                return code
    return None


def _money(subscription: Subscription, policy: Policy, total: int, due: int) -> str | None:
    if total < 0 and policy.negative == "refuse":
        return "negative_total"
    return "no_payment_method" if due > 0 and subscription.customer.cards == 0 else None
