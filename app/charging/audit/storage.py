"""The database itself: whole, built as the models say, and every reference leads somewhere. The only place that knows what
kind of database it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    and_,
    or_,
    select,
    text,
)

from app.charging.audit.findings import Seen, WholeCheck, judged
from app.charging.audit.scene import Scene, connected
from app.models.base import Base

_NAMED = re.compile(r'\bCONSTRAINT\s+"?(\w+)')
_CONSTRAINTS = """
SELECT c.relname, k.conname, k.contype, k.convalidated FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid WHERE c.relnamespace = current_schema()::regnamespace
"""
_INDEXES = """
SELECT t.relname, c.relname, i.indisunique, i.indpred IS NOT NULL, i.indisvalid AND i.indisready AND i.indislive
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid WHERE c.relnamespace = current_schema()::regnamespace
"""
_SWITCHED_OFF = """
SELECT DISTINCT c.relname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE g.tgenabled <> 'O' AND c.relnamespace = current_schema()::regnamespace
"""


def whole(scene: Scene) -> Seen:
    """SQLite reads every page. PostgreSQL says of itself what it no longer trusts."""
    with scene.store.read() as conn:
        if connected(conn) == "sqlite":
            for (said,) in conn.execute(text("PRAGMA integrity_check")):
                yield judged("database", said if said != "ok" else "")
            return
        for table, name, _, proved in conn.execute(text(_CONSTRAINTS)):
            yield judged(f"constraint {name}", not proved, f"of {table} was never proved")
        for table, name, _, _, works in conn.execute(text(_INDEXES)):
            yield judged(f"index {name}", not works, f"of {table} is not valid")


def rules_are_there(scene: Scene) -> Seen:
    """Every constraint and index of the models, and nothing switched off that keeps them."""
    with scene.store.read() as conn:
        found = _of_sqlite(conn) if connected(conn) == "sqlite" else _of_postgresql(conn)
        off: Sequence[str] = () if connected(conn) == "sqlite" else conn.execute(text(_SWITCHED_OFF)).scalars().all()
    for table in Base.metadata.sorted_tables:
        yield judged(f"table {table.name}", table.name in off, "has its keys and triggers switched off")
        for kind, name in _wanted(table):
            there = (table.name, kind, name) in found
            yield judged(f"{kind} {name}", not there, f"of {table.name} is gone, or is not what it was")


def _wanted(table: Table) -> Iterator[tuple[str, str]]:
    for constraint in table.constraints:
        if constraint.name is not None and not isinstance(constraint, PrimaryKeyConstraint):
            yield "constraint", str(constraint.name)
    for index in table.indexes:
        partial = index.dialect_options["sqlite"]["where"] is not None
        yield _index(bool(index.unique), partial), str(index.name)


def _index(unique: bool, partial: bool) -> str:
    return " ".join([*(["unique"] if unique else []), *(["partial"] if partial else []), "index"])


def _of_postgresql(conn: Connection) -> set[tuple[str, str, str]]:
    found = {(table, "constraint", name) for table, name, _, _ in conn.execute(text(_CONSTRAINTS))}
    indexes = conn.execute(text(_INDEXES))
    return found | {(table, _index(unique, partial), name) for table, name, unique, partial, _ in indexes}


def _of_sqlite(conn: Connection) -> set[tuple[str, str, str]]:
    """What the statements say that made the tables: SQLite keeps nothing else."""
    found: set[tuple[str, str, str]] = set()
    for kind, name, table, made in conn.execute(text("SELECT type, name, tbl_name, sql FROM sqlite_master")):
        said = made or ""
        if kind == "index":
            found.add((table, _index(said.startswith("CREATE UNIQUE"), " WHERE " in said), name))
        elif kind == "table":
            found |= {(table, "constraint", name) for name in _NAMED.findall(said)}
    return found


def references_lead_somewhere(scene: Scene) -> Seen:
    """By looking for each row that a key names: a database whose keys were switched off for a while does not look again."""
    with scene.store.read() as conn:
        for table in Base.metadata.sorted_tables:
            for constraint in table.constraints:
                if not isinstance(constraint, ForeignKeyConstraint):
                    continue
                yield None
                for row in conn.execute(_lost(table, constraint)).mappings():
                    name = " ".join(str(row[column.name]) for column in table.primary_key)
                    gone = constraint.referred_table.name
                    yield judged(f"{table.name} row {name}", f"names a row of {gone} that is not there")


@cache  # tables never change while we run, and what is written about all their keys costs as much as to ask it
def _lost(table: Table, constraint: ForeignKeyConstraint) -> Any:
    parent = constraint.referred_table.alias("parent")
    pairs = [(each.parent, parent.c[each.column.name]) for each in constraint.elements]
    here = and_(*[child == there for child, there in pairs])
    query = select(*table.primary_key).select_from(table.outerjoin(parent, here))
    return query.where(
        *[child.is_not(None) for child, _ in pairs], or_(*[there.is_(None) for _, there in pairs])
    ).limit(20)


@cache
def _breaking(table: Table, constraint: CheckConstraint) -> Any:
    return select(*table.primary_key).where(text(f"NOT ({constraint.sqltext})")).limit(20)


def checks_hold(scene: Scene) -> Seen:
    """Every row fits the conditions of its table, also where they were away for a while."""
    with scene.store.read() as conn:
        for table in Base.metadata.sorted_tables:
            for constraint in table.constraints:
                if isinstance(constraint, CheckConstraint):
                    yield None
                    for row in conn.execute(_breaking(table, constraint)).mappings():
                        name = " ".join(str(row[column.name]) for column in table.primary_key)
                        yield judged(f"{table.name} row {name}", f"breaks {constraint.name}")


CHECKS = (
    WholeCheck("I42", "the database is whole", whole),
    WholeCheck("I42", "its tables have the rules that the models say", rules_are_there),
    WholeCheck("I42", "every reference leads somewhere", references_lead_somewhere),
    WholeCheck("I42", "every row fits its table's conditions", checks_hold),
)
