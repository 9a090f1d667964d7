"""The chapters about the buyer: states of a subscription, what may not be bought and why, how long a quote holds."""

from __future__ import annotations

from typing import Any

from app.billing import valid_until
from app.billing.case import quote_case, read_case
from app.billing.eligibility import MESSAGES
from tests.unit.docs.chapters_things import DESK, SIGN
from tests.unit.docs.chapters_time import plan
from tests.unit.docs.render import comparison, example
from tests.unit.docs.stories import PLANS, Case, case, held, month


def with_state(status: str = "active", **more: Any) -> Case:
    made = plan(**more.pop("rules", {}))
    made["subscription"] = {**made["subscription"], "status": status, **more}
    return made


def states() -> str:
    trials = {
        f"trial, `{rule}`": with_state("trialing", rules={"path": {"trial": rule}})
        for rule in ("forbid", "end_trial", "keep_trial")
    }
    unpaid = [{"start": "2026-04-01T00:00:00Z", "end": "2026-04-16T00:00:00Z", "amount": "5.00"}]
    overdue = plan(item=month(entitlements=unpaid))
    overdue["subscription"]["status"] = "past_due"
    cases = {
        "active": with_state(),
        **trials,
        "past due, half the month paid": overdue,
        "paused": with_state("paused"),
        "ends at its period's end": with_state(ends_at_period_end=True),
        "auto-renewal off": with_state(auto_renewal=False),
        "canceled": with_state("canceled"),
        "expired": with_state("expired"),
    }
    return f"""## Trials and other states

- **Trialing**: the path's rule. `forbid` refuses, `end_trial` begins a full period today, `keep_trial` changes at once, charges
  nothing, and the new price is due when the trial ends.
- **Past due**: allowed; only what was paid for is credited. From a number of unpaid invoices on (`unpaid_limit`) it is refused.
- **Ends at its period's end**: refused until it is resumed. **Paused**: likewise. **Canceled, expired**: refused.
- **Auto-renewal off**: allowed; the quote says that no renewal follows.

A refused quote still carries its figures.

{comparison("state", cases)}"""


def _refusals() -> dict[str, tuple[str, Case]]:
    """Per code: what leads to it, and a case."""
    desk = held("desk", "2026-04-01", "2026-05-01", "1month", ((1, "20.00"),), options=[])
    sold = {"basic": PLANS["basic"], "pro": {**PLANS["pro"]}}
    return {
        "campaign_closed": ("the offer's campaign is closed", plan(campaign="closed")),
        "campaign_exhausted": ("all uses of the campaign are taken", plan(campaign="exhausted")),
        "subscription_not_active": ("the subscription is canceled or expired", with_state("expired")),
        "paused": ("the subscription is paused", with_state("paused")),
        "scheduled_to_cancel": ("it ends with its period", with_state(ends_at_period_end=True)),
        "change_in_progress": ("another order is open, or a change is scheduled", with_state(change_in_progress=True)),
        "renewal_in_progress": (
            "less than `lock_window` seconds before the renewal", plan("2026-04-30T23:45:00Z"),
        ),
        "trial_not_allowed": ("a trial, and the path forbids it", with_state("trialing")),
        "same_target": ("nothing would change", plan(change={"product": "basic", "quantity": 1})),
        "currency_mismatch": ("the offer is in another currency", case(
            "2026-04-11", month(), {"product": "pro"}, catalog=PLANS, state={"currency": "EUR"},
        )),
        "path_not_allowed": ("no upgrade path leads there", plan(path={"allowed": False})),
        "target_inactive": ("the product is no longer sold", {**plan(), "catalog": {**sold, "pro": {**sold["pro"], "active": False}}}),
        "options_invalid": ("options that do not go together", case(
            "2026-04-11", desk, {"product": "desk", "options": ["bronze", "gold"]}, catalog=DESK,
        )),
        "feature_not_available": ("a feature that the product does not have, or a usage with `next_billing`", case(
            "2026-04-11", held("sign", "2026-04-01", "2026-05-01", "1month", ((1, "15.00"),)),
            {"product": "sign", "features": {"archive": True}}, catalog=SIGN,
        )),
        "quantity_out_of_range": ("more or fewer than the product, its feature or its option is sold in", case(
            "2026-04-11", desk, {"product": "desk", "quantity": 51, "options": ["bronze"]}, catalog=DESK,
        )),
        "interval_mismatch": ("an interval that the product is not sold at", plan(
            change={"product": "pro", "interval": "1week", "unit_price": "8.00"},
        )),
        "commitment_running": ("less than was committed to, before its day", case(
            "2026-04-11", month(quantity=3, committed_until="2026-12-31T00:00:00Z"), {"product": "basic", "quantity": 2},
            catalog=PLANS,
        )),
        "country_not_allowed": ("a billing country that the product is not sold in", {
            **plan(customer={"country": "FR"}), "catalog": {**sold, "pro": {**sold["pro"], "countries": ["US"]}},
        }),
        "unpaid_invoices": ("as many unpaid invoices as `unpaid_limit`", plan(
            customer={"unpaid_invoices": 1, "pay_url": "https://shop.example/pay"},
        )),
        "coupon_not_applicable": ("a discount that takes nothing off", case(
            "2026-04-11", month(quantity=2), {"product": "basic", "quantity": 1, "discount": {"percent": "10"}}, catalog=PLANS,
        )),
        "negative_total": ("a total below zero, with `negative: refuse`", case(
            "2026-04-11", month("pro", "30.00"), {"product": "basic"}, catalog=PLANS,
        )),
        "no_payment_method": ("something is due and there is no card on file", plan(customer={"cards": 0})),
    }  # fmt: skip


REMEDIES = {
    "add_card": "enter a card",
    "buy_again": "buy it anew",
    "choose_again": "choose something else",
    "contact": "ask the merchant",
    "finish_other_change": "finish or undo the other change",
    "none": "nothing to do",
    "pay_invoices": "pay the invoices (with the address to do so)",
    "resume": "resume the subscription",
    "try_later": "come back after the renewal",
    "wait": "wait for that day",
    "wait_for_trial_end": "wait until the trial ends",
}


def refused() -> dict[str, dict[str, Any]]:
    """Per code, the answer's own eligibility."""
    return {code: quote_case(made)["eligibility"] for code, (_, made) in _refusals().items()}


def eligibility() -> str:
    answers = refused()
    rows = [
        f"| `{answers[code]['code']}` | {cause} | {answers[code]['message']} | {REMEDIES[answers[code]['remedy']['do']]} |"
        for code, (cause, _) in _refusals().items()
    ]
    case_of = _refusals()["unpaid_invoices"][1]
    return f"""## What may not be bought, and what the shopper can do

A change that may not be bought is priced all the same; the quote says why not and what the way on is. There are {len(MESSAGES)} codes,
asked in this order; the first that applies is given.

| code | when | what the shopper reads | the way on |
|---|---|---|---|
{chr(10).join(rows)}

One of them in full:

{example(case_of)}"""


def validity() -> str:
    rows = []
    for at, zone, why in (
        ("2026-04-11T10:00:00Z", "UTC", "60 minutes"),
        ("2026-04-11T21:30:00Z", "Europe/Paris", "the end of the merchant's day (midnight in Paris)"),
        ("2026-04-30T23:00:00Z", "America/New_York", "the lock window before the renewal"),
    ):
        subscription, _, policy, instant = read_case({**plan(at), "timezone": zone})
        rows.append(
            f"| {at} | {zone} | {valid_until(subscription, policy, instant).isoformat().replace('+00:00', 'Z')} | {why} |"
        )
    return f"""## How long a quote holds

60 minutes, and not beyond the end of the merchant's local day, the end of the offer, or the beginning of the lock window
(`lock_window`, by default 1800 seconds before a renewal, in which nothing may change). Until then the figure that was shown is the
figure that is charged; if anything that decides it has changed, the shopper sees the new one and is asked again.

| made at | time zone | valid until | because of |
|---|---|---|---|
{chr(10).join(rows)}"""
