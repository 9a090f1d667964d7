"""Which subscription is meant, and which change the options spell out: shared by quote, change and schedule."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from app.cli.commands.common import book_options, json_option

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.billing.facts import Change, Subscription
    from app.subscriptions.facts import Held

_ALIGNMENTS = ("shorten_new", "extend_existing", "reset", "keep_day")
_EFFECTIVES = ("now", "next_billing", "early_renewal")
_RULES = ("prorated_difference", "list", "difference")
_SINGLE = (
    "item", "product", "quantity", "options", "no_options", "features", "unit_price", "discount", "interval",
    "effective", "alignment", "price_rule", "align_with",
)  # fmt: skip


def on_subscription(command: Any) -> Any:
    """Which subscription, in which book, and ``--json``: what every command on one subscription takes."""
    return click.argument("ref", metavar="REF")(book_options(json_option(command)))


def change_options(command: Any) -> Any:
    """What is to change, the same for quote, change and schedule, with what every command on a subscription takes."""
    for option in reversed(
        (
            click.option("--item", metavar="N|new", help="Running number of the item; 'new' adds one. May be left out while there is only one."),
            click.option("--product", metavar="CODE", help="The product after the change; left out: the same."),
            click.option("--quantity", type=click.IntRange(min=0), help="How many in all after the change; 0 removes the item."),
            click.option("--option", "options", metavar="CODE", multiple=True, help="An option to have afterwards, scales as users=7. Give all that shall be there; none given: they stay."),
            click.option("--no-options", is_flag=True, help="Have no options afterwards."),
            click.option("--feature", "features", metavar="CODE=N", multiple=True, help="A feature: a switch as sso=on, a limit's whole allowance, or how much usage is bought."),
            click.option("--unit-price", metavar="AMOUNT", help="Price of each added unit per interval, such as 10.00; left out: the list price."),
            click.option("--discount", metavar="TERMS", help="'20%', '5.00' off, or '=10.00' (what a unit costs instead), with ':forever' or ':3' (periods); plain: once."),
            click.option("--interval", metavar="TIME", help="1month, 1year, 2week or 30day; left out: the same."),
            click.option("--effective", type=click.Choice(_EFFECTIVES), help="When it happens. Default: now."),
            click.option("--alignment", type=click.Choice(_ALIGNMENTS), help="How the dates come together. Default: the path's, else shorten_new."),
            click.option("--price-rule", metavar="RULE", help=f"{', '.join(_RULES)}, or an amount such as 5.00 (fixed, today). Default: the path's."),
            click.option("--align-with", type=click.IntRange(min=1), metavar="N", help="The item whose date a new one joins."),
            click.option("--change", "files", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help="A change (or a list) as JSON, as a case of `liftlink quote` has it; again for further items."),
            on_subscription,
        )
    ):  # fmt: skip
        command = option(command)
    return command


def find(connection: Connection, book_id: int, text: str) -> Held:
    """The subscription by our number (``1048`` or ``QM-1048``) or by the merchant's own reference."""
    from app.kit.errors import LiftlinkError
    from app.subscriptions.facts import book_facts, load

    book = book_facts(connection, book_id)
    bare = text.removeprefix(f"{book.prefix}-") if book is not None and book.prefix else text
    held = None
    if bare.isascii() and bare.isdigit() and len(bare) < 10:
        held = load(connection, book_id, int(bare))
    held = held or load(connection, book_id, text)
    if held is None:
        raise LiftlinkError("subscription_unknown", f"this book has no subscription {text}")
    return held


def changes_of(
    asked: dict[str, Any], subscription: Subscription, *, effective: str | None = None
) -> tuple[Change, ...]:
    """The changes that the options or the files spell out; ``CaseError`` names the field that is wrong.

    ``effective`` is what the command itself means; saying another one is a ``UsageError``.
    """
    from app.billing.case_change import read_change
    from app.billing.reading import Reader

    stated = _stated(asked)
    if not stated:
        raise click.UsageError("nothing to change: say --product, --quantity, --option … or --change FILE")
    for _, change in stated:
        if effective is not None and change.setdefault("effective", effective) != effective:
            raise click.UsageError(f"this command makes changes {effective}, not {change['effective']}")
    return tuple([read_change(Reader(change, name), subscription.currency, subscription) for name, change in stated])


def _stated(asked: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each change as a case's JSON, with the name by which errors call it."""
    single = _single(asked)
    files: tuple[Path, ...] = asked["files"]
    if not files:
        return [("change", single)] if single else []
    if single:
        raise click.UsageError("--change FILE says it all: give no other option of the change beside it")
    found: list[tuple[str, dict[str, Any]]] = []
    for path in files:
        found += changes_in(path)
    return found


def changes_in(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The changes of a JSON file as they are written, each with the name by which errors call it."""
    try:
        stated = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise click.UsageError(f"--change {path}: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(f"--change {path}: no JSON: {error}") from None
    listed = cast("list[object]", stated) if isinstance(stated, list) else [cast("object", stated)]
    for each in listed:
        if not isinstance(each, dict):
            raise click.UsageError(f"--change {path}: a change is an object")
    names = [f"{path.name}[{n}]" if len(listed) > 1 else path.name for n in range(len(listed))]
    return list(zip(names, cast("list[dict[str, Any]]", listed), strict=True))


def _single(asked: dict[str, Any]) -> dict[str, Any]:
    # By identity: a quantity of 0 removes an item, and 0 equals False.
    given = {name: asked[name] for name in _SINGLE if asked[name] is not None and asked[name] is not False}
    given = {name: value for name, value in given.items() if value != ()}
    if "item" in given:
        given["item"] = _item(given["item"])
    if given.pop("no_options", False):
        if "options" in given:
            raise click.UsageError("--no-options and --option exclude each other")
        given["options"] = []
    elif "options" in given:
        given["options"] = list(given["options"])
    if "features" in given:
        given["features"] = dict(_feature(text) for text in given["features"])
    if "discount" in given:
        given["discount"] = _discount(given["discount"])
    if "price_rule" in given and given["price_rule"] not in _RULES:
        given["price_rule"] = {"fixed": given["price_rule"]}
    return given


def _item(text: str) -> int | None:
    if text == "new":
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**9:
        raise click.UsageError(f"--item: {text!r} is neither a running number nor 'new'")
    return int(text)


def _feature(text: str) -> tuple[str, int | bool]:
    code, equals, wanted = text.partition("=")
    if code and wanted in ("on", "off"):
        return code, wanted == "on"
    if not code or not equals or not wanted.isascii() or not wanted.isdigit() or len(wanted) > 9:
        raise click.UsageError(f"--feature: {text!r} is not such as esign=50 or sso=on")
    return code, int(wanted)


def _discount(text: str) -> dict[str, Any]:
    """``20%`` ``12.5%:forever`` ``5.00:3`` ``=10.00``."""
    amount, _, scope = text.partition(":")
    off: dict[str, Any]
    if amount.endswith("%"):
        off = {"percent": amount[:-1].strip()}
    elif amount.startswith("="):
        off = {"unit_price": amount[1:]}
    else:
        off = {"amount": amount}
    if scope in ("", "once", "forever"):
        return {**off, "scope": scope or "once"}
    if re.fullmatch(r"[1-9][0-9]{0,3}", scope):
        return {**off, "scope": {"periods": int(scope)}}
    raise click.UsageError(f"--discount: {scope!r} is neither once, forever nor a number of periods")


def instant_option(text: str | None, now: datetime, timezone: str) -> datetime:
    """``--at``: an instant with its offset, or a day, which begins at midnight in the merchant's time zone."""
    from app.billing.schedule import zone_of

    if text is None:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--at: {text!r} is no day such as 2026-07-01 and no instant") from None
    if at.tzinfo is None:
        if len(text) != 10:
            raise click.UsageError(f"--at: {text!r} must say its offset from UTC, such as {text}Z")
        at = at.replace(tzinfo=zone_of(timezone))
    return at.astimezone(UTC)
