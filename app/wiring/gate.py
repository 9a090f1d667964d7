"""Asks, at every start and now and then, whether the database is an older copy of itself."""

from __future__ import annotations

from app.charging.gate import open_or_close
from app.wiring.adapters import Adapters


def check_gate(adapters: Adapters, *, renew: bool = False) -> str:
    """Close charging if the database was restored; why, or nothing. ``renew``: servers and workers also set a new mark."""
    settings = adapters.settings
    mark = settings.database_mark
    if mark is not None and adapters.store.url.database != str(mark.with_suffix(".sqlite3")):
        mark = None  # a store that was handed in
    return open_or_close(
        adapters.store,
        adapters.clock,
        settings.restore_epoch,
        mark_file=mark,
        renew=renew and mark is not None,
        randomness=adapters.randomness,
    )
