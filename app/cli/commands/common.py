"""What the commands share: which book is meant, the opened installation, and output that a person or a program reads."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from pathlib import Path
from shutil import get_terminal_size
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from app.wiring import Adapters

F = TypeVar("F", bound=Callable[..., Any])
ACTOR = "command line"
"""Who did it, in the rows that a command writes."""


@dataclass(frozen=True, slots=True)
class ChosenBook:
    """The book a command works on."""

    id: int
    merchant: str
    mode: str


def merchant_option(command: F) -> F:
    """``--merchant CODE``; may be left out while there is only one merchant."""
    return click.option(
        "--merchant", metavar="CODE", help="The merchant's code. May be left out while there is only one merchant."
    )(command)


def book_options(command: F) -> F:
    """``--merchant`` and ``--mode``."""
    mode = click.option(
        "--mode", type=click.Choice(["live", "test"]), default="live", show_default=True, help="Which of the two books."
    )
    return merchant_option(mode(command))


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@contextmanager
def opened(*, overrides: Mapping[str, object] | None = None) -> Generator[Adapters]:
    """The installation's adapters, with a database at the newest step."""
    from app.config import read_settings
    from app.wiring import check_schema, open_services
    from app.wiring.gate import check_gate
    from app.wiring.log import configure_log

    settings = read_settings(overrides)
    configure_log(settings)  # on the standard error: the standard output is the command's result
    adapters = open_services(settings)
    try:
        check_schema(adapters.store)
        check_gate(adapters)
        yield adapters
    finally:
        adapters.close()


def chosen_merchant(adapters: Adapters, merchant: str | None) -> str:
    """The code that was given, or that of the only merchant."""
    from app.accounts.merchants import only_merchant

    if merchant is not None:
        return merchant
    with adapters.store.read() as connection:
        return only_merchant(connection)


def chosen_book(adapters: Adapters, merchant: str | None, mode: str) -> ChosenBook:
    """The book that ``--merchant`` and ``--mode`` name; an ``AccountError`` names what does not exist."""
    from app.accounts.merchants import book_of

    code = chosen_merchant(adapters, merchant)
    with adapters.store.read() as connection:
        return ChosenBook(book_of(connection, code, mode), code, mode)


def print_json(value: object) -> None:
    """Facts as JSON: instants in ISO 8601, nothing escaped that need not be."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in cast("Mapping[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in cast("Sequence[object]", value)]
    return value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, Path) else value


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for a terminal; a line a row with tabs between when piped, so that ``cut`` and ``awk`` read it."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in ([*headers], *texts):
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    widths = [max(len(cell) for cell in column) + 2 for column in zip(headers, *texts, strict=True)][:-1]
    indent = " " * sum(widths)
    # The last column, often a sentence, goes on below itself; an address is never broken.
    wrapper = TextWrapper(max(get_terminal_size().columns, len(indent) + 20), "", indent, break_long_words=False)
    wrapper.break_on_hyphens = False
    for place, row in enumerate(([*headers], *texts)):
        line = "".join(map(str.ljust, row, widths)) + row[-1]
        click.secho(wrapper.fill(line) if len(line) > wrapper.width else line.rstrip(), bold=place == 0 or None)


def say(line: str = "") -> None:
    """One line of the command's result, on the standard output."""
    print(line)


def note(line: str) -> None:
    """One line about the work, on the standard error."""
    print(line, file=sys.stderr)


def shown(at: datetime | None) -> str:
    """An instant to the second, in UTC."""
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S UTC")
