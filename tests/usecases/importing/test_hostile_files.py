"""Files that are broken, huge or meant to harm: refused by name, with a line, and nothing is stored."""

from __future__ import annotations

import pytest

from app.subscriptions.importing import ImportRefused
from tests.usecases.importing.files import Files

HEADER = b"reference,email,name\n"
GOOD = b"c-1,a@b.example,Ann\n"

BAD_BYTES = [
    (b"", 1, "there is no header"),
    (b"\n\n", 1, "there is no header"),
    (HEADER + b"c-1,a@b.example,Ren\xe9\n", 2, "is not UTF-8"),
    (HEADER + GOOD * 1 + b"c-2,a@b.example,\xff\xfe\n", 3, "is not UTF-8"),
    ((HEADER + GOOD).decode().encode("utf-16"), 1, "is UTF-16"),
    (b"reference,email,colour\n" + GOOD, 1, "there is no such column"),
    (b"reference,email,email\n" + GOOD, 1, "stands in the header twice"),
    (b"reference,email,\n" + GOOD, 1, "there is no such column"),
    (b"reference,email,price:USD:1year\n" + GOOD, 1, "there is no such column"),
    (HEADER + b"c-1,a@b.example\n", 2, "has 2 cells, the header has 3"),
    (HEADER + b"c-1,a@b.example,Ann,more\n", 2, "has 4 cells, the header has 3"),
    (HEADER + b'c-1,a@b.example,"' + b"x" * 200_000 + b'"\n', 2, "is not readable as CSV"),
    (HEADER + b'c-1,a@b.example,"never closed\n' + GOOD, 3, "is not readable as CSV"),
    (HEADER + b"c-1,a@b.example," + b"x" * 100_000 + b"\n", 2, "longer than 200"),
    (HEADER + b"c-1,a@b.example,A\x00nn\n", 2, "control characters"),
    (HEADER + b"c-1,a@b.example,=cmd|calc\n", 2, "formula"),
    (HEADER + b"c-1,a@b.example,+1\n", 2, "formula"),
    (HEADER + GOOD + b"\n" + GOOD, 4, "more than once"),
    (b",".join(b"c%d" % number for number in range(300)) + b"\n", 1, "more than 200 columns"),
]


@pytest.mark.parametrize(("content", "line", "reason"), BAD_BYTES)
def test_a_csv_that_cannot_be_taken_says_where(files: Files, content: bytes, line: int, reason: str):
    said = files.refused(files.bytes, content, "customers.csv")
    assert any(problem[0] == line and reason in problem[2] for problem in said), said


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + HEADER + GOOD,
        (HEADER + GOOD).replace(b"\n", b"\r\n"),
        (HEADER + GOOD).replace(b",", b";"),
        (HEADER + GOOD).replace(b",", b"\t"),
        HEADER + GOOD.rstrip(b"\n"),
        HEADER + b"\n,,\n" + GOOD,
        b' reference ,email,name\n"c-1","a@b.example","Ann"\n',
    ],
    ids=["byte order mark", "CRLF", "semicolons", "tabs", "no last line end", "blank lines", "quotes"],
)
def test_what_spreadsheets_write_is_read(files: Files, content: bytes):
    assert files.bytes(content, "customers.csv").counts == {"customers": 1}


def test_a_file_without_rows_stores_nothing_and_says_so(files: Files):
    assert files.bytes(HEADER, "customers.csv").counts == {}
    assert files.json([], "customers").counts == {}
    assert files.json({}).total == 0


BAD_JSON = [
    (b"", 1, "expected, not the end of the file"),
    (b"[{}", 1, "expected, not the end"),
    (b"[\n{},\n{]", 3, "is not readable as JSON"),
    (b'[\n{"reference": "a", "reference": "b"}\n]', 2, "'reference' stands twice in one object"),
    (b'[{"email": NaN}]', 1, "NaN is no JSON"),
    (b'[{"number": ' + b"9" * 5000 + b"}]", 1, "too long"),
    (b'[{"name": "' + b"x" * 1_100_000 + b'"}]', 1, "longer than"),
    (b"[" * 100_000, 1, "is nested too deeply"),
    (b'[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", 1, "is nested too deeply"),
    (b"[1, 2]", 1, "is no object"),
    (b'["x"]', 1, "is no object"),
    (b"[{}] x", 1, "goes on after its end"),
    (b'[{"reference": "caf\xe9"}]', 1, "is not UTF-8"),
    (b'\n\n[{"reference": "a", "email": "x"}]', 3, "is no e-mail address"),
    (b'"x"', 1, "expected"),
]


@pytest.mark.parametrize(("content", "line", "reason"), BAD_JSON)
def test_a_json_file_that_cannot_be_taken_says_where(files: Files, content: bytes, line: int, reason: str):
    said = files.refused(files.bytes, content, "customers.json")
    assert any(problem[0] == line and reason in problem[2] for problem in said), str(said)[:500]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"people": []}', "is no kind of rows"),
        (b'{"customers": [], "customers": []}', "stands twice"),
        (b'{"customers": {}}', "expected"),
        (b'{"customers": []', "expected"),
        (b"{customers: []}", "expected"),
        (b"[]", "name its kind"),
    ],
)
def test_an_object_of_lists_names_each_kind_once(files: Files, document: bytes, reason: str):
    said = files.refused(files.bytes, document, "everything.json")
    assert reason in said[0][2]


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("people.csv", None, "import_kind_unknown"),
        ("people.csv", "people", "import_kind_unknown"),
        ("customers.xlsx", None, "import_unreadable"),
    ],
)
def test_a_file_whose_kind_nobody_knows_is_refused_by_name(files: Files, name: str, kind: str | None, code: str):
    with pytest.raises(ImportRefused) as refused:
        files.bytes(HEADER + GOOD, name, kind=kind)
    assert refused.value.code == code


def test_a_file_that_is_not_there_is_refused_by_name(files: Files):
    from app.kit.clock import StoppedClock
    from app.subscriptions.importing import import_file
    from tests.conftest import TODAY

    with pytest.raises(ImportRefused, match=r"customers\.csv: No such file"):
        import_file(files.store, StoppedClock(TODAY), files.book, files.folder / "customers.csv")


def test_an_object_split_between_two_readings_is_read_whole(files: Files):
    """Objects of every length across the reader's portions, with characters of several bytes at the seams."""
    rows = [
        {"reference": f"c-{number}", "email": "a@b.example", "name": "é" * (number % 190 + 1)} for number in range(1500)
    ]
    assert files.json(rows, "customers").counts == {"customers": 1500}
