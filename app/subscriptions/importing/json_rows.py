"""Reads a JSON file object by object, so that memory does not grow with the file.

Either a list of one kind, or an object with a list per kind: ``{"products": […], "subscriptions": […]}``.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any, BinaryIO

from app.subscriptions.importing.columns import JsonPlace
from app.subscriptions.importing.fields import Row
from app.subscriptions.importing.problems import Problems

CHUNK = 1 << 16
LARGEST_OBJECT = 1 << 20
"""Characters; the JSON of a subscription has a few hundred."""
_SPACE = " \t\r\n"


class _Twice(ValueError):
    """A name stands twice in one object: readers disagree which one counts."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise _Twice(f"{name} is no JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_LENIENT = json.JSONDecoder(parse_int=str)  # numbers of any length, only to find where the value ends


class _Source:
    """The text of the file behind a moving window, with the line that the window stands at."""

    def __init__(self, raw: BinaryIO, problems: Problems) -> None:
        self._raw, self._problems = raw, problems
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self.text = ""
        self.at = 0
        self.ended = False
        self._line, self._counted = 1, 0

    def line(self, at: int | None = None) -> int:
        """The line of ``at``, which never goes back by more than the window."""
        return self._line + self.text.count("\n", self._counted, self.at if at is None else at)

    def more(self) -> None:
        """Drop what was read and read on."""
        self._line, self._counted = self.line(), 0
        kept = self.text[self.at :]
        chunk = self._raw.read(max(CHUNK, len(kept)))
        self.ended = not chunk
        try:
            self.text = kept + self._decode.decode(chunk, final=self.ended)
        except UnicodeDecodeError as error:
            good = self._line + kept.count("\n") + chunk[: error.start].count(b"\n")
            raise self._problems.stop(good, "", "is not UTF-8 text; save the file as UTF-8") from None
        self.at = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            text, at, size = self.text, self.at, len(self.text)
            while at < size and text[at] in _SPACE:
                at += 1
            self.at = at
            if at < size:
                return text[at]
            if self.ended:
                return ""
            self.more()

    def take(self, expected: str) -> None:
        """Step over one of the ``expected`` characters."""
        found = self.peek()
        if not found or found not in expected:
            wanted = " or ".join(repr(letter) for letter in expected)
            told = repr(found) if found else "the end of the file"
            raise self._problems.stop(self.line(), "", f"is not readable as JSON: {wanted} expected, not {told}")
        self.at += 1

    def value(self) -> tuple[Any, str | None]:
        """The value that begins here, and what is wrong with it although it could be read."""
        self.peek()
        while True:
            try:
                found, end = _STRICT.raw_decode(self.text, self.at)
                wrong = None
            except JSONDecodeError as error:
                if self.ended or len(self.text) - self.at > LARGEST_OBJECT:
                    raise self._unreadable(error) from None
                self.more()
                continue
            except RecursionError:
                raise self._problems.stop(self.line(), "", "is nested too deeply") from None
            except ValueError as error:
                found, wrong = None, str(error) if isinstance(error, _Twice) else "holds a number that is too long"
                end = self._end()
            if end - self.at > LARGEST_OBJECT:
                raise self._problems.stop(self.line(), "", f"is longer than {LARGEST_OBJECT:,} characters")
            self.at = end
            return found, wrong

    def _end(self) -> int:
        try:
            return _LENIENT.raw_decode(self.text, self.at)[1]
        except (ValueError, RecursionError):
            raise self._problems.stop(self.line(), "", "is not readable as JSON") from None

    def _unreadable(self, error: JSONDecodeError) -> Exception:
        if not self.ended:
            return self._problems.stop(self.line(), "", f"is longer than {LARGEST_OBJECT:,} characters or not readable")
        return self._problems.stop(self.line(error.pos), "", f"is not readable as JSON: {error.msg}")


def json_rows(raw: BinaryIO, kind: str | None, kinds: frozenset[str], problems: Problems) -> Iterator[Row]:
    """Every object of the file. With ``kind`` a list may stand alone. ``Stop`` when the file cannot be read on."""
    source = _Source(raw, problems)
    if source.peek() == "[":
        if kind is None:
            raise problems.stop(1, "", 'is a list; name its kind, or write {"products": […], …}')
        yield from _list(source, kind, problems)
    else:
        source.take("{")
        yield from _lists(source, kinds, problems)
    if source.peek():
        raise problems.stop(source.line(), "", "goes on after its end")


def _lists(source: _Source, kinds: frozenset[str], problems: Problems) -> Iterator[Row]:
    read: set[str] = set()
    if source.peek() == "}":
        source.take("}")
        return
    while True:
        if source.peek() != '"':
            source.take('"')
        line = source.line()
        name, _ = source.value()
        if name not in kinds:
            raise problems.stop(line, str(name)[:60], f"is no kind of rows (there are {', '.join(sorted(kinds))})")
        if name in read:
            raise problems.stop(line, name, "stands twice")
        read.add(name)
        source.take(":")
        yield from _list(source, name, problems)
        if source.peek() == "}":
            source.take("}")
            return
        source.take(",")


def _list(source: _Source, kind: str, problems: Problems) -> Iterator[Row]:
    source.take("[")
    if source.peek() == "]":
        source.take("]")
        return
    index = 0
    while True:
        isobject = source.peek() == "{"
        line = source.line()
        value, wrong = source.value()
        place = JsonPlace(line, f"{kind}[{index}]")
        if wrong is not None or not isobject:
            problems.add(*place(""), wrong or "is no object")
        else:
            yield Row(kind, line, value, place)
        index += 1
        if source.peek() == "]":
            source.take("]")
            return
        source.take(",")
