"""Runs the steps on the connection that ``app.migrations`` hands in: no URL, no settings, no logging of its own."""

from __future__ import annotations

from alembic import context

from app.migrations import VERSION_TABLE
from app.migrations.scope import include_object
from app.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    include_object=include_object,
    transactional_ddl=True,  # SQLite can, if the driver does not commit behind our back: `Store` sees to that
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
