"""What ``subscription show`` tells beside the stored facts: the renewal as it stands and the ledger in sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from app.billing.measures import measure_of
from app.billing.renewals import renewal_of
from app.billing.rounding import ROUNDINGS
from app.billing.schedule import local_day, zone_of
from app.models.base import whole_sum
from app.models.subscriptions import Entitlement
from app.subscriptions.pricing import policy_for

if TYPE_CHECKING:
    from app.billing.result import Renewal
    from app.billing.rulebook import Policy
    from app.subscriptions.facts import Held


@dataclass(frozen=True, slots=True)
class LedgerSum:
    """The ledger's rows of one item: how many, the span they cover, what they come to in minor units."""

    item: int
    rows: int
    start: date
    end: date
    paid: int
    credited: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription as it stands at an instant."""

    held: Held
    at: datetime
    policy: Policy
    renewal: Renewal
    ledger: tuple[LedgerSum, ...]


def standing(connection: Connection, held: Held, at: datetime) -> Standing:
    """The subscription with its renewal line by line and its ledger item by item."""
    policy = policy_for(connection, held, (), at)
    measure = measure_of(policy.basis, policy.timezone)
    facts = held.facts
    renewal = renewal_of(facts, facts.items, policy, measure, ROUNDINGS[policy.rounding], set())
    return Standing(held, at, policy, renewal, _ledger(connection, held))


def _ledger(connection: Connection, held: Held) -> tuple[LedgerSum, ...]:
    paid = whole_sum(Entitlement.amount, Entitlement.amount > 0)
    credited = whole_sum(Entitlement.amount, Entitlement.amount < 0)
    rows = connection.execute(
        select(
            Entitlement.item, func.count(), func.min(Entitlement.span_start), func.max(Entitlement.span_end),
            func.coalesce(paid, 0), func.coalesce(credited, 0),
        )
        .where(Entitlement.book_id == held.book.id, Entitlement.subscription_id == held.id)
        .group_by(Entitlement.item)
        .order_by(Entitlement.item)
    )  # fmt: skip
    zone = zone_of(held.book.timezone)
    return tuple(
        LedgerSum(item, count, local_day(start, zone), local_day(end, zone), int(plus), int(minus))
        for item, count, start, end, plus, minus in rows
    )
