"""Mails that wait for a person: sent again or taken off, once, and back when they die again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.charging import desk_acts
from app.charging.desk import Matter
from app.charging.desk_acts import DeskRefused
from app.models.work import Outbox
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting


def dies(desk: Desk) -> Matter:
    with desk.store.write() as conn:
        dead = {"state": "DEAD", "next_at": None, "last_error": "no such mailbox"}
        conn.execute(update(Outbox).where(Outbox.channel == "mail").values(dead))
    desk.clock.move(timedelta(minutes=1))
    (matter,) = waiting(desk)
    return matter


def test_one_that_is_sent_again_and_dies_again_waits_again(desk: Desk):
    desk.buy()
    first = dies(desk)
    decide(desk, first, "release")
    assert waiting(desk) == []
    assert dies(desk).id == first.id


@pytest.mark.parametrize(("act", "too"), [("release", "cancel"), ("cancel", "release"), ("cancel", "cancel")])
def test_two_who_decide_at_once_decide_once_and_the_second_is_told_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, act: str, too: str
):
    desk.buy()
    matter, look = dies(desk), desk_acts.find

    def look_and_be_late(*of: object) -> Matter:
        monkeypatch.undo()
        seen = look(*of)  # type: ignore[arg-type]
        decide(desk, matter, act)
        return seen

    monkeypatch.setattr(desk_acts, "find", look_and_be_late)
    with pytest.raises(DeskRefused) as late:
        decide(desk, matter, too)
    assert late.value.code == "matter_unknown"
    assert desk.count(Outbox, channel="mail", state="READY" if act == "release" else "DEAD") == 1
    assert desk.outbox("event").count("queue.resolved") == 1
