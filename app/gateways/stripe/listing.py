"""Lists of Stripe's, page after page, oldest first; and replies built from what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypedDict, TypeVar, cast

from stripe import StripeClient

from app.gateways.port import AnswerKind, Reply
from app.gateways.stripe.client import Account, Body, Seen
from app.gateways.stripe.reading import Unreadable, is_ours

PAGE = 100
MOST_PAGES = 200
"""20,000 objects. A longer list is told as too long, never as if it were whole."""

T = TypeVar("T")


class Page(TypedDict, total=False):
    """Which part of a list is asked for."""

    limit: int
    starting_after: str


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """Raw objects, or how the call ended instead."""

    kind: AnswerKind
    bodies: T | None = None
    detail: str = ""
    is_too_long: bool = False

    def map(self, read: Callable[[T], Any]) -> Reply[Any]:
        """The reply of the port; an object that makes no sense makes the whole answer unknown."""
        if self.kind is not AnswerKind.DEFINITE or self.bodies is None:
            return Reply(self.kind, detail=self.detail, is_too_long=self.is_too_long)
        try:
            return Reply(self.kind, read(self.bodies))
        except Unreadable as error:
            return Reply(AnswerKind.UNKNOWN, detail=f"unreadable object: {error}")


def found(seen: Seen) -> Found[Body]:
    """One object."""
    return Found(seen.kind(), seen.body if seen.ok else None, seen.detail)


def every(at: Account, verb: str, call: Callable[[StripeClient, Page], Any]) -> Found[tuple[Body, ...]]:
    """All pages, oldest first. Stripe lists the newest first, so what comes into being meanwhile cannot shift a page."""
    bodies: list[Body] = []
    page: Page = {"limit": PAGE}
    for _ in range(MOST_PAGES):
        seen = at.ask(verb, _on(call, page))
        kind = seen.kind()
        if kind is not AnswerKind.DEFINITE or seen.body is None:
            return Found(kind, detail=seen.detail)
        more = _data(seen.body)
        if more is None:
            return Found(AnswerKind.UNKNOWN, detail="a list without data")
        bodies += more
        if not seen.body.get("has_more") or not more:
            return Found(kind, tuple(reversed(bodies)))
        page = {"limit": PAGE, "starting_after": str(more[-1].get("id"))}
    return Found(AnswerKind.UNKNOWN, detail=f"more than {MOST_PAGES * PAGE} objects", is_too_long=True)


def readable(read: Callable[[Body], T], bodies: tuple[Body, ...]) -> tuple[T, ...]:
    """All that is read. What makes no sense to us is left out where it is none of ours: the merchant may sell elsewhere in
    a currency that we do not know. ``Unreadable`` where it may be ours."""
    listed: list[T] = []
    for body in bodies:
        try:
            listed.append(read(body))
        except Unreadable:
            if is_ours(body):
                raise
    return tuple(listed)


def created(since: datetime | None, until: datetime | None) -> dict[str, int]:
    """Stripe counts in whole seconds; empty where no time is asked for."""
    asked = {"gte": since, "lt": until}
    return {name: int(at.timestamp()) for name, at in asked.items() if at is not None}


def _on(call: Callable[[StripeClient, Page], Any], page: Page) -> Callable[[StripeClient], Any]:
    return lambda client: call(client, page)


def _data(body: Body) -> list[Body] | None:
    told = body.get("data")
    if not isinstance(told, list):
        return None
    listed = cast("list[Any]", told)
    return cast("list[Body]", listed) if all(isinstance(each, dict) for each in listed) else None
