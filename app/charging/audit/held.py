"""What the gateways hold of our accounts. Each is asked once, under one of its names; one that does not answer is named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

from app.charging.audit.cells import UNREADABLE
from app.charging.audit.rows import Row
from app.charging.gate import Account
from app.charging.slicing import Lists, NotListed, slices
from app.gateways.port import Dispute, DisputeStatus, Gateway, GatewayError, Gateways, Payment, Refund
from app.kit.clock import Clock
from app.models.leases import CLOCKS_DIFFER

T = TypeVar("T")
Place = tuple[str, str, str]
"""Gateway, account by the name under which it was asked, and the object's reference."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class NotRead(Exception):
    """A gateway did not answer, so that what it holds is not known."""


@dataclass
class Held:
    """Payments with the gateway's name; refunds by their payment's place; disputes with gateway and account."""

    payments: list[tuple[str, Payment]] = field(default_factory=list[tuple[str, Payment]])
    refunds: dict[Place, list[Refund]] = field(default_factory=dict[Place, list[Refund]])
    disputes: list[tuple[str, str, Dispute]] = field(default_factory=list[tuple[str, str, Dispute]])
    homes: dict[Account, Account] = field(default_factory=dict[Account, Account])
    """Under which of its names an account was asked, by each name."""
    unread: dict[Account, str] = field(default_factory=dict[Account, str])
    """Why an account could not be asked, by the first of its names."""

    @cached_property
    def by_place(self) -> dict[Place, Payment]:
        return {(name, one.account, one.ref): one for name, one in self.payments}

    @cached_property
    def of_order(self) -> dict[str, list[Payment]]:
        found: defaultdict[str, list[Payment]] = defaultdict(list)
        for _, payment in self.payments:
            found[payment.metadata.order].append(payment)
        return found

    @cached_property
    def lost(self) -> Counter[tuple[str, str]]:
        """By account and payment: what the bank took in disputes."""
        found = Counter[tuple[str, str]]()
        for _, account, one in self.disputes:
            found[account, one.payment] += one.amount if one.status is DisputeStatus.LOST else 0
        return found

    def gone(self, payment: Payment) -> int:
        """What went back of a payment, by refunds or by the bank."""
        return payment.refunded + self.lost[payment.account, payment.ref]

    def home(self, gateway: str, account: str, livemode: bool) -> Account:
        """The account as it was asked."""
        own = Account(gateway, account, livemode)
        return self.homes.get(own, own)

    def place_of(self, attempt: Row) -> Place:
        """Where the payment of an attempt stands."""
        home = self.home(attempt["gateway"], attempt["account"], attempt["livemode"])
        return home.gateway, home.account, attempt["gw_ref"]

    def was_asked(self, attempt: Row) -> bool:
        return self.home(attempt["gateway"], attempt["account"], attempt["livemode"]) not in self.unread

    def missing(self) -> str:
        return "; ".join(f"{each.gateway} {each.account}: {why}" for each, why in self.unread.items())


def ask(
    gateways: Gateways, clock: Clock, accounts: Iterable[tuple[Account, ...]], used: set[Account], books: Iterable[Row]
) -> Held:
    """``accounts``: each with all its names. One that cannot be reached is left out where no attempt was ever made (``used``).

    Three lists for each account, however many payments it has; only what is ours stays in memory.
    """
    held, opened = Held(), _opened(books)
    for names in accounts:
        home = names[0]
        held.homes |= dict.fromkeys(names, home)
        since = min([opened[name] for name in names if name in opened], default=LONG_AGO)
        try:
            gateway = gateways.of(home.gateway, home.account, livemode=home.livemode)
            part = _read(gateway, home, since - CLOCKS_DIFFER, clock)
        except (GatewayError, NotRead) as error:
            if not used.isdisjoint(names):
                held.unread[home] = error.code if isinstance(error, GatewayError) else str(error)
        else:
            held.payments += part.payments
            held.refunds |= part.refunds
            held.disputes += part.disputes
    return held


def _opened(books: Iterable[Row]) -> dict[Account, datetime]:
    """Since when there is a book at each account: nothing of ours is older."""
    found: dict[Account, datetime] = {}
    for book in books:
        name, at = Account(book["gateway"], book["gateway_account"], book["mode"] == "live"), book["created_at"]
        if at is not UNREADABLE:
            found[name] = min(found.get(name, at), at)
    return found


def _read(gateway: Gateway, home: Account, since: datetime, clock: Clock) -> Held:
    """A slice of time after the other. What the merchant sells there otherwise is nobody's business here, and is not kept."""
    held, places = Held(), dict[str, Place]()
    for payment in _listed("payments", gateway.list_payments, gateway, since, clock):
        if payment.metadata.order or payment.metadata.attempt:
            places[payment.ref] = (gateway.name, payment.account, payment.ref)
            held.payments.append((gateway.name, payment))
    for refund in _listed("refunds", gateway.list_refunds, gateway, since, clock):
        if refund.payment in places:
            held.refunds.setdefault(places[refund.payment], []).append(refund)
    disputes = _listed("disputes", gateway.list_disputes, gateway, since, clock)
    held.disputes += [(gateway.name, home.account, one) for one in disputes]
    return held


def _listed(what: str, ask: Lists[T], gateway: Gateway, since: datetime, clock: Clock) -> Iterator[T]:
    try:
        for part in slices(ask, since, None, clock):
            yield from part.listed
    except NotListed as error:
        raise NotRead(f"{what} of {gateway.account}: {error.answer.value}") from None
