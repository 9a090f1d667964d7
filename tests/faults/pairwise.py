"""A list of plans in which every two values of two dimensions occur together, made greedily from one seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any

from tests.faults.plan import (
    ALL_POINTS,
    GATEWAY_FAULTS,
    MAIL_POINTS,
    NOTICES,
    READ_FAULTS,
    REFUND_POINTS,
    Plan,
)  # fmt: skip

SEED = 4
CANDIDATES = 3
"""How many rows are drawn for each that is kept."""
DIMENSIONS: Mapping[str, Sequence[Any]] = {
    "crash": ("", *ALL_POINTS),
    "fault": ("", *GATEWAY_FAULTS),
    "tabs": (1, 2, 3),
    "notices": NOTICES,
    "expire_keys": (False, True),
    "worker_crash": ("", "C2", "C4", "C6", "C7", "C9", "C10", "C11"),
    "backend": ("sqlite", "postgresql"),
    "skew": (0, 290, -290),
}
Row = dict[str, Any]
_ACTS = ("plain", "two_links", "press_again", "processing", "bank_approves", "gone")
_VERB_BEFORE = {"C3": "create_payment", "C4": "create_payment", "C5": "create_payment", "C2": "list_payments"}


@cache
def rows(seed: int = SEED) -> tuple[Row, ...]:
    """The whole list, of both databases; the same for the same seed."""
    draw = random.Random(f"pairs:{seed}")
    missing = _all_pairs()
    kept: list[Row] = []
    while missing:
        first, second = min(missing)
        tried = [_row(draw, dict((first, second)), missing) for _ in range(CANDIDATES)]
        best = max(tried, key=lambda row: len(missing & _pairs(row)))
        missing -= _pairs(best)
        kept.append(best)
    return tuple(kept)


def plans(backend: str, *, webhooks: bool = True, seed: int = SEED) -> list[Plan]:
    """The part of the list that this database runs."""
    mine = [(number, row) for number, row in enumerate(rows(seed)) if row["backend"] == backend]
    return [_plan(number, row, webhooks=webhooks) for number, row in mine]


def _all_pairs() -> set[tuple[Any, ...]]:
    """Each value as (name, value) by its place, so that values of several kinds sort."""
    return {
        ((one, a), (two, b))
        for one, two in combinations(DIMENSIONS, 2)
        for a in range(len(DIMENSIONS[one]))
        for b in range(len(DIMENSIONS[two]))
    }


def _row(draw: random.Random, fixed: Mapping[str, int], missing: set[tuple[Any, ...]]) -> Row:
    """A row around what is fixed: each further value is the one that covers most of what is missing."""
    chosen = dict(fixed)
    for name in draw.sample(list(DIMENSIONS), len(DIMENSIONS)):
        if name not in chosen:
            places = draw.sample(range(len(DIMENSIONS[name])), len(DIMENSIONS[name]))
            chosen[name] = max(
                places, key=lambda place: sum(_pair(name, place, *each) in missing for each in chosen.items())
            )
    return {name: DIMENSIONS[name][place] for name, place in chosen.items()}


def _pair(one: str, a: int, two: str, b: int) -> tuple[Any, ...]:
    order = list(DIMENSIONS)
    return tuple(sorted(((one, a), (two, b)), key=lambda each: order.index(each[0])))


def _pairs(row: Row) -> set[tuple[Any, ...]]:
    places = {name: DIMENSIONS[name].index(row[name]) for name in DIMENSIONS}
    return {((one, places[one]), (two, places[two])) for one, two in combinations(DIMENSIONS, 2)}


def _plan(number: int, row: Row, *, webhooks: bool) -> Plan:
    """The row as an iteration that reaches what it names: a fault befalls a call that is made, a crash a point that is passed."""
    point = row["crash"]
    act = "refund_part" if point in REFUND_POINTS else "plain" if point in MAIL_POINTS else _ACTS[number % len(_ACTS)]
    if point == "C7":
        act = "plain"
    verb = "refund" if point in REFUND_POINTS else _VERB_BEFORE.get(point, "confirm_payment")
    if verb == "list_payments" and row["fault"] not in READ_FAULTS:
        verb = "create_payment"
    worker_crash = "C9" if point == "C9" else row["worker_crash"]
    return Plan(
        act=act, tabs=row["tabs"], crash=f"{point}:1" if point not in ("", "C9") else "",
        gateway=(f"{verb}/{row['fault']}*1",) if row["fault"] else (), expire_keys=row["expire_keys"],
        worker_crash=f"{worker_crash}:1" if worker_crash else "", skew=row["skew"],
        notices=row["notices"] if webhooks else "none", embedded=point in ("C10", "C11") or (number % 2 == 0 and point != "C9"), seed=number,
    )  # fmt: skip
