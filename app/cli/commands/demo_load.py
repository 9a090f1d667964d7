"""Loads the demo: two merchants, their catalogs and people, all through the same use cases that merchants use."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import exists, func, select

from app.accounts.merchants import MODES, NewMerchant, book_of, change_book, create_merchant
from app.cli.commands.common import ACTOR
from app.models.merchants import Merchant
from app.models.orders import Order
from app.models.subscriptions import Subscription, SubscriptionItem
from app.subscriptions.importing import import_file

if TYPE_CHECKING:
    from app.wiring import Adapters

DATA = Path(__file__).with_name("demo_data")
MERCHANTS = {"quillmark": "quillmark-catalog.json", "quillmark-eu": "quillmark-eu-catalog.json"}
_MARK = re.compile(r"\{(year|copy)([+-][0-9]+)?\}")


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of a story with an untouched subscription; ``number`` is the subscription's."""

    number: int
    fresh: bool
    """Imported just now, because an earlier one was used up."""


def load_merchants(adapters: Adapters) -> bool:
    """Makes the demo's merchants with their catalogs where they are missing; True when any was."""
    made = False
    for code, catalog in MERCHANTS.items():
        with adapters.store.read() as connection:
            if connection.scalar(select(Merchant.id).where(Merchant.code == code)) is not None:
                continue
        _make(adapters, code)
        for mode in MODES:
            import_rows(adapters, _book(adapters, code, mode), read_data(catalog))
        made = True
    return made


def _make(adapters: Adapters, code: str) -> None:
    from app.cli.commands.merchants import read_logo

    facts = read_data(f"{code}.json")
    profile = {**facts["profile"], "logo": read_logo(DATA / "logo.svg")}
    new = NewMerchant(code, facts["name"], facts["timezone"], profile, adapters.settings.gateway)
    create_merchant(adapters.store, adapters.clock, adapters.masters, adapters.randomness, new, actor=ACTOR)
    if facts["policy"]:
        for mode in MODES:
            change_book(adapters.store, code, mode, policy=facts["policy"])


def read_data(name: str) -> dict[str, Any]:
    """A file of ``demo_data``."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def import_rows(adapters: Adapters, book_id: int, rows: Mapping[str, Any]) -> None:
    """Through a file, as a merchant would."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(rows, file)
        file.flush()
        import_file(adapters.store, adapters.clock, book_id, Path(file.name))


def person_for(
    adapters: Adapters, code: str, mode: str, person: str, people: Mapping[str, Any], *, untouched: bool
) -> Person:
    """The person's subscription in the current year; imported anew when it was used, or is of an earlier demo year.

    ``untouched`` False: any of this year will do.
    """
    book_id = _book(adapters, code, mode)
    with adapters.store.read() as connection:
        copies = connection.scalar(
            select(func.count())
            .select_from(Subscription)
            .where(Subscription.book_id == book_id, Subscription.external_ref.regexp_match(f"^{person}(-[0-9]+)?$"))
        ) or 0  # fmt: skip
        number = _held_now(connection, book_id, _reference(person, copies), adapters, untouched=untouched)
    if number is not None:
        return Person(number, fresh=False)
    reference = _reference(person, copies + 1)
    import_rows(adapters, book_id, filled(people[person], adapters.clock.now().year, reference.removeprefix(person)))
    with adapters.store.read() as connection:
        number = _held_now(connection, book_id, reference, adapters, untouched=False)
    if number is None:
        raise LookupError(f"{reference} was imported and is not there")
    return Person(number, fresh=copies > 0)


def _held_now(connection: Any, book_id: int, reference: str, adapters: Adapters, *, untouched: bool) -> int | None:
    now = adapters.clock.now()
    question = (
        select(Subscription.number)
        .join(SubscriptionItem, SubscriptionItem.subscription_id == Subscription.id)
        .where(
            Subscription.book_id == book_id,
            Subscription.external_ref == reference,
            SubscriptionItem.period_start <= now,
            SubscriptionItem.period_end > now,
        )
    )
    if untouched:
        ordered = exists().where(Order.book_id == book_id, Order.subscription_id == Subscription.id)
        question = question.where(Subscription.version == 1, ~ordered)
    return connection.scalar(question)


def _reference(person: str, copy: int) -> str:
    return person if copy <= 1 else f"{person}-{copy}"


def _book(adapters: Adapters, code: str, mode: str) -> int:
    with adapters.store.read() as connection:
        return book_of(connection, code, mode)


def filled(value: Any, year: int, copy: str) -> Any:
    """The rows with ``{year}``, ``{year+1}`` and ``{copy}`` filled in; a lone year becomes a number. Copies get no number."""
    if isinstance(value, dict):
        rows = cast("dict[str, Any]", value)
        return {name: filled(part, year, copy) for name, part in rows.items() if not (copy and name == "number")}
    if isinstance(value, list):
        return [filled(part, year, copy) for part in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value
    alone = _MARK.fullmatch(value)
    if alone and alone[1] == "year":
        return year + int(alone[2] or 0)
    return _MARK.sub(lambda mark: copy if mark[1] == "copy" else str(year + int(mark[2] or 0)), value)
