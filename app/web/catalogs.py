"""The catalogs of translations: gather the messages, bring the ``.po`` files up to date, compile them.

``python -m app.web.catalogs`` does all three. A test fails when it was forgotten or a message has no French.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from app.billing.wording import TEXTS
from app.web.i18n import TRANSLATIONS

ROOT: Final = Path(__file__).parents[2]
LANGUAGES: Final = ("fr", "ar")
SPEAKING_ROOMS: Final = ("web", "cart")
# One fixed instant: the files change when the words do, not when the command runs.
WRITTEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
ONE: Final = {"_", "gettext", "say", "tell", "mark"}
TWO: Final = {"ngettext", "says", "tells"}
"""Calls that say a message, and those that say one of two by a count."""

Message = str | tuple[str, str]


def messages_of_python(source: str) -> Iterator[Message]:
    """Messages said in a module. By the syntax tree, because one call often stands inside another."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [arg.value for arg in node.args[:2] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in ONE and texts:
            yield texts[0]
        elif name in TWO and len(texts) == 2:
            yield texts[0], texts[1]


def messages_of_templates(folder: Path) -> Iterator[tuple[str, Message]]:
    """File and message of every template; the bank's pages of the sandbox are not for shoppers of a merchant."""
    keywords: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2)}
    options = {"**.html": {"trimmed": "true"}, "**.txt": {"trimmed": "true"}}
    methods = [("**.html", "jinja2"), ("**.txt", "jinja2")]
    for name, _line, message, _comments, _context in extract_from_dir(str(folder), methods, options, keywords=keywords):
        if message and not name.startswith("bank/"):
            yield name, cast("Message", message)


def gathered() -> Catalog:
    """Every message of the templates and of the code that words pages, with where it is said."""
    catalog = Catalog(project="Liftlink", creation_date=WRITTEN, revision_date=WRITTEN)
    found: dict[Message, set[str]] = {}
    for name, message in messages_of_templates(ROOT / "templates"):
        found.setdefault(message, set()).add(f"templates/{name}")
    for room in SPEAKING_ROOMS:
        for path in sorted((ROOT / "app" / room).rglob("*.py")):
            for message in messages_of_python(path.read_text("utf-8")):
                found.setdefault(message, set()).add(path.relative_to(ROOT).as_posix())
    for forms in TEXTS.values():
        message = forms[0] if len(forms) == 1 else (forms[0], forms[1])
        found.setdefault(message, set()).add("app/billing/wording.py")
    # Places are file names without lines, so that moving code does not touch the catalogs.
    for message, places in sorted(found.items(), key=lambda pair: (sorted(pair[1])[0], str(pair[0]))):
        catalog.add(message, locations=[(place, 0) for place in sorted(places)])
    return catalog


def path_of(language: str, ending: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / f"messages.{ending}"


def read(language: str) -> Catalog:
    """The catalog as it is on disk; empty when there is none yet."""
    path = path_of(language, "po")
    if not path.exists():
        return Catalog(locale=language, project="Liftlink", creation_date=WRITTEN, revision_date=WRITTEN)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, template: Catalog) -> Catalog:
    """The language's catalog with the template's messages: new ones empty, gone ones dropped, nothing guessed."""
    old = read(language)
    new = Catalog(locale=language, project="Liftlink", creation_date=WRITTEN, revision_date=WRITTEN, fuzzy=False)
    for message in template:
        if message.id:
            known = old.get(message.id)
            # A message that came to be counted, or ceased to be, is a new one.
            words = known.string if known and known.pluralizable == message.pluralizable else ""
            new.add(message.id, words, locations=message.locations)
    return new


def po_bytes(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalog, width=120, include_lineno=False, sort_output=False)
    return out.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def missing(catalog: Catalog) -> list[str]:
    """Messages without words of their own in that language, or marked as a guess."""
    silent: list[str] = []
    for message in catalog:
        strings = cast(
            "Iterable[str]", message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        )
        if message.id and (message.fuzzy or not all(strings)):
            silent.append(str(message.id))
    return silent


def bring_up_to_date() -> dict[str, list[str]]:
    """Write every ``.po`` and ``.mo``; the answer lists what each language still lacks."""
    template = gathered()
    lacking: dict[str, list[str]] = {}
    for language in LANGUAGES:
        path_of(language, "po").parent.mkdir(parents=True, exist_ok=True)
        path_of(language, "po").write_bytes(po_bytes(updated(language, template)))
        catalog = read(language)
        path_of(language, "mo").write_bytes(mo_bytes(catalog))
        lacking[language] = missing(catalog)
    return lacking


if __name__ == "__main__":
    raise SystemExit(
        "\n".join(f"{name}: {text}" for name, texts in bring_up_to_date().items() for text in texts) or None
    )
