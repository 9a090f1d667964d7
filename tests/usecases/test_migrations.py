"""The steps and the models describe one schema; nobody else's tables are touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.migrations import HERE, VERSION_TABLE, current, is_current, newest, upgrade
from app.migrations.draft import partial_everywhere
from app.migrations.scope import include_object
from app.models import Base, Store
from tests import postgres

COLUMNS = """
SELECT 'column ' || table_name || '.' || column_name, data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> %(other)s
"""
INDEXES = (
    "SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> %(other)s"
)
CONSTRAINTS = """
SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> %(other)s
"""


def schema_of(store: Store) -> dict[str, list[str]]:
    """Every object's SQL with its lines sorted: a table's constraints may stand in any order."""
    if not store.is_sqlite:
        with store.engine.connect() as connection:
            return {
                row[0]: [row[1]]
                for query in (COLUMNS, INDEXES, CONSTRAINTS)
                for row in connection.exec_driver_sql(query, {"other": VERSION_TABLE})
            }
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> ?", (VERSION_TABLE,)
        ).all()
    return {name: sorted(line.strip(" \t,") for line in re.split(r"\n", sql)) for name, sql in rows}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/empty.sqlite3"
    if postgres.on_postgres():
        url = postgres.database(postgres.own_name("empty"), empty=True)
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def stepped(store: Store, tmp_path: Path) -> Iterator[Store]:
    """A database that the steps made, and that a test may add tables to: on PostgreSQL ``store`` serves others too."""
    if store.is_sqlite:
        yield store
        return
    own = Store(postgres.database(postgres.own_name("stepped")))
    yield own
    own.close()


def test_the_steps_make_exactly_what_the_models_say(store: Store, empty: Store):
    """Including what a comparison of columns cannot see: STRICT, CHECKs and the conditions of partial indexes."""
    partial_everywhere()
    Base.metadata.create_all(empty.engine)
    assert schema_of(store) == schema_of(empty)
    empty.close()


def test_a_comparison_finds_nothing_to_change(store: Store):
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "include_object": include_object, "compare_type": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_no_table_forgets_its_kinds_or_its_rows(store: Store):
    """Each is STRICT, so that no text lies in a column of numbers; on PostgreSQL, where none can, each survives a crash."""
    if store.is_sqlite:
        tables = [lines for name, lines in schema_of(store).items() if name in Base.metadata.tables]
        sound = [any(line.endswith("STRICT") for line in lines) for lines in tables]
    else:
        with store.engine.connect() as connection:
            kinds = dict(connection.exec_driver_sql("SELECT relname, relpersistence FROM pg_class").all())  # type: ignore[arg-type]
        sound = [kinds.get(name) == "p" for name in Base.metadata.tables]
    assert sound == [True] * len(Base.metadata.tables)


def test_an_empty_database_is_at_no_step_and_is_brought_to_the_newest(empty: Store):
    assert current(empty.engine) is None
    assert not is_current(empty.engine)
    upgrade(empty.engine)
    assert is_current(empty.engine)
    empty.close()


def test_upgrading_twice_changes_nothing(store: Store):
    before = schema_of(store)
    upgrade(store.engine)
    assert schema_of(store) == before


def test_a_step_that_fails_leaves_the_database_as_it_was(empty: Store):
    with empty.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE work_of_others (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE outbox (id INTEGER PRIMARY KEY)")
    before = schema_of(empty)
    with pytest.raises(Exception, match=r'outbox"? already exists'):
        upgrade(empty.engine)
    assert schema_of(empty) == before
    assert current(empty.engine) is None
    empty.close()


def test_tables_of_others_are_left_alone(stepped: Store):
    with stepped.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE work_of_others (id INTEGER PRIMARY KEY)")
    with stepped.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "include_object": include_object}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_the_newest_step_is_the_only_head_and_its_file_is_named_after_it():
    scripts = ScriptDirectory(str(HERE))
    assert scripts.get_heads() == [newest()]
    assert all(Path(step.path).name.startswith(f"{step.revision}_") for step in scripts.walk_revisions())


def test_nothing_goes_back():
    for path in (HERE / "versions").glob("*.py"):
        assert "def downgrade" not in path.read_text()
