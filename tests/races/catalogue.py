"""The races: who runs against whom, what guards them, and when one was lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.billing.facts import Change
from app.checkout import step_up_codes
from app.kit.codes import Codes
from app.kit.ids import system_randomness
from app.kit.keys import MasterKeys
from tests.races import guards
from tests.races.arena import Arena, Person, together

LONGEST_PAUSE = 0.02
"""Seconds: how long a shopper's consent may take to be worded, and a merchant to press revoke."""
BUYERS, PLACES = 200, 10


@dataclass(frozen=True, slots=True)
class Race:
    """``play`` runs one round and says whether it was lost. ``off`` takes the guard away for as long as it lasts."""

    name: str
    guard: str
    play: Callable[[Arena, int], bool]
    off: Callable[[Arena], AbstractContextManager[None]]
    rounds: int = 6
    """In `make test`, with the guard on and at most as many with it off."""


def two_tabs(arena: Arena, processes: int) -> bool:
    """One link that may be used twice, open in two tabs, pressed in both: one charge."""
    [who] = arena.people(1)
    jti = f"tabs-{who.number}"
    orders = [_order(arena, who, f"{jti}-{tab}", jti=jti, uses=2) for tab in (1, 2)]
    together(arena, [partial(arena.buy, order, who.cards[0]) for order in orders], processes=processes)
    return _twice(arena, who)


def two_devices(arena: Arena, processes: int) -> bool:
    """A declined order is on the telephone and on the desk; both pay it again, each with another card: one charge."""
    [who] = arena.people(1)
    order = _order(arena, who, f"devices-{who.number}", jti=f"devices-{who.number}")
    arena.buy(order, who.cards[2])
    assert arena.taken(who) == []
    together(arena, [partial(arena.buy, order, card) for card in who.cards[:2]], processes=processes)
    return _twice(arena, who)


def _twice(arena: Arena, who: Person) -> bool:
    """Lost is only what was charged more than once; nothing at all would be another fault."""
    taken = arena.taken(who)
    assert taken, "nobody was charged"
    return len(taken) > 1


def _order(arena: Arena, who: Person, checkout: str, **more: Any) -> Any:
    change = Change(quantity=2, unit_price=1000)
    return arena.desk.order(checkout, change=change, subscription=who.subscription_number, **more)


def many_buyers(arena: Arena, processes: int) -> bool:
    """Two hundred buyers, ten places: as many orders as places, and each of them is paid."""
    everybody = arena.people(BUYERS)
    jti = f"places-{everybody[0].number}"
    orders = [_order(arena, who, f"{jti}-{who.number}", jti=jti, uses=PLACES) for who in everybody]
    places = [partial(arena.place, order, who.cards[0], jti) for order, who in zip(orders, everybody, strict=True)]
    found = together(arena, places, processes=processes)
    orders = arena.orders_of(jti)
    assert orders >= PLACES, f"{orders} of {PLACES} places were sold"
    if orders > PLACES:
        return True
    for attempt in found:
        if attempt != "link_used":
            arena.desk.drive(attempt, jti)
    return arena.paid_of(jti) != PLACES


def against(change: Callable[[Arena, str, int], None]) -> Callable[[Arena, int], bool]:
    """Somebody changes something for good while a shopper presses: no order begins after that."""

    def play(arena: Arena, processes: int) -> bool:
        [who] = arena.people(1)
        kid, position = arena.key(), who.number
        cart = arena.look(arena.open(who, kid, position))
        first, second = (arena.chance.uniform(0, LONGEST_PAUSE) for _ in range(2))

        def buyer() -> tuple[str, float]:
            guards.seen.guard = 0.0
            arena.press(cart, who.cards[0].id, first)
            return "bought", guards.seen.guard

        def merchant() -> tuple[str, float]:
            time.sleep(second)
            change(arena, kid, position)
            return "changed", time.monotonic()

        found = dict(
            each for each in together(arena, [buyer, merchant], processes=processes) if isinstance(each, tuple)
        )
        return "bought" in found and found["bought"] > found["changed"]

    return play


def revoke(arena: Arena, _kid: str, position: int) -> None:
    arena.sql(
        "INSERT INTO revocations (book_id, kind, ref, reason, actor, created_at) "
        "VALUES (:book, 'link', :ref, '', 'race', 0)", book=arena.seeded.book, ref=f"9-{position}",
    )  # fmt: skip


def raise_price(arena: Arena, _kid: str, _position: int) -> None:
    arena.sql("UPDATE books SET catalog_version = catalog_version + 1 WHERE id = :book", book=arena.seeded.book)


def retire(arena: Arena, kid: str, _position: int) -> None:
    arena.sql("UPDATE signing_keys SET state = 'retired' WHERE kid = :kid", kid=kid)


class _CountingCodes(Codes):
    """Notes how many guesses were compared."""

    def __init__(self) -> None:
        super().__init__(MasterKeys([b"the master secret of the races"]))
        self.compared = 0
        self._lock = threading.Lock()

    def fits(self, sealed: str, context: str, code: str) -> bool:
        with self._lock:
            self.compared += 1
        return super().fits(sealed, context, code)


def guesses(arena: Arena, _processes: int) -> bool:
    """Twenty guesses of one code at once: five are looked at. In threads, since the comparisons are counted here."""
    [who] = arena.people(1)
    cart, codes = arena.look(arena.open(who, arena.key(), who.number)), _CountingCodes()
    asking = step_up_codes.Asking(cart.book_id, f"{who.number:016x}", cart.held.customer, cart.held.reference)
    step_up_codes.send_code(arena.store, arena.clock, system_randomness, codes, asking, language="en")
    wrong = [f"{number:06d}" for number in arena.chance.sample(range(10**6), 20)]
    codes.compared = 0
    together(arena, [lambda guess=guess: step_up_codes.enter_code(arena.store, arena.clock, codes, asking, guess)
                     for guess in wrong])  # fmt: skip
    return codes.compared > step_up_codes.TRIES


RACES = (
    Race("two tabs", "one open order per subscription: look and index in TX1", two_tabs, guards.no_open_order_rule),
    Race("two devices", "one open attempt per order: look and index in TX1", two_devices, guards.no_open_attempt_rule),
    Race("revoke against buy", "TX1 looks for withdrawals again", against(revoke), guards.no_last_look),
    Race("price change against buy", "TX1 compares the versions again", against(raise_price), guards.no_last_look),
    Race("key retired against buy", "TX1 reads the key's state again", against(retire), guards.no_last_look),
    Race(
        "200 buyers, 10 places", "uses counted in TX1 under their primary key", many_buyers, guards.no_counted_uses, 1
    ),
    Race("20 guesses, 5 tries", "tries counted by a conditional update", guesses, guards.no_counted_tries, 2),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many rounds of how many were lost."""

    lost: int
    of: int

    def __str__(self) -> str:
        return f"{self.lost} of {self.of}"


def run(race: Race, arena: Arena, *, guarded: bool, rounds: int, until_lost: bool = False) -> Rate:
    """Rounds in threads, every fourth over two processes (many buyers: four). ``until_lost`` stops at the first loss."""
    lost = played = 0
    with ExitStack() as stack:
        stack.enter_context(guards.watched(on=True) if guarded else race.off(arena))
        while played < rounds and not (until_lost and lost):
            played += 1
            apart = 4 if race.play is many_buyers else 2 if played % 4 == 3 else 0
            lost += race.play(arena, apart)
    return Rate(lost, played)
