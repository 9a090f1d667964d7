"""Every kind of change that the engine prices, as a cart: one entry each, named by the state of the pages' list."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from app.billing.facts import Change, Discount, Interval, Item, Lot, Span, Subscription
from app.billing.outlook import Outlook
from app.billing.rulebook import MinimumCharge, PathFacts, TaxRate
from app.cart.summary import CardBack
from app.cart.views import CartFacts, OfferView, OptionPick, Problems, QuantityChoice
from tests.doors.gallery import CLOSES, PRO, SEAT, YEAR, facts, held, local

MONTH = Interval("month", 1)
THIS_YEAR = Span(local(2026, 1, 1), local(2027, 1, 1))


def team(options: tuple[str, ...] = ("users=5",), features: tuple[Lot, ...] = ()) -> Subscription:
    """CRM Team with 5 users since January 1."""
    lots = (Lot(1, "crm-team", 1, 24000), Lot(2, "users", 5, 2400, "option", "subscription"), *features)
    return Subscription("USD", (Item(1, "crm-team", YEAR, THIS_YEAR, 1, lots, options),))


def pro_by_month() -> Subscription:
    july = Span(local(2026, 6, 15), local(2026, 7, 15))
    return Subscription("USD", (Item(1, "crm-pro", MONTH, july, 15, (Lot(1, "crm-pro", 1, 1000),)),))


def pro() -> Subscription:
    return Subscription("USD", (Item(1, "crm-pro", YEAR, THIS_YEAR, 1, (Lot(1, "crm-pro", 1, 10000),)),))


def two_items() -> Subscription:
    backup = Item(2, "crm-backup", YEAR, THIS_YEAR, 1, (Lot(1, "crm-backup", 1, 1800),))
    return Subscription("USD", (*held().items, backup))


def apart() -> Subscription:
    """A seat until January 1 and a backup until April 1."""
    seat, backup = two_items().items
    return Subscription("USD", (seat, replace(backup, period=Span(local(2026, 4, 1), local(2027, 4, 1)))))


def with_balance(subscription: Subscription, balance: int) -> Subscription:
    return replace(subscription, balance=balance)


DOWN = Change(1, product="crm-seat", quantity=1, effective="next_billing")


PICKS = (
    OptionPick("support", "24-hour support", 1, 1200, YEAR, removable=False),
    OptionPick("esign", "E-signature", 0, 600, YEAR),
    OptionPick("users", "Users", 7, 2400, YEAR, smallest=5, largest=20),
)
DATES = (Outlook(date(2026, 7, 1), 500), Outlook(date(2026, 10, 1), 250), Outlook(date(2027, 1, 1), 0))


def _choosing() -> CartFacts:
    return facts(
        Change(1, quantity=2, options=("support",)),
        offer=OfferView("LK-58T2-9QKD", CLOSES, QuantityChoice(2, 1, 50), (*PICKS[:2], PICKS[2])),
    )


def problems() -> dict[str, tuple[CartFacts, Problems]]:
    """What was picked, and will not do."""
    typed = {"esign": "1", "users": "3"}
    return {
        "S-2-options": (_choosing(), Problems(options_wrong=True, options_typed=typed)),
        "S-2-options-same": (
            _choosing(),
            Problems(options_wrong=True, options_typed=typed, options_reason="same_target"),
        ),
        "S-3-options": (_choosing(), Problems(options_gone=True)),
    }


def given_back(cart: CartFacts) -> CartFacts:
    """The same credit under the rule that gives it back: to two cards, of which one paid most of it."""
    owed = cart.quote.credited
    parts = (CardBack("visa", "4242", owed - 100), CardBack("mastercard", "5454", 100))
    return replace(cart, quote=cart.quote._replace(credited=0, refunded=owed), gives_back=parts)


def changes() -> dict[str, CartFacts]:
    vat = TaxRate(200_000, True, "Deutschland")
    small = {"minimum_charge": MinimumCharge(5000, "waive")}
    later = {"minimum_charge": MinimumCharge(5000, "defer")}
    two_rates = {"taxes": {"crm-backup": TaxRate(50_000, False, "Books")}}
    reduced = TaxRate(55_000, True, "Livres")
    two = (SEAT, Change(2, quantity=2))
    return {
        "S-1d-options": _choosing(),
        "S-1-best-dates": facts(SEAT, best_dates=DATES),
        "S-1b-month-to-year": facts(Change(1, interval=YEAR, alignment="reset"), subscription=pro_by_month()),
        "S-1c-scale": facts(Change(1, options=("users=7",)), subscription=team()),
        "S-1c-fewer": facts(Change(1, options=()), subscription=held(("support",)), negative="credit"),
        "S-1c-features": facts(Change(1, features=(("esign", 50), ("sso", 1))), subscription=team()),
        "S-1c-once": facts(Change(1, features=(("sms", 200),)), subscription=team()),
        "S-1e-extend": facts(replace(SEAT, alignment="extend_existing")),
        "S-1e-keep-day": facts(Change(1, interval=MONTH, alignment="keep_day"), subscription=pro(), negative="credit"),
        "S-1e-early": facts(Change(1, quantity=1, effective="early_renewal")),
        "S-1e-early-plan": facts(replace(PRO, options=(), effective="early_renewal")),
        "S-1f-scheduled-up": facts(replace(SEAT, effective="next_billing")),
        "S-1f-scheduled-down": facts(DOWN, subscription=pro()),
        "S-1f-trial": facts(
            Change(1, quantity=2), subscription=replace(held(), status="trialing"), rules={"path": PathFacts(trial="keep_trial")},
        ),
        "S-1g-credit": facts(Change(1, quantity=1, product="crm-seat"), subscription=pro(), negative="credit"),
        "S-1g-refund": given_back(facts(Change(1, quantity=1, product="crm-seat"), subscription=pro(), negative="credit")),
        "S-1g-refund-rises": given_back(
            facts(Change(1, interval=MONTH, alignment="reset"), subscription=pro(), negative="credit")
        ),
        "S-1g-balance": facts(SEAT, subscription=with_balance(held(), 200)),
        "S-1g-balance-all": facts(SEAT, subscription=with_balance(held(), 2000)),
        "S-1g-waived": facts(SEAT, rules=small),
        "S-1g-deferred": facts(SEAT, rules=later),
        "S-1h-plan": facts(replace(PRO, options=()), tax=vat),
        "S-1-several": facts(two, subscription=two_items()),
        "S-1-several-taxes": facts(two, subscription=two_items(), tax=TaxRate(80_000, False, "Texas"), rules=two_rates),
        "S-1h-several-taxes": facts(two, subscription=two_items(), tax=vat, rules={"taxes": {"crm-backup": reduced}}),
        "S-1-apart": facts(two, subscription=apart()),
        "S-1g-deferred-once": facts(Change(1, features=(("sms", 200),)), subscription=team(), rules=later),
        "S-1-new-item": facts(Change(None, product="crm-backup", quantity=1, interval=YEAR)),
        "S-1-remove-item": facts(Change(2, quantity=0), subscription=two_items(), negative="credit"),
        "S-1-fixed": facts(replace(PRO, options=(), price_rule="fixed", fixed=500)),
        "S-1-difference": facts(replace(PRO, options=(), price_rule="difference")),
        "S-1-discount-once": facts(replace(PRO, options=(), discount=Discount(percent=200_000))),
        "S-1-discount-ends": facts(
            Change(1, quantity=2, discount=Discount(percent=250_000, scope="periods", periods=4))
        ),
        "S-1-discount-later": facts(
            Change(1, quantity=2, effective="next_billing", discount=Discount(amount=1000, scope="periods", periods=2))
        ),
    }  # fmt: skip
