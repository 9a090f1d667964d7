"""Rows that hold what cannot be read: each is named by itself, whatever else can be said of its order."""

from __future__ import annotations

from collections.abc import Iterable

from app.charging.audit.cells import unreadable_in
from app.charging.audit.findings import Check, PlanCheck, Seen, WholeCheck, judged
from app.charging.audit.plans import PlanPage, name_of
from app.charging.audit.rows import Row
from app.charging.audit.scene import Page, Scene


def of_orders(page: Page) -> Seen:
    rows = page.rows
    for kind, found, key in (
        ("order", rows.orders, "id"), ("attempt", rows.attempts, "id"), ("refund", rows.refunds, "id"),
        ("consent of attempt", rows.consents, "attempt_id"), ("outbox", rows.outbox, "id"),
    ):  # fmt: skip
        for row in found:
            yield judged(f"{kind} {row[key]}", _said(row))


def of_subscriptions(page: PlanPage) -> Seen:
    for one in page.subscriptions:
        items = page.items[one["id"]]
        yield judged(name_of(one), _said(one) or _first(items) or _first(page.changes[one["id"]]))
        lots = [lot for item in items for lot in page.lots[item["id"]]]
        yield judged(name_of(one), _first(lots) or _first(page.scheduled[one["id"]]))


def of_the_rest(scene: Scene) -> Seen:
    for row in scene.books.values():
        yield judged(f"book {row['id']}", _said(row))
    for row in scene.orphans:
        yield judged(f"orphan {row['gw_ref']} of {row['gateway']}", _said(row))


def _first(rows: Iterable[Row]) -> str:
    return next((said for row in rows if (said := _said(row))), "")


def _said(row: Row) -> str:
    names = unreadable_in({str(name): value for name, value in row.items()})
    return f"{', '.join(names)} cannot be read" if names else ""


CHECKS = (
    Check("I42", "every row of an order can be read", of_orders),
    PlanCheck("I42", "every row of a subscription can be read", of_subscriptions),
    WholeCheck("I42", "so can books and orphans", of_the_rest),
)
