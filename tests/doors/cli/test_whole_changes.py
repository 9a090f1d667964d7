"""What a file or a saved offer says whole takes no option beside it: it would count for nothing, unsaid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from app.config import read_settings
from app.models.subscriptions import Entitlement, SubscriptionItem
from app.wiring import open_services
from tests.doors.cli import test_link_commands
from tests.doors.cli.test_link_commands import Run

run = test_link_commands.run
BESIDE = [
    ("--effective", "next_billing"),
    ("--effective", "now"),
    ("--item", "2"),
    ("--quantity", "3"),
    ("--unit-price", "0"),
    ("--option", "support"),
    ("--alignment", "reset"),
]


def ids(words: tuple[str, str]) -> str:
    return " ".join(words)


@pytest.mark.parametrize("words", BESIDE, ids=ids)
def test_beside_a_file_no_option_of_the_change_is_dropped(run: Run, tmp_path: Path, words: tuple[str, str]):
    path = tmp_path / "seat.json"
    path.write_text('{"quantity": 2}')
    save = ("offer", "save", "--name", "Seat", "--currency", "USD", "--mode", "test")
    status, out, err = run(*save, "--change", str(path), *words)
    assert (status, out) == (2, "")
    assert f"--change FILE says the whole change: leave out {words[0]}" in err


@pytest.mark.parametrize("words", BESIDE, ids=ids)
@pytest.mark.parametrize("command", ["create", "preview"])
def test_beside_a_saved_offer_no_option_of_the_change_is_dropped(run: Run, command: str, words: tuple[str, str]):
    status, out, err = run("link", command, "-s", "1048", "--saved", "1", *words, "--mode", "test")
    assert (status, out) == (2, "")
    assert f"--saved says the whole change: leave out {words[0]}" in err


def test_a_saved_offer_need_not_be_about_the_first_item(run: Run, tmp_path: Path):
    """The subscription's item 1 is gone; the offer is about item 2."""
    path = tmp_path / "more.json"
    path.write_text('{"item": 2, "quantity": 2}')
    save = ("offer", "save", "--name", "Seat", "--currency", "USD", "--mode", "test", "--json")
    status, out, err = run(*save, "--change", str(path))
    assert status == 0, err
    adapters = open_services(read_settings(None))
    with adapters.store.write() as connection:
        connection.execute(update(SubscriptionItem).values(running_number=2))
        connection.execute(update(Entitlement).values(item=2))
    adapters.close()
    number = str(json.loads(out)["number"])
    status, out, err = run("link", "create", "-s", "1048", "--saved", number, "--mode", "test", "--json")
    assert status == 0, err
    assert json.loads(out)["due_now"] == "20.00"
