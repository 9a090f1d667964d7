"""``liftlink offer save --currency``: the amounts of a saved offer stay in the currency they were typed in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors.cli import test_link_commands

Run = Callable[..., tuple[int, str, str]]
run = test_link_commands.run
SAVE = ("offer", "save", "--name", "Seat", "--product", "crm-seat", "--quantity", "9", "--mode", "test", "--json")


def created(run: Run, number: int) -> tuple[int, str, str]:
    return run("link", "create", "-s", "1048", "--saved", str(number), "--mode", "test", "--json")


@pytest.mark.parametrize("amount", [("--unit-price", "1000"), ("--discount", "1000"), ("--discount", "500:3")])
def test_yen_do_not_become_cents(run: Run, amount: tuple[str, str]):
    """¥1000 was 1000 minor units, and so $10.00, for a subscription in dollars."""
    status, out, err = run(*SAVE, "--currency", "JPY", *amount)
    assert status == 0, err
    status, out, err = created(run, json.loads(out)["number"])
    assert (status, out) == (1, "")
    assert "[currency_mismatch]" in err


def test_the_same_holds_for_an_offer_from_a_file(run: Run, tmp_path: Path):
    path = tmp_path / "seat.json"
    path.write_text('{"quantity": 9, "discount": {"amount": "500", "scope": "forever"}}')
    save = ("offer", "save", "--name", "Seat", "--change", str(path), "--mode", "test", "--json")
    status, out, err = run(*save, "--currency", "jpy")
    assert status == 0, err
    assert "[currency_mismatch]" in created(run, json.loads(out)["number"])[2]


@pytest.mark.parametrize("terms", [(), ("--discount", "20%")])
def test_an_offer_without_an_amount_is_for_every_currency(run: Run, terms: tuple[str, ...]):
    status, out, err = run(*SAVE, "--currency", "JPY", *terms)
    assert status == 0, err
    assert created(run, json.loads(out)["number"])[0] == 0


def test_a_currency_that_does_not_exist_is_refused(run: Run):
    status, out, err = run(*SAVE, "--currency", "XQZ")
    assert (status, out) == (1, "")
    assert "[currency_unknown]" in err
