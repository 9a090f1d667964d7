"""Every subscription stands as its history says, and its history is that of what was imported, bought, given back and undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.billing.codec import dump_items, load_quote, load_rows
from app.billing.facts import Entitlement
from app.charging.audit.findings import PlanCheck, Seen, judged
from app.charging.audit.plans import PlanPage, name_of
from app.charging.audit.rows import Row
from app.subscriptions.stored import history

_BUYS = ("order", "schedule")
"""Causes of a change that an order was paid for."""


def history_is_whole(page: PlanPage) -> Seen:
    """A row for every version, up to the one that stands; each that names an order names one that was paid."""
    for one in page.subscriptions:
        changes, orders = page.changes[one["id"]], {row["id"] for row in page.orders[one["id"]]}
        versions = [row["version"] for row in changes]
        first = versions[0] if versions else one["version"] + 1
        wrong = first > 2 or versions != list(range(first, one["version"] + 1))
        what = f"is at version {one['version']}, its history has {versions}"
        for row in changes:
            named = row["order_id"]
            if not wrong and named is not None and named not in orders:
                wrong, what = (
                    True,
                    f"is at version {row['version']} by order {named}, which was not paid or is not there",
                )
        yield judged(name_of(one), wrong, what)


def orders_are_in_the_history(page: PlanPage) -> Seen:
    """What was paid for was done, once, to the version it was quoted for, and is what was quoted."""
    for one in page.subscriptions:
        bought: dict[str, list[Row]] = {}
        for row in page.changes[one["id"]]:
            if row["cause"] in _BUYS:
                bought.setdefault(row["order_id"], []).append(row)
        for order in page.orders[one["id"]]:
            done, quote = bought.get(order["id"], []), load_quote(order["quote"])
            wrong = [row["version"] for row in done] != [order["subscription_version"] + 1]
            wrong = wrong or _plan(done[0]["after"]["items"]) != _plan(history(quote.after))
            yield judged(f"order {order['id']}", wrong, f"is not in the history of {name_of(one)} as it was quoted")
            theirs = order["customer_id"] == one["customer_id"]
            yield judged(f"order {order['id']}", not theirs, f"is of another customer than {name_of(one)}")


def stands_as_its_history_says(page: PlanPage) -> Seen:
    """Each change begins with what the one before left, and the last one left what stands now."""
    for one in page.subscriptions:
        plan, wrong = None, ""
        for row in page.changes[one["id"]]:
            begins = _plan(row["before"].get("items", []))
            if plan is not None and row["cause"] != "undo" and begins != plan:
                wrong = wrong or f"was changed between its versions {row['version'] - 1} and {row['version']}"
            plan = begins if row["cause"] == "schedule" else _plan(row["after"]["items"])
        held = _plan([_held(item, page.lots[item["id"]]) for item in page.items[one["id"]]])
        if plan is not None and held != plan:
            wrong = wrong or f"is not what its history left at version {one['version']}: {_difference(plan, held)}"
        yield judged(name_of(one), wrong or _wrong_status(one, page.changes[one["id"]]))


def _wrong_status(one: Row, changes: list[Row]) -> str:
    said = next((row["after"].get("status") for row in changes if row["cause"] == "import"), None)
    ended = said == "trialing" and any(row["cause"] == "order" for row in changes)
    fits = one["status"] == said or (ended and one["status"] == "active")
    return "" if said is None or fits else f"is {one['status']}, it was imported as {said} and nothing changed that"


def _held(item: Row, lots: list[Row]) -> dict[str, Any]:
    return {
        **{name: item[name] for name in ("running_number", "product", "options", "interval", "anchor_day")},
        "period": [item["period_start"].isoformat(), item["period_end"].isoformat()],
        "lots": [
            {"number": lot["position"], **{name: lot[name] for name in ("code", "quantity", "unit_price")}, **lot["facts"]}
            for lot in lots
        ],
    }  # fmt: skip


def _plan(items: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """By running number; instants as such, whatever the zone they were written in."""
    return {
        item["running_number"]: {**item, "period": [datetime.fromisoformat(each) for each in item["period"]]}
        for item in items
    }


def _difference(plan: dict[int, dict[str, Any]], held: dict[int, dict[str, Any]]) -> str:
    for number in sorted({*plan, *held}):
        said, has = plan.get(number), held.get(number)
        if said is None or has is None:
            return f"item {number} is {'not there' if has is None else 'new'}"
        for name in said:
            if said[name] != has.get(name):
                return f"{name} of item {number}"
    return "nothing"


def ledger_is_explained(page: PlanPage) -> Seen:
    """Every row is of an import, an order's quote or the takes of a refund or a lost dispute, and each of those has its row."""
    for one in page.subscriptions:
        owed, whole = Counter(_owed(page, one["id"])), _imported(page.changes[one["id"]])
        owed.update(_key(row, None) for row in whole or ())
        for row in page.entitlements[one["id"]]:
            key = (row["item"], row["lot"], row["span_start"], row["span_end"], row["amount"], row["order_id"])
            known = owed[key] > 0
            owed[key] -= known
            # What a subscription began with is not known where it was not imported.
            wrong = not known and (whole is not None or row["order_id"] is not None)
            yield judged(
                f"entitlement {row['id']}", wrong, f"of {name_of(one)} is of no import, order, refund or dispute"
            )
        for key, count in owed.items():
            what = f"lacks {key[4]} in the ledger for lot {key[1]} of item {key[0]}"
            yield judged(name_of(one), count > 0, f"{what}, order {key[5]}" if key[5] else what)


def _owed(page: PlanPage, subscription: int) -> Iterator[tuple[Any, ...]]:
    for order in page.orders[subscription]:
        quote = load_quote(order["quote"])
        if quote.effective != "next_billing":
            yield from [_key(row, order["id"]) for row in quote.entitlements]
            yield from [_key(row, None) for row in quote.unpaid]
        for refund in page.refunds[order["id"]]:
            for take in load_rows(refund["takes"]):
                yield _key(take, None)
                if refund["state"] == "FAILED":
                    yield _key(take._replace(amount=-take.amount), None)
        for dispute in page.disputes[order["id"]]:
            yield from [_key(take, None) for take in load_rows(dispute["takes"] or [])]


def _key(row: Entitlement, order: str | None) -> tuple[Any, ...]:
    return row.item, row.lot, row.start, row.end, row.amount, order


def _imported(changes: list[Row]) -> list[Entitlement] | None:
    said = next((row["after"].get("paid") for row in changes if row["cause"] == "import"), None)
    if said is None:
        return None
    return [
        Entitlement(item, lot, datetime.fromisoformat(start), datetime.fromisoformat(end), amount)
        for item, lot, start, end, amount in said
    ]


def what_waits_was_bought(page: PlanPage) -> Seen:
    """Each order for the next billing date has its scheduled change, and each such change its order."""
    for one in page.subscriptions:
        waits = {row["order_id"]: row for row in page.scheduled[one["id"]]}
        undone = {row["order_id"] for row in page.changes[one["id"]] if row["cause"] == "undo"}
        for order in page.orders[one["id"]]:
            quote, row = load_quote(order["quote"]), waits.pop(order["id"], None)
            registered = quote.effective == "next_billing"
            wrong = "" if registered == (row is not None) else f"has {'no' if row is None else 'a'} scheduled change"
            if row is not None and registered:
                wrong = "waits for something else than was quoted" if row["after"] != dump_items(quote.after) else ""
                if (row["state"] == "UNDONE") != (order["id"] in undone):
                    wrong = wrong or f"has a scheduled change that is {row['state']}, its history says otherwise"
            yield judged(f"order {order['id']}", wrong)
        for row in waits.values():
            yield judged(f"scheduled change {row['id']}", f"is of order {row['order_id']}, which was not paid for it")


def what_was_put_off_is_owed(page: PlanPage) -> Seen:
    """What orders put off to the next renewal, less what later ones relieved."""
    for one in page.subscriptions:
        quotes = {order["id"]: load_quote(order["quote"]) for order in page.orders[one["id"]]}
        for row in page.deferrals[one["id"]]:
            quote = quotes.get(row["order_id"])
            most = 0 if quote is None else quote.deferred
            same = quote is not None and row["currency"] == quote.currency
            yield judged(
                f"deferral of order {row['order_id']}", row["amount"] > most or not same,
                f"puts off {row['amount']}, its order {most}",
            )  # fmt: skip
        has = sum([row["amount"] for row in page.deferrals[one["id"]]])
        owed = sum([quote.deferred - quote.relieved for quote in quotes.values()])
        yield judged(name_of(one), has != owed, f"has {has} put off, its orders say {owed}")


CHECKS = (
    PlanCheck("plan", "a history without gaps, of orders that were paid", history_is_whole),
    PlanCheck("plan", "what was paid for was done as it was quoted", orders_are_in_the_history),
    PlanCheck("plan", "subscriptions stand as their history says", stands_as_its_history_says),
    PlanCheck("ledger", "every row of what was paid for comes from somewhere", ledger_is_explained),
    PlanCheck("plan", "what waits for the next billing was bought", what_waits_was_bought),
    PlanCheck("ledger", "what was put off is owed", what_was_put_off_is_owed),
)
