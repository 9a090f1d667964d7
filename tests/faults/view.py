"""What is judged, read once: the database's rows and the gateway's ledger; and how often each promise had something to judge."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.banks import Bank, Contested, GivenBack, Object, Request
from tests.faults.databases import Database

CLOSED = {"DECLINED", "CANCELLED"}
FINAL = CLOSED | {"SUCCEEDED"}
PAID = {"PAID", "PART_REFUNDED", "REFUNDED", "DISPUTED", "LOST"}
INVARIANTS = (
    "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "I11", "I12", "I13", "I15", "I17", "I18", "I20", "I22", "I25",
    "I42", "I43", "I44", "I47",
)  # fmt: skip
APART = ("I49",)
"""Judged in the acts that restore an older copy, and counted there."""


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


@dataclass
class Around:
    """What the driver did that neither rows nor ledger tell."""

    by_hand: set[str] = field(default_factory=set)
    """Payments made at the gateway by somebody else, under our marks."""
    shown: dict[str, str] = field(default_factory=dict)
    """By the name of the quote that came with a press: the text of its page."""
    lost: set[str] = field(default_factory=set)
    """Attempts that an older copy of the database no longer has, or that somebody else's payments name."""
    storage: bool = False
    """The database could not be written for a while."""
    silences: list[tuple[str, int, int]] = field(default_factory=list)
    """Why not a row could be written, how many calls the gateway had at its beginning, and how many at its end."""


@dataclass
class View:
    """Everything that is judged. ``checked`` counts, by invariant, what there really was to compare."""

    orders: dict[str, dict[str, Any]]
    attempts: dict[str, dict[str, Any]]
    fulfilments: list[dict[str, Any]]
    outbox: list[dict[str, Any]]
    transitions: list[dict[str, Any]]
    uses: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    disputes: list[dict[str, Any]]
    orphans: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    balances: list[dict[str, Any]]
    inbox: list[dict[str, Any]]
    objects: list[Object]
    requests: list[Request]
    given_back: list[GivenBack]
    contested: list[Contested]
    around: Around = field(default_factory=Around)
    checked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        held = {row["gw_ref"] for row in self.attempts.values()}
        self.ours = [each for each in self.objects if each.ref not in self.around.by_hand or each.ref in held]
        """Without what somebody else made, unless an attempt took it over."""

    def captured(self, order: str) -> int:
        return sum(each.captured for each in self.ours if each.order == order)


def look(database: Database, bank: Bank, around: Around | None = None) -> View:
    """Rows first, ledger after: what is PAID in the rows must be in a ledger that is read later."""
    orders, attempts, *rest = database.rows(
        "SELECT * FROM orders", "SELECT * FROM attempts ORDER BY order_id, n", "SELECT * FROM fulfilments",
        "SELECT * FROM outbox", "SELECT * FROM transitions ORDER BY seq",
        "SELECT u.*, o.state AS order_state FROM link_uses u JOIN orders o ON o.id = u.order_id",
        "SELECT * FROM refunds", "SELECT * FROM disputes", "SELECT * FROM orphans", "SELECT * FROM consents",
        "SELECT * FROM balance_entries WHERE cause = 'refund_failed'",
        "SELECT gateway, account, event_id, payment, state FROM inbox",
    )  # fmt: skip
    by_id = {row["id"]: row for row in orders}, {row["id"]: row for row in attempts}
    return View(*by_id, *rest, *bank.ledger(), *bank.aftermath(), around or Around())


def loaded(value: Any) -> dict[str, Any]:
    """What a column of JSON holds; empty where it is nothing of the kind."""
    told = json.loads(value) if isinstance(value, str) else value
    return told if isinstance(told, dict) else {}
