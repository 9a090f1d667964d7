"""Long lists of a gateway's, read in slices of time: one that is too long for one answer is asked for in halves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

from app.gateways.port import AnswerKind, Reply
from app.kit.clock import Clock

SHORTEST = timedelta(seconds=1)
"""Gateways count in seconds: nothing tells what is in half of one."""
T = TypeVar("T")


class NotListed(Exception):
    """The gateway did not answer, or has more within a second than it lists at all."""

    def __init__(self, answer: AnswerKind) -> None:
        super().__init__(answer.value)
        self.answer = answer


class Slice(NamedTuple, Generic[T]):
    """Everything that was made at or after ``since`` and before ``until``; None: up to now."""

    since: datetime
    until: datetime | None
    listed: tuple[T, ...]


class Lists(Protocol[T]):
    """A list of the port's, by time."""

    def __call__(self, *, since: datetime, until: datetime | None) -> Reply[tuple[T, ...]]: ...


def slices(ask: Lists[T], since: datetime, until: datetime | None, clock: Clock) -> Iterator[Slice[T]]:
    """The whole of that time in slices that meet at whole seconds, oldest first: one wherever it fits. Raises ``NotListed``."""
    since = since.replace(microsecond=0)
    width, grows = _whole((until or clock.now()) - since + SHORTEST), False
    while True:
        cut = since + width
        is_last = cut > clock.now() if until is None else cut >= until  # it goes on while we read
        upto = until if is_last else cut
        reply = ask(since=since, until=upto)
        if reply.is_too_long and width > SHORTEST:
            width, grows = _whole(width / 2), False
            continue
        if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
            raise NotListed(reply.kind)
        yield Slice(since, upto, reply.value)
        if is_last:
            return
        # A full hour does not make the quiet days after it long to read.
        since, width, grows = cut, width * 2 if grows else width, True


def _whole(width: timedelta) -> timedelta:
    """In whole seconds, rounded up."""
    return -(-width // SHORTEST) * SHORTEST
