"""``liftlink audit`` as a person types it: clean over the demo, and it names the row that somebody damaged."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.doors.commands.conftest import Commands

BOUGHT = ("--quantity", "2", "--unit-price", "10.00", "--charge", "default", "--consent", "Dana said yes.")


@pytest.fixture
def bought(run: Commands, loaded_demo: Path) -> tuple[Commands, str]:
    shutil.copytree(loaded_demo, run.folder, dirs_exist_ok=True)
    made = run("subscription", "change", "1048", *BOUGHT, "--merchant", "quillmark", "--json")
    assert made.code == 0, made.err
    assert run("refund", made.json["number"], "--amount", "1.00", "--merchant", "quillmark").code == 0
    return run, made.json["order"]


def test_the_demo_is_clean(bought: tuple[Commands, str]):
    run, _ = bought
    outcome = run("audit")
    assert outcome.code == 0, outcome.out
    assert "I1      ok" in outcome.out
    assert outcome.out.rstrip().endswith("checks hold.")


def test_it_stops_at_the_first_broken_one_and_names_the_row(bought: tuple[Commands, str]):
    run, order = bought
    with sqlite3.connect(run.folder / "liftlink.sqlite3") as database:
        database.execute("UPDATE attempts SET amount = 501 WHERE order_id = ?", (order,))
    outcome = run("audit")
    assert outcome.code == 1
    assert f"{order}.1" in outcome.out
    assert outcome.out.count("BROKEN") == 1
    assert "[audit_failed]" in outcome.err
    assert run("audit", "--all").out.count("BROKEN") > 1


def test_the_same_as_json(bought: tuple[Commands, str]):
    run, order = bought
    assert run("audit", "--json").json["holds"] is True
    with sqlite3.connect(run.folder / "liftlink.sqlite3") as database:
        database.execute("UPDATE orders SET total = 1 WHERE id = ?", (order,))
    outcome = run("audit", "--json")
    last = outcome.json["invariants"][-1]
    assert (outcome.code, outcome.json["holds"], last["broken"][0]["row"]) == (1, False, f"order {order}")
