"""Reads a CSV: one row an object, its columns put where the JSON form has them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from app.subscriptions.importing.columns import Columns
from app.subscriptions.importing.context import Context, Kind
from app.subscriptions.importing.fields import Row
from app.subscriptions.importing.problems import Problems

MOST_COLUMNS = 200
Cells = tuple[int, list[str]]
"""The line on which a row begins, and its cells."""


def csv_rows(raw: BinaryIO, kind: Kind, context: Context) -> Iterator[Row]:
    """The rows of a CSV in UTF-8, separated by commas, semicolons or tabs. ``Stop`` when it cannot be read on."""
    text = _text(raw, context.problems)
    try:
        yield from _read(text, raw, kind, context)
    finally:
        with suppress(ValueError):  # the caller, whose file it is, may have closed it by now
            text.detach()


def _read(text: io.TextIOWrapper, raw: BinaryIO, kind: Kind, context: Context) -> Iterator[Row]:
    problems = context.problems
    reader = csv.reader(text, delimiter=_delimiter(text), strict=True)
    header: list[str] = [name.strip() for name in _next(reader, raw, problems) or []]
    if not any(header):
        raise problems.stop(1, "", "there is no header with the columns' names")
    if len(header) > MOST_COLUMNS:
        raise problems.stop(1, "", f"more than {MOST_COLUMNS} columns")
    context.columns = columns = Columns(kind.columns, kind.dynamic, header, problems)
    if () in columns.paths:
        raise problems.stop(1, "", f"the columns of {kind.name} are {_listed(kind)}")
    cells = _cells(reader, raw, len(header), problems)
    yield from kind.group(columns, cells)


def _listed(kind: Kind) -> str:
    return ", ".join([*kind.columns, *(f"{prefix}:…" for prefix in kind.dynamic)])


def _cells(reader: Any, raw: BinaryIO, width: int, problems: Problems) -> Iterator[Cells]:
    while True:
        line = reader.line_num + 1
        row = _next(reader, raw, problems)
        if row is None:
            return
        if not any(row):
            continue
        if len(row) != width:
            problems.add(line, "", f"has {len(row)} cells, the header has {width}")
            continue
        yield line, row


def _next(reader: Any, raw: BinaryIO, problems: Problems) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise problems.stop(reader.line_num or 1, "", f"is not readable as CSV: {error}") from None
    except UnicodeDecodeError:
        raise problems.stop(_bad_line(raw), "", "is not UTF-8 text; save the file as UTF-8") from None


def _text(raw: BinaryIO, problems: Problems) -> io.TextIOWrapper:
    start = raw.read(2)
    raw.seek(0)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        raise problems.stop(1, "", "is UTF-16 text; save the file as UTF-8")
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="strict", newline="")


def _delimiter(text: io.TextIOWrapper) -> str:
    """What separates the header's columns: spreadsheets of many countries write semicolons."""
    try:
        header = text.readline(65_536)
    except UnicodeDecodeError:
        header = ""  # told with its line when the rows are read
    text.seek(0)
    return max(",;\t", key=header.count)


def _bad_line(raw: BinaryIO) -> int:
    """The first line that is not UTF-8: the decoder itself reads ahead and cannot tell."""
    raw.seek(0)
    number = 0
    for number, line in enumerate(raw, 1):  # noqa: B007 - the last one is the answer
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            break
    return number
