"""How the past of a subscription is told: changes in words, orders, what was paid for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from app.billing.schedule import local_day, zone_of
from app.billing.wording import english_day, english_money, english_span
from app.cli.commands.common import print_table, say, shown
from app.cli.commands.subscription_past import items_from
from app.cli.commands.subscription_quote import row
from app.cli.commands.subscription_show import item_sentences
from app.kit.money import format_minor

if TYPE_CHECKING:
    from app.billing.facts import Item
    from app.cli.commands.subscription_past import Happened, Past
    from app.subscriptions.facts import Held

CAUSES = {
    "import": "imported",
    "order": "changed",
    "schedule": "a change was scheduled",
    "undo": "the scheduled change was undone",
    "renewal": "renewed",
    "refund": "money was given back; the plan stayed",
}
BEFORE_AFTER = {"schedule": ("now", "then"), "undo": ("was to be", "stays")}
OUTCOMES = {
    "nocharge": "nothing was due", "paid": "paid", "pending": "not settled yet", "registered": "scheduled",
    "due": "to be paid by invoice", "failed": "ended without money",
}  # fmt: skip


def print_history(held: Held, found: Past) -> None:
    currency, zone = held.facts.currency, zone_of(held.book.timezone)
    say(f"{held.reference}, {held.customer.name or held.customer.email}: newest first")
    for each in found.changes:
        say()
        row(f"Version {each.version}, {shown(each.at)}: {CAUSES.get(each.cause, each.cause)}{_by(each.who)}", indent=0)
        for sentence in difference(each, currency, zone):
            row(sentence)
    _print_scheduled(found)
    _print_orders(found)
    if found.ledger is not None:
        say()
        say("Ledger: what was paid for, newest first (a credit is a negative row)")
        print_table(
            ["item", "lot", "from", "to", "amount", "order", "line"],
            [(each.item, each.lot, english_day(local_day(each.span_start, zone)), english_day(local_day(each.span_end, zone)),
              format_minor(each.amount, currency), each.number or "", each.line) for each in found.ledger],
        )  # fmt: skip


def _by(who: str) -> str:
    return f" by {who}" if who and who != "import" else ""


def difference(each: Happened, currency: str, zone: tzinfo) -> Iterator[str]:
    """What became different, before and after in words; what was imported is told as it came."""
    before = {item.running_number: item for item in items_from(each.before.get("items", []))}
    after = {item.running_number: item for item in items_from(each.after.get("items", []))}
    due = each.after.get("due_on")
    if due is not None:
        yield f"From {english_day(date.fromisoformat(due))} on:"
    for number in sorted({*before, *after}):
        was, now = before.get(number), after.get(number)
        if was is None and now is not None:
            yield from (f"new: {text}" for text in item_sentences((now,), currency))
        elif now is None and was is not None:
            yield from (f"gone: {text}" for text in item_sentences((was,), currency))
        elif was is not None and now is not None and was != now:
            yield from _moved(was, now, currency, zone, *BEFORE_AFTER.get(each.cause, ("before", "after")))


def _moved(was: Item, now: Item, currency: str, zone: tzinfo, first: str, second: str) -> Iterator[str]:
    old, new = (next(item_sentences((item,), currency)) for item in (was, now))
    if old != new:
        yield f"{first}: {old}"
        yield f"{second}: {new}"
    if was.period != now.period:
        yield f"period: {_span(was, zone)}, now {_span(now, zone)}"


def _span(item: Item, zone: tzinfo) -> str:
    """Both days belong to it."""
    return english_span(local_day(item.period.start, zone), local_day(item.period.end, zone) - timedelta(1))


def _print_scheduled(found: Past) -> None:
    if not found.scheduled:
        return
    say()
    say("Scheduled changes")
    for each in found.scheduled:
        ended = f", {each.state.lower()} {shown(each.ended_at)}" if each.ended_at else ", waiting"
        row(f"for {english_day(date.fromisoformat(each.due_on))}, asked for {shown(each.created_at)}{ended}")


def _print_orders(found: Past) -> None:
    if not found.orders:
        return
    say()
    say("Orders")
    undone = {each.order_id for each in found.scheduled if each.state == "UNDONE"}
    for each in found.orders:
        outcome = "scheduled, then undone" if each.id in undone else OUTCOMES.get(each.outcome, each.outcome)
        declined = f" (declined: {found.declines[each.id]})" if each.id in found.declines else ""
        how = "link" if each.link_jti else each.source
        row(
            f"{each.number}, {shown(each.created_at)}, {how}: {outcome}{declined}",
            english_money(each.total, each.currency),
        )


def history_facts(held: Held, found: Past) -> dict[str, Any]:
    currency, zone = held.facts.currency, zone_of(held.book.timezone)
    facts: dict[str, Any] = {
        "subscription": held.reference,
        "changes": [
            {"version": each.version, "at": each.at, "cause": each.cause, "who": each.who, "order": each.order,
             "words": list(difference(each, currency, zone)), "before": each.before, "after": each.after}
            for each in found.changes
        ],
        "scheduled": [
            {"on": each.due_on, "state": each.state, "order": each.order_id, "asked_at": each.created_at,
             "ended_at": each.ended_at} for each in found.scheduled
        ],
        "orders": [
            {"id": each.id, "number": each.number, "source": each.source, "link": each.link_jti, "state": each.state,
             "outcome": each.outcome, "total": format_minor(each.total, each.currency), "currency": each.currency,
             "created_at": each.created_at, "paid_at": each.paid_at, "declined": found.declines.get(each.id)}
            for each in found.orders
        ],
    }  # fmt: skip
    if found.ledger is not None:
        facts["ledger"] = [
            {"item": each.item, "lot": each.lot, "start": each.span_start, "end": each.span_end,
             "amount": format_minor(each.amount, currency), "order": each.order_id, "line": each.line}
            for each in found.ledger
        ]  # fmt: skip
    return facts
