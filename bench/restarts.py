"""Shoppers who go on pressing while what they buy from is killed: how many orders a second before, meanwhile and after.

Whoever gets no page, or one that says that something failed, presses the same page again, as people do.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from app.charging.audit import run as audit
from bench.databases import count, until
from bench.shop import SHOPPERS, WORKERS, Answer, Cart, Shop, by_many

ROUNDS, COMMITS, CALIBRATION = 5, 40, 24
ORDERS, LEAST, MOST = 24, 2.0, 10.0
"""A stretch lasts as long as so many orders take in calm, within these seconds; the one that begins with the restart twice, and
until every shopper has bought again: whose press died with its process waits five seconds for a driver that is dead."""
SPARE = 2.5
"""So many times the carts that the pace needs: it was taken in other seconds."""
PATIENCE = 120.0
"""A lease of a minute, the pass that finds it, and a machine that is busy."""
AGAIN = 0.2
UNDECIDED = "SELECT count(*) FROM attempts WHERE state NOT IN ('SUCCEEDED', 'DECLINED', 'CANCELLED')"  # QUARANTINED is none of these
BY_A_WORKER = (
    "SELECT count(*) FROM transitions WHERE kind = 'attempt' AND to_state = 'SUCCEEDED' AND actor NOT LIKE 'press-%'"
)


class Round(NamedTuple):
    """``half`` the durable commit rate around it; orders a second of all workers in each stretch."""

    half: float
    rates: dict[str, float]

    def ratio(self, when: str) -> float:
        return self.rates[when] / WORKERS / self.half


class Restarts(NamedTuple):
    """``unanswered``: presses that got no page or one of a failure; ``left``: orders that a worker had to finish."""

    rounds: list[Round]
    orders: int
    unanswered: int
    left: int
    recovered_in: float

    def said(self) -> str:
        return (
            f"of {self.orders} orders {self.unanswered} presses failed and {self.left} orders were left checking, "
            f"all paid {self.recovered_in:.0f} s later"
        )


@dataclass
class _Load:
    """Six shoppers, each with one cart after the other."""

    shop: Shop
    carts: deque[Cart]
    done: list[float] = field(default_factory=list)
    bought_at: dict[int, float] = field(default_factory=dict)
    """Of each shopper, when the last order was."""
    unanswered: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._threads = [threading.Thread(target=self._shop, daemon=True) for _ in range(SHOPPERS)]
        for each in self._threads:
            each.start()

    def _shop(self) -> None:
        while not self.stopping.is_set():
            try:
                cart = self.carts.popleft()
            except IndexError:
                return
            self._buy(cart)

    def _buy(self, cart: Cart) -> None:
        end = time.monotonic() + PATIENCE
        while not _is_bought(self.shop.press(cart)):
            self.unanswered += 1
            if time.monotonic() > end:
                return
            time.sleep(AGAIN)
        self.done.append(time.perf_counter())
        self.bought_at[threading.get_ident()] = self.done[-1]

    def stop(self) -> None:
        """After the cart that each has in hand."""
        self.stopping.set()
        for each in self._threads:
            each.join()

    def all_bought_since(self, begin: float) -> bool:
        return len(self.bought_at) == SHOPPERS and min(self.bought_at.values()) > begin

    def rate(self, begin: float, end: float) -> float:
        return sum([begin <= at < end for at in self.done]) / (end - begin)


def _is_bought(answer: Answer) -> bool:
    return answer.status == 303 and "/done/" in answer.location


def measure_restarts(shop: Shop, kill: Callable[[], object]) -> Restarts:
    """Five rounds. Raises when an order is not paid in the end, is paid twice, or an invariant does not hold."""
    rate = _rate(shop)
    stretch = min(max(ORDERS / rate, LEAST), MOST)
    many = round(rate * stretch * 4 * SPARE) + SHOPPERS
    rounds: list[Round] = []
    orders = CALIBRATION
    unanswered = 0
    for _ in range(ROUNDS):
        load_carts = deque(shop.open_carts(shop.links(many)))
        before = shop.database.commits_a_second(COMMITS)
        load = _Load(shop, load_carts)
        rates = _stretches(load, kill, stretch)
        load.stop()
        rounds.append(Round((before + shop.database.commits_a_second(COMMITS)) / 4, rates))
        orders, unanswered = orders + len(load.done), unanswered + load.unanswered
    begun = time.perf_counter()
    _check_recovered(shop, orders)
    left = count(shop.adapters.store, BY_A_WORKER)
    return Restarts(rounds, orders, unanswered, left, time.perf_counter() - begun)


def _rate(shop: Shop) -> float:
    carts = shop.open_carts(shop.links(CALIBRATION))
    begun = time.perf_counter()
    by_many(shop.press, carts)
    return CALIBRATION / (time.perf_counter() - begun)


def _stretches(load: _Load, kill: Callable[[], object], stretch: float) -> dict[str, float]:
    rates: dict[str, float] = {}
    for name, seconds in (("before", stretch), ("during", 2 * stretch), ("after", stretch)):
        begun = time.perf_counter()
        if name == "during":
            kill()
        if not load.carts:
            raise RuntimeError("the carts were used up")
        while load.carts and (time.perf_counter() < begun + seconds or not load.all_bought_since(begun)):
            if time.perf_counter() > begun + PATIENCE:
                raise RuntimeError(f"a shopper could not buy {name} the restart")
            time.sleep(0.02)
        rates[name] = load.rate(begun, time.perf_counter())
    return rates


def _check_recovered(shop: Shop, orders: int) -> None:
    store = shop.adapters.store
    if not until(lambda: count(store, UNDECIDED) == 0, PATIENCE):
        raise RuntimeError(f"{count(store, UNDECIDED)} attempts are undecided")
    paid = count(store, "SELECT count(*) FROM orders WHERE state = 'PAID'")
    gateway = shop.adapters.gateway
    captures = gateway.ledger.captures()  # type: ignore[union-attr]
    if paid != orders or len(captures) != orders or len({one.order for one in captures}) != orders:
        raise RuntimeError(f"{orders} orders, {paid} paid, {len(captures)} captures")
    broken = [one for one in audit(store, shop.adapters.gateways, shop.clock) if not one.holds]
    if broken:
        raise RuntimeError(f"the audit found {broken}")
