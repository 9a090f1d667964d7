"""Buy Now as shoppers press it: over sockets, two server processes with their jobs, a gateway answering at once.

The target counts a worker against half the database's own rate of durable commits, measured by one client in the same run.
A second group of rows goes on pressing while the database (SQLite has no server: the application's processes) is killed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from bench.databases import Database, PostgresServer, SqliteFile, count, has_postgres, until
from bench.restarts import Restarts, measure_restarts
from bench.shop import WORKERS, Shop, by_many
from tests.postgres import MISSING

ROUNDS, ORDERS, COMMITS = 5, 24, 40
HALF = "half the durable commit rate"
ROW = dict[str, object]
WAITING_MAIL = "SELECT count(*) FROM outbox WHERE channel = 'mail' AND state = 'READY'"


class Round(NamedTuple):
    """``half``: half the commits a second. Orders a second of all workers together; CPU seconds of an order in the server."""

    half: float
    pressed: float
    whole: float
    cpu: float
    in_press: float
    in_all: float


def _press(shop: Shop, links: list[str]) -> Round:
    """Carts opened, the reference, the same carts pressed, the reference again; then the receipts' mails are waited for."""
    begun = time.perf_counter()
    carts = shop.open_carts(links)
    opening = time.perf_counter() - begun
    before = shop.database.commits_a_second(COMMITS)
    written, cpu, begun = shop.database.written(), shop.cpu(), time.perf_counter()
    answers = by_many(shop.press, carts)
    pressing = time.perf_counter() - begun
    in_press = shop.database.written() - written
    store = shop.adapters.store
    if not until(lambda: count(store, WAITING_MAIL) == 0, 60):
        raise RuntimeError("mail is still waiting")
    in_all, cpu = shop.database.written() - written, shop.cpu() - cpu
    after = shop.database.commits_a_second(COMMITS)
    if any(each.status != 303 or "/done/" not in each.location for each in answers):
        raise RuntimeError(f"not bought: {sorted({each.status for each in answers})}")
    many = len(links)
    return Round(
        (before + after) / 4, many / pressing, many / (opening + pressing), cpu / many, in_press / many, in_all / many
    )


def _new_database(name: str) -> Database:
    return PostgresServer() if name == "PostgreSQL" else SqliteFile()


@cache
def _pressed(name: str) -> list[Round]:
    shop = Shop(_new_database(name), instant=True)
    shop.start()
    try:
        links = shop.links(ORDERS * (ROUNDS + 1))
        rounds = [_press(shop, links[each : each + ORDERS]) for each in range(0, len(links), ORDERS)]
        paid = count(shop.adapters.store, "SELECT count(*) FROM orders WHERE state = 'PAID'")
        if paid != len(links):
            raise RuntimeError(f"{paid} of {len(links)} orders are paid")
        return rounds[1:]  # in the first both processes put their statements and templates together
    finally:
        shop.stop()


def _row(job: str, target: str, figure: str, reference: str, ratios: list[float]) -> ROW:
    ratio = statistics.median(ratios)
    return {
        "job": job, "reference": HALF, "figure": figure, "reference_figure": reference, "ratio": round(ratio, 3),
        "target": target, "spread": round((max(ratios) - min(ratios)) / ratio, 2) if ratio else "",
    }  # fmt: skip


def _middle(rounds: list[Round], what: Callable[[Round], float]) -> float:
    return statistics.median(map(what, rounds))


def _missing(job: str) -> ROW:
    return {"job": job, "figure": MISSING}


def _by_wall(name: str) -> ROW:
    job = f"Buy Now, {name}, each of {WORKERS} workers"
    if name == "PostgreSQL" and not has_postgres():
        return _missing(job)
    rounds = _pressed(name)
    return _row(
        job, "≥ 0.35", f"{_middle(rounds, lambda one: one.pressed / WORKERS):.1f} a second",
        f"{_middle(rounds, lambda one: one.half):.0f} a second", [each.pressed / WORKERS / each.half for each in rounds],
    )  # fmt: skip


def _by_cpu(name: str) -> ROW:
    job = f"Buy Now, {name}, a worker by CPU time"
    if name == "PostgreSQL" and not has_postgres():
        return _missing(job)
    rounds = _pressed(name)
    return _row(
        job, "≥ 0.35", f"{1 / _middle(rounds, lambda one: one.cpu):.1f} a second",
        f"{_middle(rounds, lambda one: one.half):.0f} a second", [1 / each.cpu / each.half for each in rounds],
    )  # fmt: skip


def _whole(name: str) -> ROW:
    job = f"link, cart and Buy Now, {name}, each worker"
    if name == "PostgreSQL" and not has_postgres():
        return _missing(job)
    rounds = _pressed(name)
    return _row(
        job, "", f"{_middle(rounds, lambda one: one.whole / WORKERS):.1f} a second",
        f"{_middle(rounds, lambda one: one.half):.0f} a second", [each.whole / WORKERS / each.half for each in rounds],
    )  # fmt: skip


def _commits(name: str) -> ROW:
    job = f"commits an order, {name}"
    if name == "PostgreSQL" and not has_postgres():
        return _missing(job)
    rounds = _pressed(name)
    each, spread = [one.in_all for one in rounds], [one.in_all for one in rounds]
    return {
        "job": job, "reference": "until the press is answered", "figure": f"{statistics.median(each):.2f} with its mail",
        "reference_figure": f"{_middle(rounds, lambda one: one.in_press):.2f}", "ratio": "", "target": "≤ 4 for the press",
        "spread": round((max(spread) - min(spread)) / statistics.median(spread), 2),
    }  # fmt: skip


@cache
def _restarted(name: str) -> Restarts:
    database = _new_database(name)
    shop = Shop(database)
    shop.start()
    try:
        kill = database.restart if isinstance(database, PostgresServer) else shop.kill_workers
        return measure_restarts(shop, kill)
    finally:
        shop.stop()


def _restart(name: str, when: str) -> ROW:
    what = "the database's restart" if name == "PostgreSQL" else "the restart of the workers"
    job = f"Buy Now, {name}, {when} {what}"
    if name == "PostgreSQL" and not has_postgres():
        return _missing(job)
    seen = _restarted(name)
    rates, ratios = [one.rates[when] for one in seen.rounds], [one.ratio(when) for one in seen.rounds]
    note = f"; {seen.said()}" if when == "during" else ""
    return _row(
        job, "", f"{statistics.median(rates) / WORKERS:.1f} a second{note}",
        f"{statistics.median([one.half for one in seen.rounds]):.0f} a second", ratios,
    )  # fmt: skip


def _named(make: Callable[..., ROW], name: str, *more: str) -> Callable[[], ROW]:
    """A row by the name that the command line finds it by."""

    def measure() -> ROW:
        return make(name, *more)

    measure.__name__ = "_".join((make.__name__.lstrip("_"), "checkout", name.lower(), *more))
    return measure


ROWS: list[Callable[[], ROW]] = [
    *(_named(make, name) for name in ("PostgreSQL", "SQLite") for make in (_by_wall, _by_cpu, _whole, _commits)),
    *(
        _named(_restart, name, when)
        for name in ("PostgreSQL", "SQLite")
        for when in ("before", "during", "after")
    ),
]  # fmt: skip
