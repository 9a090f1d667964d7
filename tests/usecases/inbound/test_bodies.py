"""The body of a notice is kept for a while; that the notice came is kept for ever."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.charging.forgetting import forget_bodies
from app.charging.noticing import Kept, NoticeAddress, keep_notice
from app.gateways.port import Notice
from app.kit.clock import StoppedClock
from app.models.store import Store
from app.models.work import Inbox
from tests.factories import Seeded

KEEP = timedelta(days=90)


@pytest.fixture
def at(seeded: Seeded) -> NoticeAddress:
    return NoticeAddress(seeded.book, "sandbox", "quillmark-test", livemode=False)


def take(store: Store, clock: StoppedClock, at: NoticeAddress, name: str, body: bytes = b"as sent") -> Kept:
    notice = Notice(name, "payment.succeeded", at.account, livemode=False, sent_at=clock.now())
    return keep_notice(store, clock, at, notice, body)


def work(store: Store, clock: StoppedClock, state: str = "DONE") -> None:
    with store.write() as conn:
        conn.execute(update(Inbox).where(Inbox.state == "READY").values(state=state, next_at=None, done_at=clock.now()))


def bodies(store: Store) -> dict[str, str]:
    with store.read() as conn:
        return {row.event_id: row.body for row in conn.execute(select(Inbox.event_id, Inbox.body))}


@pytest.mark.parametrize("state", ["DONE", "DEAD"])
def test_a_body_goes_when_it_was_kept_long_enough(
    store: Store, clock: StoppedClock, at: NoticeAddress, state: str
):  # fmt: skip
    take(store, clock, at, "old")
    work(store, clock, state)
    clock.at += KEEP - timedelta(seconds=1)
    assert forget_bodies(store, clock, KEEP) == 0
    take(store, clock, at, "new")
    work(store, clock)
    clock.at += timedelta(seconds=1)
    assert forget_bodies(store, clock, KEEP) == 1
    assert bodies(store) == {"old": "", "new": "as sent"}
    assert forget_bodies(store, clock, KEEP) == 0


def test_what_was_not_worked_keeps_its_body(store: Store, clock: StoppedClock, at: NoticeAddress):
    take(store, clock, at, "waiting")
    clock.at += 10 * KEEP
    assert forget_bodies(store, clock, KEEP) == 0
    assert bodies(store) == {"waiting": "as sent"}


def test_a_replay_is_known_after_the_body_is_gone(store: Store, clock: StoppedClock, at: NoticeAddress):
    take(store, clock, at, "evt")
    work(store, clock)
    clock.at += KEEP
    forget_bodies(store, clock, KEEP)
    assert take(store, clock, at, "evt") is Kept.KNOWN
    assert take(store, clock, at, "evt", b"other bytes") is Kept.DIFFERS
    assert bodies(store) == {"evt": ""}


def test_bodies_go_in_small_batches_and_the_next_pass_goes_on(store: Store, clock: StoppedClock, at: NoticeAddress):
    for n in range(7):
        take(store, clock, at, f"evt-{n}")
    work(store, clock)
    clock.at += KEEP
    assert [forget_bodies(store, clock, KEEP, batch=2, most=2) for _ in range(3)] == [4, 3, 0]
    assert set(bodies(store).values()) == {""}


def test_a_client_secret_is_not_kept_and_the_notice_is_known_all_the_same(
    store: Store, clock: StoppedClock, at: NoticeAddress
):
    body = b'{"data":{"object":{"id":"pi_3Qx","client_secret":"pi_3Qx_secret_w1Zy","amount":500}}}'
    assert take(store, clock, at, "paid", body) is Kept.NEW
    kept = bodies(store)["paid"]
    assert json.loads(kept)["data"]["object"] == {
        "id": "pi_3Qx",
        "client_secret": "pi_3Qx(client secret)",
        "amount": 500,
    }
    with store.read() as conn:
        assert conn.execute(select(Inbox.body_hash)).scalar_one() == hashlib.sha256(kept.encode()).hexdigest()
    assert take(store, clock, at, "paid", body) is Kept.KNOWN
    assert take(store, clock, at, "paid", body.replace(b"500", b"501")) is Kept.DIFFERS
