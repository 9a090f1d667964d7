"""When an undecided row is looked at again."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.charging.attempts import AttemptRow
from app.gateways.port import AnswerKind
from app.kit.ids import derive

UNKNOWN_STEPS = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 24 * 60))
PENDING_STEPS = tuple(timedelta(seconds=each) for each in (5, 5, 10, 20, 40)) + UNKNOWN_STEPS
BUSY_STEPS = tuple(timedelta(seconds=each) for each in (2, 4, 8, 15, 30)) + UNKNOWN_STEPS
ACTION_STEPS = tuple(timedelta(seconds=each) for each in (15, 30, 60, 120, 300))
_STEPS = {
    AnswerKind.PENDING: PENDING_STEPS,
    AnswerKind.BUSY: BUSY_STEPS,
    AnswerKind.NOT_SENT: BUSY_STEPS,
    AnswerKind.DEFINITE: ACTION_STEPS,
}


def next_look(row: AttemptRow, tries: int, kind: AnswerKind, now: datetime) -> datetime:
    """After this answer and ``tries`` earlier looks in the same state. The last step of each list repeats.

    Busy gateways get up to a quarter more, derived from the row, so that many rows do not come back at one instant; an
    attempt is always looked at again when its deadline passes.
    """
    steps = _STEPS.get(kind, UNKNOWN_STEPS)
    wait = steps[min(tries, len(steps) - 1)]
    if steps is BUSY_STEPS:
        wait += wait * (ord(derive(row.id, tries, length=1)) % 32) / 128
    at = now + wait
    return row.deadline_at if now < row.deadline_at < at else at
