"""One book on which nearly everything happened that may happen: nothing is alarmed about, and one changed row is."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.usecases.audit.story import CHAPTERS, Story
from tests.usecases.audit.test_honest_stories import named
from tests.usecases.charging.desk import Desk


def test_a_book_with_a_long_and_honest_story_is_clean_until_somebody_changes_one_row(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    story = Story(desk, monkeypatch)
    for chapter in CHAPTERS:
        chapter(story)
        story.move(minutes=1)
        assert (chapter.__name__, named(desk)) == (chapter.__name__, [])
    assert named(story.ahead) == []
    with desk.store.write() as conn:
        one = conn.execute(text("SELECT min(id) FROM refunds WHERE state = 'SUCCEEDED'")).scalar_one()
        conn.execute(text("UPDATE refunds SET amount = amount + 1 WHERE id = :one"), {"one": one})
    assert any(f"refund {one}: " in each for each in named(desk))
