"""``liftlink refund`` as a person types it, over the demo's customers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.doors.commands.conftest import Commands

BOUGHT = ("--quantity", "2", "--unit-price", "10.00", "--charge", "default", "--consent", "Dana said yes.")


@pytest.fixture
def bought(run: Commands, loaded_demo: Path) -> tuple[Commands, str]:
    """Commands, and the number of an order of 5.00."""
    shutil.copytree(loaded_demo, run.folder, dirs_exist_ok=True)
    made = run("subscription", "change", "1048", *BOUGHT, "--merchant", "quillmark", "--json")
    assert made.code == 0, made.err
    return run, made.json["order"]


def test_a_part_then_the_rest_and_then_nothing_is_left(bought: tuple[Commands, str]):
    run, number = bought
    part = run("refund", "--merchant", "quillmark", number, "--amount", "2.00", "--reason", "goodwill")
    assert part.code == 0, part.err
    assert "2.00 USD of order" in part.out
    assert "paid 5.00, given back 2.00, left 3.00" in part.out
    rest = run("refund", "--merchant", "quillmark", number, "--json")
    assert (rest.json["state"], rest.json["amount"], rest.json["left"]) == ("SUCCEEDED", "3.00", "0.00")
    assert rest.json["order_state"] == "REFUNDED"
    again = run("refund", "--merchant", "quillmark", number)
    assert (again.code, "[nothing_left]" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--amount", "5.01"), "refund_too_large"), (("--amount", "0"), "amount_invalid"), (("--amount", "a"), "money_malformed")],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(bought: tuple[Commands, str], words: tuple[str, ...], code: str):
    run, number = bought
    outcome = run("refund", "--merchant", "quillmark", number, *words)
    assert (outcome.code, outcome.out) == (1, "")
    assert f"[{code}]" in outcome.err


def test_an_order_of_nobody_is_refused(run: Commands, loaded_demo: Path):
    shutil.copytree(loaded_demo, run.folder, dirs_exist_ok=True)
    outcome = run("refund", "UP-0000-0000", "--merchant", "quillmark")
    assert (outcome.code, "[order_unknown]" in outcome.err) == (1, True)
