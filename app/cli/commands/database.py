"""``liftlink db``: bring the database to the newest step, or say where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.commands.common import json_option, print_json, say

if TYPE_CHECKING:
    from app.models.store import Store


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
def upgrade() -> None:
    """Apply every step that is missing. Safe to repeat; nothing ever goes back."""
    from app import migrations
    from app.config import read_settings
    from app.models.store import Store

    store = Store(read_settings().database)
    try:
        before = migrations.current(store.engine)
        migrations.upgrade(store.engine)
        after = migrations.current(store.engine)
    finally:
        store.close()
    say(f"the database is at step {after}" + (" already" if before == after else f" (was {before or 'empty'})"))


@db.command()
@json_option
def status(as_json: bool) -> int:
    """Say at which step the database is; exit code 1 unless it is the newest."""
    from app import migrations
    from app.config import read_settings
    from app.models.store import Store

    store = Store(read_settings().database)
    try:
        at = migrations.current(store.engine)
    finally:
        store.close()
    if as_json:
        print_json({"step": at, "newest": migrations.newest()})
    else:
        say(f"the database is at step {at or 'none'}; the newest is {migrations.newest()}")
    return 0 if at == migrations.newest() else 1


def prepare_empty(store: Store) -> bool:
    """Lays the tables into a database that has none; True when it did. An old schema is left for ``db upgrade``."""
    from app import migrations

    if migrations.current(store.engine) is not None:
        return False
    migrations.upgrade(store.engine)
    return True
