"""Speed of Buy Now: from the press to the answer, money taken and the change applied, a gateway that answers at once.

Beside it the naive twin does the same purchase, in turns, on the same database.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from app.links.claims import WrittenOffer
from app.offers.issue import Terms, issue
from bench.asking import HOST, asker
from bench.instant_gateway import instant_gateways
from bench.naive_twin import Twin
from bench.world import WEEK, World, make_world
from tests.doors.page_client import form_values
from tests.factories import create_card, create_customer, create_subscription

ROUNDS, ORDERS, COMMITS = 7, 8, 40


def _carts(made: World, many: int) -> Iterator[tuple[str, dict[str, str]]]:
    """As many carts of as many customers, each with the form that a press sends."""
    ask, book = asker(made.app), made.book
    key = made.adapters.directory.key_ring().signing_key(book)
    for _ in range(many):
        with made.adapters.store.write() as connection:
            customer = create_customer(connection, book)
            card = create_card(connection, book, customer)
            held = create_subscription(connection, book, customer, card_id=card)
            number = connection.execute(text("SELECT number FROM subscriptions WHERE id = :id"), {"id": held}).scalar()
        link = issue(
            made.adapters.store, made.adapters.clock, key,
            Terms(int(number or 0), WrittenOffer(1, "crm-seat", 2, unit_price=1000), WEEK),
            base_url=f"https://{HOST}", actor="bench", source="bench",
        )  # fmt: skip
        path = ask(link.url.removeprefix(f"https://{HOST}"))[2]["Location"].removeprefix(f"https://{HOST}")
        form = form_values(ask(path)[1].decode(), "/buy") | {"agree": "1"}
        yield f"{path.partition('?')[0]}/buy", form


def _subscriptions(made: World, many: int) -> list[int]:
    """As many people with a card on file and nothing bought: the numbers of their subscriptions."""
    store, book = made.adapters.store, made.book
    with store.write() as connection:
        held: list[int] = []
        for _ in range(many):
            customer = create_customer(connection, book)
            card = create_card(connection, book, customer)
            held.append(create_subscription(connection, book, customer, card_id=card))
        numbered = connection.execute(text("SELECT id, number FROM subscriptions")).all()
    number = {int(row[0]): int(row[1]) for row in numbered}
    return [number[each] for each in held]


class _Durable:
    """The reference: one small row a commit, as durable as ours, by one client of a file beside ours."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "commits.sqlite3", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE rows_written (id INTEGER PRIMARY KEY, text TEXT)")

    def commit(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO rows_written (text) VALUES (?)", ("x" * 100,))
        self._connection.execute("COMMIT")


def _each(job: Callable[[], object], times: int) -> tuple[float, float]:
    """Wall and CPU seconds a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        job()
    return (time.perf_counter() - wall) / times, (time.process_time() - cpu) / times


class _Round(NamedTuple):
    """Seconds: the wall of a durable commit, wall and CPU of an order, CPU of the twin's."""

    commit: float
    wall: float
    cpu: float
    twin: float


@cache
def _measured() -> list[_Round]:
    made = make_world(gateways=instant_gateways())
    ask = asker(made.app)
    twin = Twin(made.adapters.store, made.adapters.gateways, made.adapters.clock.now())
    ask_twin = asker(twin.app)
    durable = _Durable(Path(str(made.adapters.store.url.database)).parent)
    carts = list(_carts(made, ORDERS * (ROUNDS + 1)))
    tokens = [twin.token(number) for number in _subscriptions(made, ORDERS * (ROUNDS + 1))]

    def buy() -> None:
        status, _, headers = ask(*carts.pop())
        if not status.startswith("303") or "/done/" not in headers["Location"]:
            raise RuntimeError(f"not bought: {status}")

    def buy_naively() -> None:
        status, _, _ = ask_twin(f"/buy/{tokens.pop()}", {"agree": "I agree to pay."})
        if not status.startswith("303"):
            raise RuntimeError(f"not bought by the twin: {status}")

    _each(buy, ORDERS)
    _each(buy_naively, ORDERS)
    rounds: list[_Round] = []
    for _ in range(ROUNDS):
        commit, _ = _each(durable.commit, COMMITS)
        ours = _each(buy, ORDERS)
        rounds.append(_Round(commit, *ours, _each(buy_naively, ORDERS)[1]))
    with made.adapters.store.read() as connection:
        paid = connection.execute(text("SELECT count(*) FROM orders WHERE state = 'PAID'")).scalar()
    if paid != 2 * ORDERS * (ROUNDS + 1):
        raise RuntimeError(f"{paid} orders are paid")
    return rounds


def _row(job: str, place: int, target: str) -> dict[str, object]:
    rounds = _measured()
    ratios = [2 * each.commit / each[place] for each in rounds]
    ratio = statistics.median(ratios)
    return {
        "job": job, "reference": "half the durable commit rate", "figure": f"{_per_second(rounds, place):.0f} a second",
        "reference_figure": f"{_per_second(rounds, 0) / 2:.0f} a second", "ratio": round(ratio, 2), "target": target,
        "spread": round((max(ratios) - min(ratios)) / ratio, 2),
    }  # fmt: skip


def _per_second(rounds: list[_Round], place: int) -> float:
    return 1 / statistics.median(each[place] for each in rounds)


def buy_wall() -> dict[str, object]:
    """Orders a second of one client, by the wall."""
    return _row("Buy Now, SQLite, by the wall", 1, "≥ 0.35")


def buy_cpu() -> dict[str, object]:
    """Orders a second of one worker, if it did nothing but compute."""
    return _row("Buy Now, SQLite, by CPU time", 2, "≥ 0.35")


def buy_naive() -> dict[str, object]:
    """The twin's CPU time over ours."""
    rounds = _measured()
    ratios = [each.twin / each.cpu for each in rounds]
    ratio = statistics.median(ratios)
    return {
        "job": "naive ORM twin of Buy Now, SQLite", "reference": "Buy Now, by CPU time",
        "figure": f"{1e3 * statistics.median(each.twin for each in rounds):.1f} ms",
        "reference_figure": f"{1e3 * statistics.median(each.cpu for each in rounds):.1f} ms", "ratio": round(ratio, 2),
        "target": "≥ 3 ×", "spread": round((max(ratios) - min(ratios)) / ratio, 2),
    }  # fmt: skip


ROWS: list[Callable[[], dict[str, object]]] = [buy_wall, buy_cpu, buy_naive]
