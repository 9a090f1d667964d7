"""With ``--json`` the standard output is one JSON value or nothing: what happened meanwhile is told on the standard error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import structlog

import app.wiring
from app.cli.commands.root import group
from tests.doors.commands.conftest import Commands

BOUGHT = ("--quantity", "2", "--unit-price", "10.00", "--charge", "default", "--consent", "Dana said yes.")
WORDS: dict[str, tuple[str, ...]] = {
    "audit": (),
    "import": ("customers.csv",),
    "keys export": ("nobody",),
    "keys list": (),
    "keys retire": ("nobody",),
    "keys rotate": (),
    "link create": ("--subscription", "1048", "--quantity", "3"),
    "link inspect": ("nobody.nobody.nobody",),
    "link revoke": ("nobody.nobody.nobody",),
    "merchant create": ("other", "--name", "Other"),
    "merchant set": ("quillmark", "--name", "Quillmark"),
    "merchant show": ("quillmark",),
    "offer list": (),
    "offer save": ("--name", "two seats", "--currency", "USD", "--product", "crm-seat", "--quantity", "2"),
    "queue list": (),
    "queue resolve": ("attempt:nobody", "--release", "--reason", "why not"),
    "queue show": ("attempt:nobody",),
    "reconcile": (),
    "refund": ("UP-0000-0000",),
    "subscription change": ("1048", *BOUGHT),
    "subscription history": ("1048",),
    "subscription quote": ("1048", "--quantity", "3"),
    "subscription schedule": ("1048",),
    "subscription show": ("1048",),
    "subscription undo": ("1048",),
}
"""What each is called with; whether it does what was asked, or refuses it, is the same for its output."""
OPENS_NOTHING = {"settings", "db status"}
RUN_ELSEWHERE = {"demo"}
"""Its own process in ``conftest.loaded_demo``, whose standard output is read as JSON by ``test_demo``."""


def options(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Every command by its words, and the options that it takes."""
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from options(each, (*words, name))
    else:
        yield " ".join(words), {name for parameter in command.params for name in parameter.opts}


TAKES = dict(options(group))


@pytest.fixture
def telling(run: Commands, loaded_demo: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The demo, and an installation that tells something as soon as it is opened."""
    shutil.copytree(loaded_demo, run.folder, dirs_exist_ok=True)
    open_services = app.wiring.open_services

    def told(*given: Any, **named: Any) -> Any:
        opened = open_services(*given, **named)
        structlog.get_logger("app.told_by_the_test").warning("something_happened")
        return opened

    monkeypatch.setattr(app.wiring, "open_services", told)
    structlog.reset_defaults()  # as in a new process: printed on the standard output
    return run


def test_every_command_that_takes_json_is_here():
    assert {words for words, taken in TAKES.items() if "--json" in taken} == {*WORDS, *OPENS_NOTHING, *RUN_ELSEWHERE}


@pytest.mark.parametrize("command", WORDS)
def test_nothing_but_json_is_on_the_standard_output(telling: Commands, command: str):
    given = [str(telling.folder / word) if word.endswith(".csv") else word for word in WORDS[command]]
    (telling.folder / "customers.csv").write_text("email\nann@example.com\n")
    asks_which = "--merchant" in TAKES[command] and not command.startswith("merchant ")
    book = ["--merchant", "quillmark"] if asks_which else []
    outcome = telling(*command.split(), *given, *book, "--json")
    assert "something_happened" in outcome.err, outcome.err
    assert outcome.out == "" or json.loads(outcome.out) is not None


def test_a_change_that_is_paid_tells_its_steps_beside_the_json(telling: Commands):
    made = telling("subscription", "change", "1048", *BOUGHT, "--merchant", "quillmark", "--json")
    assert made.code == 0, made.err
    assert made.json["order"]
    for step in ("order_open", "attempt_succeeded", "order_paid"):
        assert step in made.err
