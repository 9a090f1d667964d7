"""Pure commands as a person runs them: their output, their one-line errors, and how little they import."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from tests.unit.billing.cases import case


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch):
    def feed(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return feed


def test_quote_reads_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case()))
    assert main(["quote", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["due_now"] == "5.00"


def test_quote_reads_standard_input_and_answers_a_list_with_a_list(stdin, capsys: pytest.CaptureFixture[str]):
    stdin(json.dumps([case(), case(policy__basis="day")]))
    assert main(["quote", "-"]) == 0
    assert [answer["due_now"] for answer in json.loads(capsys.readouterr().out)] == ["5.00", "5.04"]


def test_an_empty_list_is_answered_by_one(stdin, capsys: pytest.CaptureFixture[str]):
    stdin("[]")
    assert main(["quote", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def one_line_error(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(case(change__quantity=-2)), "liftlink quote: change.quantity: must be a whole number ≥ 0"),
        (json.dumps([case(), case(currency="XXX")]), "liftlink quote: [1].currency: 'XXX' is no ISO 4217 currency"),
        ('{"at": 1, "at": 2}', "liftlink quote: at: is written twice"),
        ('{"at": NaN}', "liftlink quote: no JSON: NaN is no number"),
        ("[1", "liftlink quote: -: no JSON: Expecting ',' delimiter in line 1, column 3"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), None),
    ],
)
def test_a_bad_case_is_one_line_and_exit_code_2(
    stdin, capsys: pytest.CaptureFixture[str], text: str, message: str | None
):
    stdin(text)
    assert main(["quote", "-"]) == 2
    line = one_line_error(capsys)
    assert line == message or message is None


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]):
    assert main(["quote", "/no/such.json"]) == 2
    assert one_line_error(capsys) == "liftlink quote: /no/such.json: No such file or directory"


def test_schedule_prints_the_dates_of_the_specification(capsys: pytest.CaptureFixture[str]):
    assert main(["schedule", "--anchor", "2023-01-31", "--interval", "1month", "--count", "4"]) == 0
    assert capsys.readouterr().out.split() == ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30"]


def test_schedule_prints_a_list_of_strings(capsys: pytest.CaptureFixture[str]):
    assert (
        main(
            [
                "schedule",
                "--anchor",
                "2023-01-31",
                "--interval",
                "1month",
                "--count",
                "2",
                "--from",
                "2024-02-29",
                "--json",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out) == ["2024-02-29", "2024-03-31"]


def test_the_local_day_of_an_instant_is_the_anchor(capsys: pytest.CaptureFixture[str]):
    arguments = "schedule --anchor 2023-01-31T23:30:00Z --interval 1month --count 2 --timezone Europe/Paris"
    assert main(arguments.split()) == 0
    assert capsys.readouterr().out.split() == ["2023-02-01", "2023-03-01"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("--anchor 2023-02-30 --interval 1month --count 4", "--anchor"),
        ("--anchor 2023-01-31 --interval 1moon --count 4", "--interval"),
        ("--anchor 2023-01-31 --interval 1month --count 0", "--count"),
        ("--anchor 2023-01-31 --interval 1month --count 4 --from soon", "--from"),
        ("--anchor 2023-01-31 --interval 1month --count 4 --timezone Nowhere", "--timezone"),
        ("--anchor 2023-01-31 --interval 999year --count 40", "--count"),
    ],
)
def test_a_bad_argument_is_named(capsys: pytest.CaptureFixture[str], arguments: str, named: str):
    assert main(["schedule", *arguments.split()]) == 2
    assert one_line_error(capsys).startswith(f"liftlink schedule: {named}: ")


@pytest.mark.parametrize("arguments", ["quote", "schedule", "schedule --anchor 2023-01-31", "quote a b"])
def test_bad_usage_is_exit_code_2(arguments: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(arguments.split())
    assert stopped.value.code == 2
    assert "usage: liftlink" in capsys.readouterr().err


def test_pure_commands_import_neither_click_nor_flask_nor_sqlalchemy(tmp_path: Path):
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case()))
    code = (
        "import sys; from app.cli import main; main(['quote', sys.argv[1]]);"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'click', 'flask', 'sqlalchemy', 'jinja2', 'babel'}), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def test_a_reader_that_goes_away_gets_no_traceback(tmp_path: Path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([case()] * 500))
    code = "import sys; from app.cli import main; sys.exit(main(['quote', sys.argv[1]]))"
    command = f'{sys.executable} -c "{code}" {path} | head -c 10'
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
