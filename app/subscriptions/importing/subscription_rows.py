"""Subscriptions between file and tables: rows of a CSV put together, references looked up in bulk, rows written in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Connection, insert

from app.models.customers import Customer, StoredCard
from app.models.subscriptions import Entitlement, Lot, Subscription, SubscriptionChange, SubscriptionItem
from app.subscriptions.importing.columns import Columns, CsvPlace
from app.subscriptions.importing.context import Context, Record, found_in
from app.subscriptions.importing.fields import Row

_MOST_ROWS = 2000
"""Rows of one subscription in a CSV."""


def grouped(kind: str, columns: Columns, cells: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    """Rows that follow each other under one reference are one subscription; each is a lot, ``item`` tells of which item.

    What concerns the whole subscription or item counts where it stands first; further rows repeat it or leave it out.
    """
    held: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    lines: dict[tuple[int, int], int] = {}
    places: dict[str, int] = {}
    first, differs = 0, ""
    for line, row in cells:
        values = columns.values(row)
        item, lot = values.pop("item", {}), values.pop("lot", {})
        if not held or values.get("reference") != held.get("reference") or len(lines) >= _MOST_ROWS:
            if held:
                yield _row(kind, first, held, columns, lines, differs)
            held, lines, places, first, differs = values, {}, {}, line, ""
            held["items"] = items = []
        else:
            differs = differs or _difference(values, held, "")
        number = item.get("number", "1")
        if number not in places:
            places[number] = len(items)
            items.append({**item, "lots": []})
        index = places[number]
        differs = differs or _difference(item, items[index], "item.")
        lots: list[dict[str, Any]] = items[index]["lots"]
        lines[index, len(lots)] = line
        lots.append(lot)
    if held:
        yield _row(kind, first, held, columns, lines, differs)


def _row(
    kind: str, line: int, values: dict[str, Any], columns: Columns, lines: dict[tuple[int, int], int], differs: str
) -> Row:
    if differs:
        values["differs"] = differs
    return Row(kind, line, values, CsvPlace(columns, line, lines if len(lines) > 1 else None), loose=True)


def _difference(said: dict[str, Any], before: dict[str, Any], path: str) -> str:
    """The first field that a further row says differently; empty if there is none."""
    for name, value in said.items():
        earlier = before.get(name)
        if isinstance(value, dict) and isinstance(earlier, dict):
            found = _difference(cast("dict[str, Any]", value), cast("dict[str, Any]", earlier), f"{path}{name}.")
            if found:
                return found
        elif earlier != value:
            return path + name
    return ""


def check_records(conn: Connection, context: Context, records: Sequence[Record]) -> None:
    """Complains about unknown customers, products, options and cards, and about what exists already."""
    book = context.book.id
    customers = {record.data["customer"] for record in records}
    known = {row[0] for row in found_in(conn, book, Customer.external_ref, list(customers))}
    known |= customers & context.seen.get("customers", {}).keys()
    references = [record.data["head"]["external_ref"] for record in records]
    held = {row[0] for row in found_in(conn, book, Subscription.external_ref, references)}
    numbers = [number for record in records if (number := record.data["head"]["number"]) is not None]
    taken = {row[0] for row in found_in(conn, book, Subscription.number, numbers)}
    cards = _cards(conn, context, records)
    for record in records:
        head, customer, card = record.data["head"], record.data["customer"], record.data["card"]
        if head["external_ref"] in held:
            context.complain(record, "reference", "exists already; subscriptions are only ever added by an import")
        if head["number"] in taken:
            context.complain(record, "number", "is another subscription's")
        if customer not in known:
            context.complain(record, "customer", f"there is no customer {customer!r}")
        elif card and (customer, card) not in cards and (customer, card) not in context.seen.get("cards", {}):
            context.complain(record, "card", "is no card of this customer")
        _check_items(context, record)


def _check_items(context: Context, record: Record) -> None:
    for index, (item, lots) in enumerate(record.data["items"]):
        product = item["product"]
        sold = context.sold.get(product)
        if sold is None:
            context.complain(record, f"items[{index}].product", f"there is no product {product!r}")
            continue
        good = True
        for position, lot in enumerate(lots):
            code, kind = lot["code"], lot["facts"].get("kind", "product")
            of = sold.get(code)
            if kind != "product" and (of is None or (of == "feature") != (kind == "feature")):
                field = "feature" if kind == "feature" else "code"
                reason = f"product {product!r} has no {kind} {code!r}"
                context.complain(record, f"items[{index}].lots[{position}].{field}", reason)
                good = False
        if good and (item["options"] or "scale" in sold.values()):
            _count_options(context, record, index, item, lots, sold)


def _count_options(
    context: Context, record: Record, index: int, item: dict[str, Any], lots: list[Any], sold: dict[str, str]
) -> None:
    """An option on a scale says how many there are (``users=7``): what its lots come to, per unit of the item."""
    units = sum(lot["quantity"] for lot in lots if lot["facts"].get("kind", "product") == "product")
    options: list[str] = []
    for text in item["options"]:
        code, equals, _ = text.partition("=")
        if sold.get(code) != "scale":
            if equals:
                context.complain(record, f"items[{index}].options", f"{code!r} is on no scale, so it has no count")
            options.append(code)
            continue
        own = [lot for lot in lots if lot["code"] == code and lot["facts"].get("kind") == "option"]
        count, rest = sum(lot["quantity"] for lot in own), 0
        if own and own[0]["facts"].get("per", "unit") == "unit" and units:
            count, rest = divmod(count, units)
        if rest or (equals and text != f"{code}={count}"):
            context.complain(record, f"items[{index}].options", f"the lots of {code!r} come to another count")
        options.append(f"{code}={count}")
    item["options"] = record.data["history"][index]["options"] = options


def store_records(conn: Connection, context: Context, records: Sequence[Record]) -> None:
    """Writes subscriptions, items, lots, ledger and history, a statement per table."""
    book, now = context.book.id, context.now
    wanted = list({record.data["customer"] for record in records})
    customers = {row[0]: row[1] for row in found_in(conn, book, Customer.external_ref, wanted, Customer.id)}
    cards = _cards(conn, context, records)
    heads: list[dict[str, Any]] = []
    for record in records:
        data = record.data
        if data["head"]["number"] is None:
            data["head"]["number"] = context.next_number("subscriptions")
        card = cards[data["customer"], data["card"]] if data["card"] else None
        keys = {"book_id": book, "customer_id": customers[data["customer"]], "card_id": card, "created_at": now}
        heads.append(keys | data["head"])
    conn.execute(insert(Subscription), heads)
    numbers = [head["number"] for head in heads]
    ids = {row[0]: row[1] for row in found_in(conn, book, Subscription.number, numbers, Subscription.id)}
    items: list[dict[str, Any]] = []
    ledger: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    for record in records:
        subscription = ids[record.data["head"]["number"]]
        owner = {"book_id": book, "subscription_id": subscription}
        items += [owner | item for item, _ in record.data["items"]]
        ledger += [
            owner
            | {"item": item, "lot": lot, "span_start": start, "span_end": end, "amount": amount}
            | {"order_id": None, "line": None, "created_at": now}
            for item, lot, start, end, amount in record.data["ledger"]
        ]
        paid = [
            [item, lot, start.isoformat(), end.isoformat(), amount]
            for item, lot, start, end, amount in record.data["ledger"]
        ]
        after = {"version": 1, "items": record.data["history"], "status": record.data["head"]["status"], "paid": paid}
        changes.append(
            owner | {"version": 1, "order_id": None, "cause": "import", "before": {}, "after": after, "created_at": now}
        )
    conn.execute(insert(SubscriptionItem), items)
    _store_lots(conn, book, records, ids)
    if ledger:
        conn.execute(insert(Entitlement), ledger)
    conn.execute(insert(SubscriptionChange), changes)


def _store_lots(conn: Connection, book: int, records: Sequence[Record], ids: dict[int, int]) -> None:
    columns = (SubscriptionItem.running_number, SubscriptionItem.id)
    rows = found_in(conn, book, SubscriptionItem.subscription_id, list(ids.values()), *columns)
    items = {(subscription, number): identity for subscription, number, identity in rows}
    conn.execute(
        insert(Lot),
        [
            {"book_id": book, "item_id": items[ids[record.data["head"]["number"]], item["running_number"]], **lot}
            for record in records
            for item, lots in record.data["items"]
            for lot in lots
        ],
    )


def _cards(conn: Connection, context: Context, records: Sequence[Record]) -> dict[tuple[str, str], int]:
    """The stored cards that these rows name, by customer's reference and token."""
    book = context.book.id
    tokens = list({record.data["card"] for record in records if record.data["card"]})
    if not tokens:
        return {}
    cards = list(found_in(conn, book, StoredCard.token, tokens, StoredCard.customer_id, StoredCard.id))
    owners = list({row[1] for row in cards})
    references = {row[0]: row[1] for row in found_in(conn, book, Customer.id, owners, Customer.external_ref)}
    return {(references[owner], token): identity for token, owner, identity in cards}
