"""``liftlink subscription undo`` when the renewal is near."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.doors.cli import test_link_commands
from tests.doors.cli.test_link_commands import Run

run = test_link_commands.run


@pytest.mark.parametrize("at", [datetime(2027, 1, 1, 7, 45, tzinfo=UTC), datetime(2027, 1, 3, tzinfo=UTC)])
def test_undo_says_that_it_is_too_late(run: Run, monkeypatch: pytest.MonkeyPatch, at: datetime):
    words = ("1048", "--mode", "test", "--json")
    asked = ("--quantity", "2", "--consent", "She agreed on the phone.")
    status, _, err = run("subscription", "schedule", *words, *asked)
    assert status == 0, err
    monkeypatch.setenv("LIFTLINK_START_AT", at.isoformat())
    status, out, err = run("subscription", "undo", *words)
    assert (status, out) == (1, "")
    assert "scheduled for 2027-01-01 can no longer be undone" in err
    assert "[renewal_in_progress]" in err
    assert json.loads(run("subscription", "show", *words)[1])["scheduled"]["on"] == "2027-01-01"
