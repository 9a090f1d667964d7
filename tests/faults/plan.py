"""What one iteration does to the system: drawn from one seed, written in one line, and repeated from that line."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace

APP_POINTS = tuple(f"C{n}" for n in range(9))
MAIL_POINTS = ("C9", "C10", "C11")
REFUND_POINTS = tuple(f"R{n}" for n in range(1, 7))
ALL_POINTS = APP_POINTS + MAIL_POINTS + REFUND_POINTS
REPAIR_POINTS = ("C2", "C3", "C4", "C5", "C6", "C7", *MAIL_POINTS, *REFUND_POINTS[1:])
"""Where the worker that repairs may die."""
PURCHASES = (
    "plain", "declined_then_other", "bank_approves", "bank_refuses", "bank_left", "bank_pressed_twice", "leave_then_other", "two_links",
    "processing", "processing_declined", "press_again", "gone",
)  # fmt: skip
REFUNDS = ("refund_full", "refund_part", "refund_race", "refund_and_by_hand", "negative")
AFTERMATHS = (
    *REFUNDS, "refund_by_hand", "dispute_won", "dispute_lost", "dispute_then_refund", "orphan", "orphan_refunded",
    "orphan_of_open_order",
)  # fmt: skip
ACTS = PURCHASES + AFTERMATHS
RESTORES = ("restore", "restore_unfinished", "restore_pressed_again")
"""Acts of their own, never drawn: what they lose on purpose would be violations anywhere else."""
VERBS = ("create_payment", "confirm_payment", "cancel_payment", "read_payment", "list_payments")
REFUND_VERBS = ("refund", "refund", "list_refunds")
GATEWAY_FAULTS = (
    "refused", "timeout_before", "timeout_after", "late", "cut_body", "slow", "error_unsaved", "error_before",
    "error_after", "rate_limited", "key_in_use",
)  # fmt: skip
READ_FAULTS = ("refused", "timeout_before", "cut_body", "slow", "error_unsaved", "rate_limited")
NOTICES = ("none", "normal", "early", "twice", "shuffled")


@dataclass(frozen=True, slots=True)
class Plan:
    """One iteration. Every field has a default that does nothing."""

    act: str = "plain"
    tabs: int = 1
    crash: str = ""
    """``C5:2`` in the server: the second passing of C5 in one process is its last."""
    meet: str = ""
    """``C0``: whoever presses waits there until every tab's press has come, so that they overlap for certain."""
    whole: bool = True
    """The crash takes every process of the server, not only the one that passed."""
    blind: int = 0
    """Milliseconds after the press at which every process of the server is killed, wherever it is; 0 for never."""
    zombie: str = ""
    """``C3``: the process that passes there is stopped for ten minutes while a worker goes on, then continued."""
    worker_crash: str = ""
    """A crash point for the worker that repairs."""
    gateway: tuple[str, ...] = ()
    """``verb/fault*times``: what befalls the next calls."""
    expire_keys: bool = False
    """The gateway forgets every key between the press and the repair."""
    skew: int = 0
    """Seconds by which the server's clock is wrong."""
    lock: int = 0
    """Milliseconds for which another process holds the database's write lock around the press (SQLite, scaled by ten)."""
    full: bool = False
    """The database's disk is full from before the press until the healing (SQLite, where one may be mounted)."""
    read_only: bool = False
    """Its file system turns read-only instead."""
    restart: int = -1
    """Milliseconds after the press at which the database restarts in immediate mode (PostgreSQL); -1 for never."""
    net: str = ""
    """``gateway:reset@2``: what the proxy on that link does, from the connection of that number on."""
    embedded: bool = True
    """Each server process brings its own worker thread."""
    notices: str = "none"
    """How the gateway's notices come: none, normal, early, twice, shuffled."""
    seed: int = 0
    """For what the driver draws while it runs: pauses, order of tabs."""

    def __str__(self) -> str:
        said: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default or field.name == "act":
                said.append(f"{field.name}={','.join(value) if isinstance(value, tuple) else value}")
        return " ".join(said)

    @classmethod
    def read(cls, text: str) -> Plan:
        """The plan that ``str`` wrote."""
        given: dict[str, object] = {}
        kinds = {field.name: type(field.default) for field in fields(cls)}
        for word in text.split():
            name, _, value = word.partition("=")
            kind = kinds[name]
            given[name] = tuple(value.split(",")) if kind is tuple else value == "True" if kind is bool else kind(value)
        return cls(**given)  # type: ignore[arg-type]

    @property
    def faults(self) -> list[tuple[str, str, int]]:
        """(verb, fault, times)"""
        found: list[tuple[str, str, int]] = []
        for each in self.gateway:
            verb, _, rest = each.partition("/")
            fault, _, times = rest.partition("*")
            found.append((verb, fault, int(times or 1)))
        return found


def random_plan(run_seed: int, number: int, *, sqlite: bool, links: tuple[str, ...] = (), notices: bool = True) -> Plan:
    """Iteration ``number`` of the run: crash points take turns, everything else is drawn. ``links`` have a proxy."""
    draw = random.Random(f"{run_seed}:{number}")
    point = ALL_POINTS[number % len(ALL_POINTS)]
    acts = REFUNDS if point in REFUND_POINTS else AFTERMATHS if draw.random() < 0.25 else PURCHASES
    act = draw.choice(acts)
    plan = Plan(
        act=act,
        tabs=draw.choice((1, 1, 2, 3)),
        whole=draw.random() < 0.6,
        gateway=_gateway(draw, act),
        expire_keys=draw.random() < 0.15,
        skew=draw.choice((0, 0, 0, 290, -290)),
        embedded=draw.random() < 0.6,
        notices=draw.choice(NOTICES) if draw.random() < 0.6 and notices else "none",
        seed=draw.randrange(1 << 30),
    )
    kind = draw.random()
    if point == "C9":
        # Passed in every round, also where nothing waits: with the worker of the repair something does.
        plan = replace(plan, worker_crash="C9:1", embedded=False)
    elif point in MAIL_POINTS:
        where = "crash" if plan.embedded and draw.random() < 0.5 else "worker_crash"
        plan = replace(plan, **{where: f"{point}:1"})
    elif kind < 0.72:
        plan = replace(plan, crash=f"{point}:{_passing(draw, point)}")
    elif kind < 0.82:
        plan = replace(plan, zombie=point)
    elif kind < 0.94:
        plan = replace(plan, blind=draw.randrange(1, 120))
    if not plan.worker_crash and draw.random() < 0.25:
        points = REPAIR_POINTS if act in REFUNDS else REPAIR_POINTS[:9]
        plan = replace(plan, worker_crash=f"{draw.choice(points)}:1")
    plan = _storage(plan, draw, sqlite=sqlite)
    if links and draw.random() < 0.25:
        what = draw.choice(("latency", "reset", "cut", "slow_close", "timeout"))
        link = draw.choice(links)
        plan = replace(plan, net=f"{link}:{what}@{draw.randrange(1, 6)}")
    return plan


def _storage(plan: Plan, draw: random.Random, *, sqlite: bool) -> Plan:
    if not sqlite:
        return replace(plan, restart=draw.randrange(0, 150)) if draw.random() < 0.08 else plan
    if draw.random() < 0.12:
        return replace(plan, lock=draw.choice((100, 300, 600, 1300, 2000)))
    kind = draw.random()
    return replace(plan, full=True) if kind < 0.05 else replace(plan, read_only=True) if kind < 0.1 else plan


def _passing(draw: random.Random, point: str) -> int:
    return 2 if point in ("C2", "C4", "C5", "C6") and draw.random() < 0.15 else 1


def _gateway(draw: random.Random, act: str) -> tuple[str, ...]:
    if draw.random() < 0.45:
        return ()
    faults: list[str] = []
    for _ in range(draw.choice((1, 1, 1, 2))):
        verb = draw.choice(REFUND_VERBS if act in REFUNDS and draw.random() < 0.7 else VERBS)
        fault = draw.choice(READ_FAULTS if verb.startswith(("read", "list")) else GATEWAY_FAULTS)
        faults.append(f"{verb}/{fault}*{draw.choice((1, 1, 2, 4))}")
    return tuple(faults)
