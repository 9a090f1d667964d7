"""The database itself: whole, and every reference leads somewhere. The only place that knows what kind of database it is."""

from __future__ import annotations

from sqlalchemy import text

from app.charging.audit.findings import Seen, WholeCheck, judged
from app.charging.audit.scene import Scene, connected

_UNPROVED = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
_BAD_INDEXES = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid OR NOT indisready"


def whole(scene: Scene) -> Seen:
    """SQLite reads every page and follows every key. PostgreSQL keeps its keys itself: none may be switched off."""
    with scene.store.read() as conn:
        if connected(conn) == "sqlite":
            for (said,) in conn.execute(text("PRAGMA integrity_check")):
                yield judged("database", said if said != "ok" else "")
            for table, rowid, parent, _ in conn.execute(text("PRAGMA foreign_key_check")):
                yield judged(f"{table} row {rowid}", f"names a row of {parent} that is not there")
            return
        yield None
        for (name,) in conn.execute(text(_UNPROVED)):
            yield judged(f"constraint {name}", "was never proved")
        for (name,) in conn.execute(text(_BAD_INDEXES)):
            yield judged(f"index {name}", "is not valid")


CHECKS = (WholeCheck("I42", "the database is whole and its references hold", whole),)
