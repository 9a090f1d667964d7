"""An account that cannot be compared whole for a day comes before a person, and leaves by itself once it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import update

from app.charging.compare import Compared, compare, compare_due, still_closed
from app.charging.drive import driver_name
from app.charging.gate import close_all, closed_accounts
from app.gateways.port import AnswerKind, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.merchants import Book
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.test_accounts_left import LEFT, Keyless, leave, restored

NAME = "account:sandbox:quillmark-test:test"


@contextmanager
def unlisted() -> Iterator[None]:
    def silent(_: SandboxGateway, **__: Any) -> Reply[Any]:
        return Reply(AnswerKind.UNKNOWN)

    with patch.object(SandboxGateway, "list_payments", silent):
        yield


def compared_for(desk: Desk, hours: int) -> None:
    for _ in range(hours):
        desk.clock.move(timedelta(hours=1))
        compare_due(desk.store, desk.gateways, desk.clock, by=driver_name("compare"))


def told(desk: Desk) -> list[str]:
    return [each.id for each in waiting(desk) if each.kind == "account"]


def test_it_comes_before_a_person_when_it_was_due_for_a_day_and_leaves_when_it_was_compared(desk: Desk):
    compared_for(desk, 25)
    with unlisted():
        compared_for(desk, 46)
        assert told(desk) == []
        compared_for(desk, 5)
        assert NAME in told(desk)
    compared_for(desk, 1)
    assert told(desk) == []


def test_one_whose_gate_is_closed_is_told_as_that_and_released_to_be_compared_at_once(desk: Desk):
    compared_for(desk, 1)
    with desk.store.write() as conn:
        close_all(conn, desk.clock.now())
    with unlisted():
        compared_for(desk, 23)
        assert told(desk) == []
        compared_for(desk, 2)
    (matter,) = [each for each in waiting(desk) if each.id == NAME]
    assert matter.why.startswith("charging is closed")
    decide(desk, matter, "release")
    compare_due(desk.store, desk.gateways, desk.clock, by=driver_name("compare"))
    assert NAME not in told(desk)


def test_one_without_a_key_that_was_never_used_is_nobodys_matter(desk: Desk):
    restored(desk)
    keyless = Keyless(desk, LEFT.account)
    for _ in range(50):
        desk.clock.move(timedelta(hours=1))
        compare_due(desk.store, keyless, desk.clock, by=driver_name("compare"))
    assert NAME not in told(desk)


def tried_without_key(desk: Desk, hours: int) -> None:
    """Its book has left the account, and its key is gone."""
    for _ in range(hours):
        desk.clock.move(timedelta(hours=1))
        compare_due(desk.store, Keyless(desk, LEFT.account), desk.clock, by=driver_name("compare"))


def given_up(desk: Desk, *, shut: bool = False) -> None:
    desk.buy()
    compared_for(desk, 1)
    leave(desk)
    with desk.store.write() as conn:
        if shut:
            close_all(conn, desk.clock.now())
    tried_without_key(desk, 50)
    (matter,) = [each for each in waiting(desk) if each.kind == "account"]
    assert matter.may == ("release", "cancel")
    decide(desk, matter, "cancel")


@pytest.mark.parametrize("shut", [False, True])
def test_one_that_its_book_left_may_be_given_up_and_nobody_waits_for_it_any_more(desk: Desk, shut: bool):
    given_up(desk, shut=shut)
    tried_without_key(desk, 50)
    keyless = Keyless(desk, LEFT.account)
    assert compare(desk.store, keyless, desk.clock, by=driver_name("compare"), only=[LEFT]) == Compared()
    with desk.store.read() as conn:
        assert (LEFT in closed_accounts(conn), still_closed(conn, keyless)) == (shut, [])
    assert told(desk) == []


def test_one_that_was_given_up_is_compared_once_it_has_a_key_and_comes_back_when_that_fails_anew(desk: Desk):
    given_up(desk)
    compared_for(desk, 1)
    tried_without_key(desk, 50)
    assert told(desk) == [f"{NAME}:left"]


def test_one_that_was_given_up_comes_back_once_a_book_sells_through_it_again(desk: Desk):
    given_up(desk)
    with desk.store.write() as conn:
        conn.execute(update(Book).where(Book.gateway_account == "elsewhere").values(gateway_account=LEFT.account))
    (matter,) = [each for each in waiting(desk) if each.kind == "account"]
    assert (matter.id, matter.may) == (NAME, ("release",))
    assert (
        compare(desk.store, Keyless(desk, LEFT.account), desk.clock, by=driver_name("compare"), only=[LEFT]).unread == 1
    )
