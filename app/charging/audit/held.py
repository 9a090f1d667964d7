"""What the gateways hold of our accounts. Each is asked once, under one of its names; one that does not answer is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from app.charging.audit.cells import UNREADABLE
from app.charging.audit.rows import Row
from app.charging.gate import Account
from app.gateways.port import AnswerKind, Dispute, Gateway, GatewayError, Gateways, Payment, Refund
from app.models.leases import CLOCKS_DIFFER

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


def ask(gateways: Gateways, accounts: Iterable[tuple[Account, ...]], used: set[Account], books: Iterable[Row]) -> Held:
    """``accounts``: each with all its names. One that cannot be reached is left out where no attempt was ever made (``used``).

    Three lists for each account, however many payments it has.
    """
    held, opened = Held(), _opened(books)
    for names in accounts:
        home = names[0]
        held.homes |= dict.fromkeys(names, home)
        since = min([opened[name] for name in names if name in opened], default=LONG_AGO)
        try:
            gateway = gateways.of(home.gateway, home.account, livemode=home.livemode)
            part = _read(gateway, home, since - CLOCKS_DIFFER)
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


def _read(gateway: Gateway, home: Account, since: datetime) -> Held:
    held = Held(payments=[(gateway.name, payment) for payment in _payments(gateway, since)])
    places = {payment.ref: (gateway.name, payment.account, payment.ref) for _, payment in held.payments}
    for refund in _value(gateway.list_refunds(since=since), f"refunds of {gateway.account}"):
        if refund.payment in places:  # others are of payments that are older than our books
            held.refunds.setdefault(places[refund.payment], []).append(refund)
    disputes = _value(gateway.list_disputes(since=since), f"disputes of {gateway.account}")
    held.disputes += [(gateway.name, home.account, one) for one in disputes]
    return held


def _payments(gateway: Gateway, since: datetime) -> Iterator[Payment]:
    """Page by page by time, until a page shows nothing new: a gateway may answer with a part at once."""
    seen: set[str] = set()
    while True:
        page = _value(gateway.list_payments(since=since), f"payments of {gateway.account}")
        new = [one for one in page if one.ref not in seen]
        yield from new
        seen |= {one.ref for one in new}
        times = [one.created_at for one in new if one.created_at is not None]
        if not times or max(times) <= since:
            return
        since = max(times)


def _value(reply: Any, what: str) -> Any:
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        raise NotRead(f"{what}: {reply.detail or reply.kind.value}")
    return reply.value
