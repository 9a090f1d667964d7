"""A person at the queue: what waits, and a decision about it."""

from __future__ import annotations

from app.charging.desk import Matter, matters
from app.charging.desk_acts import resolve, show
from app.charging.drive import driver_name
from app.charging.observing import Watch
from tests.usecases.charging.desk import Desk


def waiting(desk: Desk) -> list[Matter]:
    with desk.store.read() as conn:
        return matters(conn, desk.clock.now())


def decide(desk: Desk, matter: Matter, act: str) -> str:
    return resolve(_watch(desk), matter.id, act, actor="maria", reason="asked the customer")


def may(desk: Desk, matter: Matter) -> tuple[str, ...]:
    """What the gateway's truth leaves of its acts."""
    return show(_watch(desk), matter.id)["matter"].may


def _watch(desk: Desk) -> Watch:
    return Watch(desk.store, desk.gateways, desk.clock, driver_name("person"))
