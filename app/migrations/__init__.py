"""The database's schema, step by step. ``upgrade`` brings any database to the newest step; nothing goes back.

Used by ``liftlink db upgrade``, by the demo and by the tests, which apply every step from an empty database.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Engine

HERE = Path(__file__).parent
NEWEST = HERE / "newest.txt"
VERSION_TABLE = "schema_version"
TURN = 7_243_305
"""The number of the lock under which steps are applied; no other program of a merchant's is likely to use it."""


def newest() -> str:
    """The newest step, as ``newest.txt`` names it: two branches that both add one collide in that file."""
    return NEWEST.read_text(encoding="utf-8").strip()


def upgrade(engine: Engine) -> None:
    """Apply every step that is missing, all in one transaction."""
    from alembic import command

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two that upgrade at once take turns; SQLite lets only one write by itself.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TURN})")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, newest())


def current(engine: Engine) -> str | None:
    """The step that the database is at; None for an empty one."""
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def is_current(engine: Engine) -> bool:
    """Whether the database is at the newest step: a server does not start on any other."""
    return current(engine) == newest()


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    return config
