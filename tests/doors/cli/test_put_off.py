"""``liftlink subscription show`` tells what earlier changes left to the next renewal, until it is taken back."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from app.config import read_settings
from app.models.merchants import Book
from app.wiring import open_services
from tests.doors.cli import test_link_commands
from tests.doors.cli.test_link_commands import Run

run = test_link_commands.run
REF = ("1048", "--mode", "test")


@pytest.fixture
def deferring(run: Run) -> Run:
    """Whatever is below 10.00 waits for the renewal."""
    adapters = open_services(read_settings(None))
    policy = {"minimum_charge": {"amount": "10.00", "below": "defer"}}
    with adapters.store.write() as connection:
        connection.execute(update(Book).values(policy=policy, policy_version=Book.policy_version + 1))
    adapters.close()
    return run


def change(run: Run, *words: str) -> None:
    status, _, err = run("subscription", "change", *REF, *words, "--consent", "She agreed on the phone.")
    assert status == 0, err


def test_show_tells_what_waits_for_the_renewal_until_it_is_taken_back(deferring: Run):
    def put_off() -> tuple[object, bool]:
        facts = json.loads(deferring("subscription", "show", *REF, "--json")[1])
        told = deferring("subscription", "show", *REF)[1]
        return facts["put_off"], "$5.00 of earlier changes is collected with the next renewal." in told

    assert put_off() == ("0.00", False)
    change(deferring, "--quantity", "2", "--unit-price", "10.00")
    assert put_off() == ("5.00", True)
    change(deferring, "--quantity", "1")
    assert put_off() == ("0.00", False)
