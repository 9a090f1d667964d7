"""Amounts below zero are no prices: neither a link nor a saved offer takes one."""

from __future__ import annotations

import pytest

from tests.doors.cli import test_link_commands
from tests.doors.cli.test_link_commands import Run

run = test_link_commands.run
LINK = ("link", "create", "-s", "1048", "--mode", "test")
OFFER = ("offer", "save", "--name", "Seat", "--currency", "USD", "--product", "crm-seat", "--mode", "test")


@pytest.mark.parametrize("command", [LINK, OFFER], ids=["link", "offer"])
@pytest.mark.parametrize("option", ["--unit-price", "--discount"])
@pytest.mark.parametrize("amount", ["-10.00", "-0.01"])
def test_an_amount_below_zero_is_refused(run: Run, command: tuple[str, ...], option: str, amount: str):
    status, out, err = run(*command, "--quantity", "2", f"{option}={amount}")
    assert (status, out) == (2, "")
    assert f"{option}: {amount} is below zero" in err
    assert run("offer", "list", "--mode", "test", "--json")[1].strip() == "[]"


def test_a_price_of_nothing_is_one(run: Run):
    status, out, err = run(*LINK, "--quantity", "2", "--unit-price", "0")
    assert status == 0, err
    assert "today 0.00 USD" in out
