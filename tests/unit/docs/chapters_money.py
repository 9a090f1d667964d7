"""The chapters about money: prices, discounts, what was paid, tax, and what is left to pay."""

from __future__ import annotations

from tests.unit.docs.chapters_time import REFERENCE, SECOND_SEAT, plan
from tests.unit.docs.render import comparison, example
from tests.unit.docs.stories import PLANS, SEAT, Case, case, held, month


def price_rules() -> str:
    rules = ("prorated_difference", "list", {"fixed": "5.00"}, "difference")
    cases = {
        f"`{rule}`" if isinstance(rule, str) else "`fixed` 5.00": plan(change={"product": "pro", "price_rule": rule})
        for rule in rules
    }
    own = plan(change={"product": "pro", "unit_price": "24.00"})
    return f"""## What the new part costs: the price rule

Stands at the upgrade path, or in the offer.

- `prorated_difference` (default): the new price for the rest less the unused part of what was paid.
- `list`: the new price for the rest, nothing credited.
- `fixed`: this amount today, whatever time is left; nothing prorated, nothing credited.
- `difference`: the new price of a full period less the old one, in full, never below zero.

The renewal is always the price of what is held then.

{comparison("price rule", cases)}

A price in the offer replaces the list price, for today and for every renewal:

{example(own)}"""


def discounts() -> str:
    offs: dict[str, Case] = {
        "no discount": {},
        "20 %, `once`": {"percent": "20"},
        "20 %, `forever`": {"percent": "20", "scope": "forever"},
        "20 %, 3 periods": {"percent": "20", "scope": {"periods": 3}},
        "5.00, `once`": {"amount": "5.00"},
        "5.00, `forever`": {"amount": "5.00", "scope": "forever"},
        "5.00, 3 periods": {"amount": "5.00", "scope": {"periods": 3}},
        "unit price 18.00, `once`": {"unit_price": "18.00"},
        "unit price 18.00, `forever`": {"unit_price": "18.00", "scope": "forever"},
    }
    cases = {name: plan(change={"product": "pro", "discount": off or None}) for name, off in offs.items()}
    cap = plan("2026-04-28", change={"product": "pro", "discount": {"amount": "5.00"}})
    later = {
        name: plan(change={"product": "pro", "effective": "next_billing", "discount": {"percent": "20", "scope": scope}})
        for name, scope in {
            "20 %, `once`": "once", "20 %, 1 period": {"periods": 1}, "20 %, 3 periods": {"periods": 3},
            "20 %, `forever`": "forever",
        }.items()
    }  # fmt: skip
    return f"""## Discounts and how long they last

A percentage, an amount (per item) or a unit price, with a scope: `once` (default: today's charge only), `forever`, or a number of
periods, of which today's charge is the first. A percentage is taken from the exact charge and rounded by itself. An amount with
`once` comes off today's charge as it is; with another scope it comes off the price of a full period and is prorated with it.

{comparison("discount", cases)}

A discount never exceeds its line:

{example(cap)}

At the `next_billing`, and in a trial that goes on, nothing is charged today; the period that runs today is the first all the same.
So `once` and one period take nothing off, which is refused as `coupon_not_applicable`; with `n` periods the next `n` − 1 renewals
are discounted, as they would be after a charge today:

{comparison("discount at the next billing", later)}"""


def lots() -> str:
    ending = held(lots=((1, "40.00", {"discount": {"percent": "25", "periods_left": 2}}),))
    again = case("2026-07-01", ending, {"product": "crm-seat", "quantity": 2, "unit_price": "40.00"}, catalog=SEAT)
    fewer = case(
        "2026-07-01", held(lots=((1, "40.00"), (2, "10.00"))), {"product": "crm-seat", "quantity": 2}, catalog=SEAT,
        policy={"negative": "credit"},
    )  # fmt: skip
    full = case(
        "2026-07-01", ending, {"product": "crm-seat", "quantity": 2, "unit_price": "10.00", "alignment": "reset"},
        catalog=SEAT, policy={"negative": "credit"},
    )  # fmt: skip
    return f"""## Seats at different prices: lots

What was bought at one price stays together as a lot: the first seat at 40.00, later ones at 10.00. An item renews at the sum of
its lots. Fewer seats: the newest lots go first, and what was paid for them is credited.

{example(fewer)}

A lot may have a discount that ends. It goes on when others are added; what it has left is counted in periods:

{example(again)}

A full new period uses one of them up:

{example(full)}"""


def ledger() -> str:
    first = plan("2026-04-11")
    rows = [
        {"lot": 1, "start": "2026-04-11T00:00:00Z", "end": "2026-05-01T00:00:00Z", "amount": "20.00"},
    ]
    second = case(
        "2026-04-21",
        held("pro", "2026-04-01", "2026-05-01", "1month", ((1, "30.00"),), entitlements=rows),
        {"product": "team", "unit_price": "60.00"},
        catalog=PLANS,
    )
    gift = [{"start": "2026-04-01T00:00:00Z", "end": "2026-05-01T00:00:00Z", "amount": "6.00"}]
    paid_less = plan(item=month(entitlements=gift))
    return f"""## What is credited: the unused part of what was really paid

Credit is never a part of a list price or of the last charge: every payment is kept with the days it was for, and its unused part
is what comes back. Whoever paid less gets less:

{example(paid_less)}

A second change in one period, after the one from Basic to Pro on {first["at"][:10]}: the credit is the unused part of what that change
charged for the rest of the month, so that a customer never pays twice for a day.

{example(second)}"""


def tax() -> str:
    rate = {"percent": "20", "label": "VAT"}
    cases = {
        "none": plan(),
        "20 %, added": plan(tax=rate),
        "20 %, contained": plan(tax={**rate, "inclusive": True}),
    }
    down = case("2026-04-11", month("pro", "30.00"), {"product": "basic"}, catalog=PLANS, tax=rate,
                policy={"negative": "zero"})  # fmt: skip
    books = case(
        "2026-04-11",
        [month(), month("book", "9.00")],
        [{"item": 1, "product": "pro"}, {"item": 2, "product": "book", "quantity": 3}],
        catalog={**PLANS, "book": {"name": "Book", "prices": {"1month": "9.00"}}},
        tax={"percent": "20", "label": "VAT", "products": {"book": {"percent": "5", "label": "VAT, reduced"}}},
    )
    return f"""## Tax

One rate per country and product class, valid from a day to a day, from the merchant's own table, chosen by the billing country. Where
the table has none, the rate is 0 and the quote says so. Tax is computed once on the sum, not line by line. Prices without tax: a
tax line is added, and the renewal's tax is stated beside its amount. Prices with tax: it is reported as contained.

{comparison("tax", cases)}

A sum below zero carries tax below zero, at the same rate:

{example(down)}

Products of other classes are taxed at their own rate, each rate once on its sum:

{example(books)}"""


def negative() -> str:
    cases = {
        f"`{name}`": case(
            "2026-04-11", month("pro", "30.00"), {"product": "basic"}, catalog=PLANS, policy={"negative": name}
        )
        for name in ("refuse", "zero", "credit", "refund")
    }
    cases["`refund`, 10.00 refundable"] = {**cases["`refund`"], "refundable": "10.00"}
    return f"""## When the credit is larger: `negative`

- `refuse` (default): the change is not offered for today. The way on is `next_billing`.
- `zero`: nothing is due; the negative figure is reported and lapses.
- `credit`: nothing is due, the difference goes to the customer's balance.
- `refund`: paid back to the cards that paid for this subscription, newest payment first, the rest to the balance.
  A case says with `"refundable": "20.00"` what those payments still hold; left out, they hold enough.

{comparison("negative", cases)}"""


def balance() -> str:
    cases = {f"balance {amount}": plan(balance=amount) for amount in ("0.00", "4.00", "475.81", "-8.00")}
    return f"""## The customer's balance

Used before a card is charged, after tax. A balance below zero is a debt that a change never collects.

{comparison("balance", cases)}"""


def minimum() -> str:
    small = case("2018-12-31", REFERENCE, SECOND_SEAT, catalog=SEAT, policy={"basis": "day"})
    cases = {
        f"`{below}`": {**small, "policy": {"basis": "day", "minimum_charge": {"amount": "0.50", "below": below}}}
        for below in ("charge", "waive", "defer")
    }
    last = plan(
        balance="19.50", tax={"percent": "50", "label": "Tax"},
        policy={"minimum_charge": {"amount": "1.00", "below": "waive"}}, change={"product": "pro", "unit_price": "29.80"},
    )  # fmt: skip
    return f"""## Amounts too small to charge: `minimum_charge`

An amount above nothing and below the minimum is charged all the same (`charge`), given away (`waive`), or collected with the next
renewal (`defer`; it is not part of the renewal's own price, which the quote states apart).

{comparison("below 0.50", cases)}

The whole order of application in one case: lines, then tax, then (if below zero) `negative`, then the balance, then the minimum.

{example(last)}"""
