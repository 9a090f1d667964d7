"""Why a change cannot be bought: the one reason in the shopper's words, what is true now, and the way on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from markupsafe import Markup

from app.billing.facts import Interval
from app.billing.result import Eligibility
from app.cart import words
from app.cart.pen import Pen, joined
from app.cart.state_page import Action, Fact, StatePage, account, mistake, not_charged, offered
from app.cart.views import Scene
from app.web.i18n import mark

REASONS: Final = {
    "subscription_not_active": (mark("Your subscription is not active"), mark("It has ended, so there is nothing to change.")),
    "trial_not_allowed": (mark("This offer is not open during a trial"), mark("You can take it once your trial has become a paid subscription.")),
    "paused": (mark("Your subscription is paused"), mark("Resume it first; then open this link again.")),
    "scheduled_to_cancel": (
        mark("Your subscription ends with this billing period"),
        mark("Resume it in your account first; then open this link again."),
    ),
    "renewal_in_progress": (mark("Your renewal is being processed"), mark("Nothing can change until it is done. Please come back in an hour.")),
    "change_in_progress": (mark("Another change is under way"), mark("A change of this subscription is being made right now.")),
    "same_target": (mark("You already have this"), mark("Your subscription already holds what this link offers.")),
    "path_not_allowed": (mark("This change is not possible"), mark("The seller does not offer a change from your plan to this one.")),
    "target_inactive": (mark("This plan is no longer sold"), mark("The seller has taken it off the list.")),
    "options_invalid": (mark("These options do not fit your plan"), mark("The seller does not sell them with it.")),
    "quantity_out_of_range": (mark("This quantity is not possible"), mark("The seller sets a smallest and a largest number, and sells some things in steps only.")),
    "currency_mismatch": (mark("This offer is in another currency"), mark("Your subscription is billed in a different one.")),
    "interval_mismatch": (mark("This offer does not fit your billing period"), mark("It is sold for another one.")),
    "negative_total": (mark("This change cannot be made here"), mark("You have paid more for the rest of your period than the change costs.")),
    "commitment_running": (mark("Your current term is still running"), mark("It was agreed for a fixed time; until then nothing can be reduced.")),
    "country_not_allowed": (mark("This offer is not sold in your country"), mark("The seller sells it in other countries only.")),
    "coupon_not_applicable": (mark("This discount does not apply"), mark("It is not meant for this change.")),
    "no_payment_method": (mark("A card is needed"), mark("There is no card to pay with.")),
    "feature_not_available": (mark("This cannot be added to your plan"), mark("The seller does not sell it with this plan, or not from a later date.")),
    "campaign_closed": (mark("This offer is closed"), mark("It cannot be bought any more.")),
    "campaign_exhausted": (mark("This offer is sold out"), mark("As many as there were have been bought.")),
}  # fmt: skip
"""By the codes of `Eligibility`; ``unpaid_invoices`` has a page of its own."""

STATUS: Final = {
    "change_in_progress": 409,
    "renewal_in_progress": 409,
    "campaign_closed": 410,
    "campaign_exhausted": 410,
}
"""Everything else is 403."""


class Standing(NamedTuple):
    """What is held now. ``next_date`` None: no renewal follows. ``renewals``: what that day brings, each interval by itself."""

    product: str
    unit: str | None
    quantity: int
    next_date: date | None
    renewals: tuple[tuple[int, Interval], ...]
    currency: str
    committed_until: datetime | None = None


def _now(scene: Scene, standing: Standing, code: str) -> tuple[Fact, ...]:
    """The three facts as they stand, and the day that a commitment ends where that is the reason."""
    tongue = scene.tongue
    pen = Pen(tongue, standing.currency, scene.merchant.timezone)
    held = standing.product
    if standing.unit or standing.quantity > 1:
        counted = words.counted(tongue, words.unit_words(standing.unit, tongue.language), standing.quantity)
        held = tongue.say("%(name)s, %(units)s", name=standing.product, units=counted)
    facts = [Fact(tongue.say("Plan"), held)]
    if code == "commitment_running" and standing.committed_until is not None:
        facts.append(Fact(tongue.say("Agreed until"), pen.day_of(standing.committed_until)))
    renewal: str | Markup = tongue.say("No renewal")
    if standing.next_date is not None:
        price = Markup(", ").join(pen.price(amount, interval) for amount, interval in standing.renewals)
        renewal = tongue.tell("%(date)s, %(price)s", date=pen.day(standing.next_date), price=price)
    facts.append(Fact(tongue.say("Next billing date"), renewal))
    return tuple(facts)


def refused(scene: Scene, eligibility: Eligibility, reference: str, now: Standing | None = None) -> StatePage:
    """S-15. One reason, no list of conditions. An unknown code gets the plain words of ``path_not_allowed``."""
    tongue = scene.tongue
    heading, reason = REASONS.get(eligibility.code or "", REASONS["path_not_allowed"])
    lead = joined(tongue.say(reason), not_charged(tongue))
    ask = None
    if scene.merchant.help_email:
        ask = Action(tongue.say("Ask the seller"), f"mailto:{scene.merchant.help_email}")
    main = account(scene, main=True)
    if eligibility.remedy_url:
        main = Action(tongue.say("Go to your account"), eligibility.remedy_url, main=True)
    return StatePage(
        tongue.say(heading), lead, "warn", "info", actions=offered(main, ask), sections=(mistake(scene, reference),),
        facts_heading=tongue.say("Your subscription now") if now else "", facts=_now(scene, now, eligibility.code or "") if now else (),
    )  # fmt: skip


def unpaid(
    scene: Scene,
    count: int,
    total: int | None,
    currency: str,
    pay_url: str | None,
    closes_at: datetime | None,
    reference: str,
) -> StatePage:
    """S-14. Count and total only, and how long the offer is held."""
    tongue = scene.tongue
    pen = Pen(tongue, currency, scene.merchant.timezone)
    if total is not None:
        owed = tongue.tells(
            "%(count)s invoice over %(total)s is still open. Pay it first, then open this link again.",
            "%(count)s invoices over %(total)s in all are still open. Pay them first, then open this link again.",
            count, total=pen.money(total),
        )  # fmt: skip
    else:
        owed = tongue.tells(
            "%(count)s invoice is still open. Pay it first, then open this link again.",
            "%(count)s invoices are still open. Pay them first, then open this link again.", count,
        )  # fmt: skip
    held = [owed, not_charged(tongue)]
    if closes_at is not None:
        held.append(tongue.tell("The offer is held for you until %(date)s.", date=pen.day_of(closes_at)))
    where = pay_url or scene.merchant.account_url
    pay = Action(tongue.say("Pay invoices"), where, main=True) if where else None
    return StatePage(
        tongue.say("There is an unpaid invoice"), Markup(" ").join(held), "warn", "warn", actions=offered(pay, account(scene)),
        sections=(mistake(scene, reference),),
    )  # fmt: skip
