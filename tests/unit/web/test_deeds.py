"""What changed, and what is to change, said exactly: product, quantity, option, interval, date; never "your subscription"."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.billing.facts import Change, Subscription
from app.cart import deeds
from app.cart.done_words import done_line
from app.cart.summary import Summary
from app.cart.views import CartFacts, summary_of
from app.web.i18n import Tongue
from tests.doors.gallery import PRO, SEAT, YEAR, facts, held
from tests.doors.gallery_changes import MONTH, changes, pro, pro_by_month, team, two_items

EN, FR = Tongue("en", "en_US"), Tongue("fr", "fr_FR")


def lasting(subscription: Subscription) -> Subscription:
    return replace(subscription, auto_renewal=False)


CASES: dict[str, tuple[CartFacts, tuple[str, ...], tuple[str, ...]]] = {
    "quantity": (facts(SEAT), ("1 seat is now 2 seats",), ("1 seat to 2 seats, CRM Standard",)),
    "fewer": (
        facts(Change(1, quantity=1), subscription=replace(held(), items=facts(SEAT).quote.after), negative="credit"),
        ("2 seats are now 1 seat",), ("2 seats to 1 seat, CRM Standard",),
    ),
    "plan with an option lost": (
        facts(PRO, subscription=held(("support", "esign"))),
        ("CRM Standard is now CRM Pro", "E-signature removed"),
        ("CRM Standard to CRM Pro", "Remove e-signature"),
    ),
    "option": (facts(Change(1, options=("support",))), ("24-hour support added",), ("Add 24-hour support",)),
    "scale": (
        facts(Change(1, options=("users=7",)), subscription=team()), ("2 users added",), ("Add 2 users",),
    ),
    "interval that keeps the day": (
        facts(Change(1, interval=MONTH, alignment="keep_day"), subscription=pro(), negative="credit"),
        (
            "Billed every month instead of every year",
            "Next billing date moved from January 1, 2027 to August 1, 2026",
        ),
        (
            "Billed every month instead of every year",
            "Next billing date August 1, 2026 instead of January 1, 2027",
        ),
    ),
    "interval and date": (
        facts(Change(1, interval=YEAR, alignment="reset"), subscription=pro_by_month()),
        ("Billed every year instead of every month", "Next billing date moved from July 15, 2026 to July 1, 2027"),
        ("Billed every year instead of every month", "Next billing date July 1, 2027 instead of July 15, 2026"),
    ),
    "several items": (
        facts((SEAT, Change(2, quantity=2)), subscription=two_items()),
        ("CRM Standard: 1 seat is now 2 seats", "CRM Backup: 1 unit is now 2 units"),
        ("CRM Standard: 1 seat to 2 seats", "CRM Backup: 1 unit to 2 units"),
    ),
    "new item": (
        facts(Change(None, product="crm-backup", quantity=1, interval=YEAR)), ("CRM Backup added",), ("Add CRM Backup",),
    ),
    "several of one item": (
        facts(Change(1, quantity=3, options=("support",))),
        ("1 seat is now 3 seats", "24-hour support added"),
        ("1 seat to 3 seats, CRM Standard", "Add 24-hour support"),
    ),
    "item removed": (
        facts(Change(2, quantity=0), subscription=two_items(), negative="credit"),
        ("CRM Backup removed",), ("Remove CRM Backup",),
    ),
    "early renewal": (
        facts(Change(1, quantity=1, effective="early_renewal")),
        ("Renewed early", "Next billing date moved from January 1, 2027 to January 1, 2028"),
        ("Renew early", "Next billing date January 1, 2028 instead of January 1, 2027"),
    ),
    "a date without renewals": (
        facts(Change(1, quantity=1, effective="early_renewal"), subscription=lasting(held())),
        ("Renewed early", "Paid through December 31, 2027 instead of December 31, 2026"),
        ("Renew early", "Paid through December 31, 2027 instead of December 31, 2026"),
    ),
}  # fmt: skip


def plain(told: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each.replace("\u00a0", " ") for each in told)


@pytest.mark.parametrize("name", CASES)
def test_each_thing_that_changed_is_said_in_the_past_tense(name: str):
    cart, done, _ = CASES[name]
    assert plain(deeds.made(EN, summary_of(cart))) == done


@pytest.mark.parametrize("name", CASES)
def test_each_thing_that_is_to_change_is_said_as_it_is_meant(name: str):
    cart, _, meant = CASES[name]
    assert plain(deeds.meant(EN, summary_of(cart))) == meant


@pytest.mark.parametrize("name", sorted(changes()))
def test_no_change_of_the_gallery_is_told_vaguely(name: str):
    for tongue in (EN, FR):
        summary = summary_of(changes()[name])
        for told in (deeds.made(tongue, summary), deeds.meant(tongue, summary)):
            assert told, name
            assert not any("abonnement" in each or "subscription" in each for each in told), told


@pytest.mark.parametrize("name", CASES)
def test_what_was_kept_with_an_order_tells_the_same(name: str):
    summary = summary_of(CASES[name][0])
    again = Summary.from_json(json.loads(json.dumps(summary.to_json())))
    assert again == summary


def test_an_order_of_an_earlier_release_tells_what_it_kept():
    stored = summary_of(facts(SEAT)).to_json()
    del stored["changed"]
    assert plain(deeds.made(EN, Summary.from_json(stored))) == ("1 seat is now 2 seats",)


def test_the_confirmation_says_what_is_ready_and_what_is_being_switched_on():
    seat = summary_of(facts(SEAT))
    assert done_line(EN, seat, applied=True) == "1\u00a0seat is now 2\u00a0seats, ready to use"
    assert done_line(EN, seat, applied=False) == "1\u00a0seat to 2\u00a0seats, CRM Standard, being switched on"
    both = done_line(EN, summary_of(CASES["several items"][0]), applied=True)
    assert both.count("<br>") == 1
    assert "Change your" not in both


def test_names_are_escaped_where_lines_are_joined():
    cart = facts(Change(None, product="crm-backup", quantity=1, interval=YEAR))
    summary = summary_of(cart)
    row = replace(summary.changed[0], after="<b>Backup</b>")
    assert "<b>" not in done_line(EN, replace(summary, changed=(row,)), applied=True)
