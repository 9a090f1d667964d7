"""``liftlink link`` and ``liftlink offer`` as a person types them: what is printed, and the exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from app.cli import main
from tests.doors.cli.conftest import START, stand_in

Run = Callable[..., tuple[int, str, str]]
SEAT = ("--subscription", "QM-1048", "--quantity", "2", "--unit-price", "10.00")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], installation: Path) -> Run:
    """Runs a command in an installation of the test's own that stands on July 1."""
    shutil.copytree(installation, tmp_path, dirs_exist_ok=True)
    stand_in(tmp_path, monkeypatch)

    def run(*words: str) -> tuple[int, str, str]:
        status = main(list(words))
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def made(run: Run, *more: str) -> dict[str, object]:
    status, out, err = run("link", "create", *SEAT, *more, "--mode", "test", "--json")
    assert status == 0, err
    return json.loads(out)


def test_create_prints_the_link_and_its_price(run: Run):
    status, out, _ = run("link", "create", *SEAT, "--mode", "test")
    lines = out.splitlines()
    assert status == 0
    assert "/u/" in lines[0]
    assert len(lines[0]) <= 200
    assert "5.00 USD" in lines[2]
    assert "2027-01-01: 50.00 USD" in lines[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--subscription", "9999", "--quantity", "2"), "subscription_unknown"),
        (("--subscription", "1048", "--quantity", "1"), "same_target"),
        (("--subscription", "1048", "--quantity", "2", "--valid", "7w"), "validity_invalid"),
        (("--subscription", "1048", "--quantity", "2", "--ip", "here"), "claims_invalid"),
        (("--subscription", "1048", "--quantity", "2", "--unit-price", "ten"), "money_malformed"),
        (("--subscription", "1048", "--quantity", "2", "--customer", "77"), "customer_mismatch"),
        (("--subscription", "1048", "--saved", "5"), "offer_unknown"),
        (("--subscription", "1048", "--product", "nosuch"), "no product nosuch [product_unknown]"),
        (
            ("--subscription", "1048", "--option", "nosuch"),
            "crm-seat has no option nosuch (it has none) [option_unknown]",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(run: Run, words: tuple[str, ...], told: str):
    status, out, err = run("link", "create", *words, "--mode", "test")
    assert (status, out) == (1, "")
    assert told in err


@pytest.mark.parametrize(("valid", "hours"), [("10s", 10 / 3600), ("45m", 0.75), ("12h", 12), ("7d", 168)])
def test_validity_is_given_in_seconds_minutes_hours_or_days(run: Run, valid: str, hours: float):
    found = made(run, "--valid", valid)
    left = datetime.fromisoformat(str(found["expires_at"])) - START
    assert left.total_seconds() == pytest.approx(hours * 3600, abs=60)


@pytest.mark.parametrize("command", ["create", "preview"])
@pytest.mark.parametrize("missing", ["legal-name", "help-email", "account-url", "product-url"])
def test_a_merchant_whose_pages_would_lack_something_sells_nothing(run: Run, command: str, missing: str):
    before = run("merchant", "set", f"--{missing}", "")
    assert before[0] == 0, before[2]
    status, out, err = run("link", command, *SEAT, "--mode", "test")
    assert (status, out) == (1, "")
    assert (
        f"without {missing.replace('-', '_')}: liftlink merchant set quillmark --{missing} … [merchant_incomplete]"
        in err
    )


def test_inspect_tells_claims_state_and_both_prices(run: Run):
    link = made(run, "--ip", "192.0.2.7", "--uses", "3")
    status, out, _ = run("link", "inspect", str(link["url"]), "--json")
    told = json.loads(out)
    assert status == 0
    assert told["state"] == "open"
    assert told["price_then"] == {"due_now": "5.00", "renewal": "50.00", "currency": "USD"}
    assert told["price_now"]["due_now"] == "5.00"
    assert told["offer"]["quantity"] == 2
    assert told["opened"]["times"] == 0


def test_a_revoked_link_says_so(run: Run):
    link = made(run)
    status, out, _ = run("link", "revoke", str(link["url"]), "--reason", "sent by mistake")
    assert (status, "is revoked" in out) == (0, True)
    told = json.loads(run("link", "inspect", str(link["url"]), "--json")[1])
    assert (told["state"], told["revoked_because"]) == ("link_revoked", "sent by mistake")
    assert "already" in run("link", "revoke", str(link["id"]), "--mode", "test")[1]


def test_an_edited_link_is_refused_by_name(run: Run):
    link = str(made(run)["url"])
    status, _, err = run("link", "inspect", link[:-1])
    assert status == 1
    assert "link_malformed" in err
    assert "link_bad_signature" in run("link", "inspect", link[:-3] + "AAA")[2]


def test_offline_needs_no_database(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    link = str(made(run)["url"])
    monkeypatch.setenv("LIFTLINK_INSTANCE_PATH", str(tmp_path / "elsewhere"))
    status, out, _ = run("link", "inspect", link, "--offline")
    assert status == 0
    assert "not checked here" in out
    assert not (tmp_path / "elsewhere").exists()


def test_a_saved_offer_travels_by_its_number(run: Run):
    saved = ("--name", "Seat", "--currency", "USD", "--product", "crm-seat", "--quantity", "2", "--unit-price", "10.00")
    status, out, err = run("offer", "save", *saved, "--mode", "test", "--json")
    assert status == 0, err
    number = json.loads(out)["number"]
    status, out, err = run(
        "link", "create", "--subscription", "1048", "--saved", str(number), "--mode", "test", "--json"
    )  # fmt: skip
    assert status == 0, err
    assert json.loads(out)["due_now"] == "5.00"
    assert "Seat" in run("offer", "list", "--mode", "test")[1]
    assert run("link", "revoke", str(number), "--kind", "offer", "--mode", "test")[0] == 0
    status, _, err = run("link", "create", "--subscription", "1048", "--saved", str(number), "--mode", "test")
    assert (status, "offer_closed" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--product", "nosuch"), "product_unknown"), (("--product", "crm-seat", "--option", "nosuch"), "option_unknown")],
)
def test_an_offer_of_what_the_catalog_does_not_have_is_not_saved(run: Run, words: tuple[str, ...], told: str):
    status, out, err = run(
        "offer", "save", "--name", "Typo", "--currency", "USD", "--quantity", "2", *words, "--mode", "test"
    )
    assert (status, out, told in err) == (1, "", True)
    assert run("offer", "list", "--mode", "test", "--json")[1].strip() == "[]"


CHOICE = ("--name", "Seats", "--currency", "USD", "--product", "crm-seat", "--unit-price", "10.00", "--mode", "test")


def test_a_saved_offer_may_leave_the_quantity_to_the_shopper(run: Run):
    status, out, err = run("offer", "save", *CHOICE, "--quantity", "2", "--choose-quantity", "2-10", "--json")
    assert status == 0, err
    number = str(json.loads(out)["number"])
    assert "quantity 2-10" in run("offer", "list", "--mode", "test")[1]
    listed = json.loads(run("offer", "list", "--mode", "test", "--json")[1])
    assert listed[0]["choices"] == {"quantity": {"min": 2, "max": 10}}
    status, out, err = run("link", "create", "-s", "1048", "--saved", number, "--mode", "test")
    assert status == 0, err
    url = out.splitlines()[0]
    assert json.loads(run("link", "inspect", url, "--json")[1])["shopper_chooses"] == {
        "quantity": {"min": 2, "max": 10}
    }
    assert "quantity 2-10" in run("link", "inspect", url)[1]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--choose-option", "support:maybe"), 2, "ends in neither :add nor :remove"),
        (("--choose-option", "users=5"), 2, "'5' is not a range such as 2-10"),
        (("--choose-option", "nosuch"), 1, "option_unknown"),
    ],
)
def test_an_option_that_cannot_be_left_open_is_told(run: Run, words: tuple[str, ...], status: int, told: str):
    code, out, err = run("offer", "save", *CHOICE, "--quantity", "2", *words)
    assert (code, out, told in err) == (status, "", True), err


def test_an_offer_without_a_choice_says_nothing_of_one(run: Run):
    assert "shopper_chooses" not in json.loads(run("link", "inspect", str(made(run)["url"]), "--json")[1])


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--quantity", "2", "--choose-quantity", "some"), 2, "--choose-quantity: 'some' is not a range such as 2-10"),
        (("--quantity", "2", "--choose-quantity", "2-"), 2, "is not a range"),
        (("--quantity", "2", "--choose-quantity", "-5-2"), 2, "is not a range"),
        (("--quantity", "2", "--choose-quantity", "10-2"), 1, "the smallest before the largest, not 10-2"),
        (("--quantity", "2", "--choose-quantity", "2-2"), 1, "the smallest before the largest"),
        (("--quantity", "2", "--choose-quantity", "0-5"), 1, "from 1 to"),
        (("--quantity", "2", "--choose-quantity", "2-2000000"), 1, "to 1,000,000"),
        (("--quantity", "11", "--choose-quantity", "2-10"), 1, "own quantity, 11, is not from 2 to 10"),
        (("--choose-quantity", "2-10"), 2, "--quantity"),
    ],
)
def test_a_choice_that_cannot_be_offered_is_not_saved(run: Run, words: tuple[str, ...], status: int, told: str):
    code, out, err = run("offer", "save", *CHOICE, *words)
    assert (code, out) == (status, "")
    assert told in err
    assert run("offer", "list", "--mode", "test", "--json")[1].strip() == "[]"


def test_a_percentage_may_last(run: Run):
    def priced(discount: str) -> tuple[object, object]:
        status, out, err = run(
            "link", "create", "-s", "1048", "--quantity", "2", "--discount", discount, "--mode", "test", "--json"
        )  # fmt: skip
        assert status == 0, err
        found = json.loads(out)
        return found["due_now"], found["renewal"]

    assert priced("20%") == ("16.00", "80.00")
    assert priced("20%:forever") == ("16.00", "72.00")
    status, _, err = run("link", "create", "-s", "1048", "--quantity", "2", "--discount", "120%", "--mode", "test")
    assert status == 2
    assert "--discount" in err


def test_a_preview_is_an_address_that_sells_nothing(run: Run):
    status, out, err = run("link", "preview", *SEAT, "--mode", "test")
    assert status == 0, err
    assert "/cart/" in out


def test_an_offer_from_a_file_may_say_what_no_option_says(run: Run, tmp_path: Path):
    path = tmp_path / "yearly.json"
    path.write_text('[{"quantity": 2}, {"item": null, "product": "crm-pro", "quantity": 1}]')
    saved = ("offer", "save", "--name", "Both", "--currency", "USD", "--mode", "test", "--json")
    status, out, err = run(*saved, "--change", str(path))
    assert status == 0, err
    number = str(json.loads(out)["number"])
    status, out, err = run("link", "create", "--subscription", "1048", "--saved", number, "--mode", "test", "--json")
    assert status == 0, err
    assert json.loads(out)["due_now"] == "70.00"
    assert json.loads(out)["renewal"] == "180.00"


@pytest.mark.parametrize(
    ("stated", "more", "status", "told"),
    [
        ('{"quantty": 2}', (), 1, "wrong.json.quantty: is unknown here"),
        ('{"product": "nosuch"}', (), 1, "product_unknown"),
        ("[]", (), 2, "the files name no change"),
        ('{"quantity": 2}', ("--quantity", "3"), 2, "--change FILE says the whole change"),
    ],
)
def test_an_offer_file_that_is_wrong_is_refused_by_name(
    run: Run, tmp_path: Path, stated: str, more: tuple[str, ...], status: int, told: str
):
    path = tmp_path / "wrong.json"
    path.write_text(stated)
    found, out, err = run(
        "offer", "save", "--name", "Wrong", "--currency", "USD", "--mode", "test", "--change", str(path), *more
    )
    assert (found, out, told in err) == (status, "", True), err
