"""Changes a stored document behind everybody's back, on either database: neither spells it like the other."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, text


class Gone:
    """In place of a value: what is there is taken away."""


def rewrite(conn: Connection, table: str, column: str, path: tuple[str | int, ...], value: Any) -> None:
    """Set what stands at ``path`` of the document in every row of the table; ``Gone`` removes it."""
    for key, stored in conn.execute(text(f"SELECT id, {column} FROM {table}")).all():
        document = json.loads(stored)
        place = document
        for step in path[:-1]:
            place = place[step]
        if value is Gone:
            del place[path[-1]]
        else:
            place[path[-1]] = value
        conn.execute(
            text(f"UPDATE {table} SET {column} = :document WHERE id = :key"),
            {"document": json.dumps(document), "key": key},
        )
