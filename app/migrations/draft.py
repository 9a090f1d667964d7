"""Drafts a step from what the models have and the steps do not: ``python -m app.migrations.draft "Words that say what"``.

Without words it writes the first step anew, which is free to change until CHANGELOG dates 0.1.0 and frozen from then on.
A draft is read and corrected before it is committed: it knows what changed, not how the rows get there.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Integer, Text
from sqlalchemy.types import BigInteger, TypeDecorator

from app.migrations import HERE, NEWEST, VERSION_TABLE, newest, upgrade
from app.migrations.scope import include_object
from app.models import Base, Store

FIRST = "The first tables"
_STEP = '''"""{words}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {after!r}
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
{body}
'''


def draft(words: str | None) -> Path:
    """Write the step and name it in ``newest.txt``; the file it is in."""
    after = newest() if words else None
    number = f"{int(after) + 1:04d}" if after else "0001"
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/draft.sqlite3")
        if after:
            upgrade(store.engine)
        body = _difference(store)
        store.close()
    words = words or FIRST
    name = f"{number}_{re.sub('[^a-z0-9]+', '_', words.lower()).strip('_')}.py"
    path = HERE / "versions" / name.replace("_the_", "_")
    path.write_text(_STEP.format(words=words, revision=number, after=after, body=body), encoding="utf-8")
    NEWEST.write_text(number + "\n", encoding="utf-8")
    return path


def partial_everywhere() -> None:
    """What makes an index partial on SQLite does on PostgreSQL too. Said here and not in the models, because the option's
    name alone makes a process load that dialect."""
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            if where is not None:
                index.dialect_kwargs["postgresql_where"] = where


def _difference(store: Store) -> str:
    partial_everywhere()
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "target_metadata": Base.metadata,
                "include_object": include_object,
                "version_table": VERSION_TABLE,
                "compare_type": True,
            },
        )
        script = produce_migrations(context, Base.metadata)
        steps = script.upgrade_ops
        if steps is None:
            raise SystemExit("the models have nothing that the steps do not")
        code = render_python_code(steps, render_item=_plain_type, migration_context=context)
    lines = [line if line.startswith("    ") else f"    {line}" for line in code.splitlines() if "# ###" not in line]
    return "\n".join(lines)


def _plain_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A step knows nothing of the models' types, which may change after it: integers and text are all there is."""
    if kind != "type":
        return False
    if isinstance(item, TypeDecorator):
        item = item.impl_instance
    if isinstance(item, BigInteger):
        return "INTEGER"
    if isinstance(item, Integer):
        return "sa.Integer()"
    return "sa.Text()" if isinstance(item, Text) else False


if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]) or None)
