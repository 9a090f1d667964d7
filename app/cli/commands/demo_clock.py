"""The demo's clock: by how much time is moved is noted in the instance folder, so that every process agrees."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoClock:
    """At the real instant ``real`` the demo's clock showed ``start``; it has gone on at the usual pace since."""

    start: datetime
    real: datetime

    def now(self, real: datetime) -> datetime:
        """What the demo's clock shows at a real instant."""
        return self.start + (real - self.real)

    @property
    def shift(self) -> timedelta:
        return self.start - self.real


def demo_clock(path: Path) -> DemoClock | None:
    """The note at ``path``; None where no demo was loaded."""
    try:
        noted = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return DemoClock(datetime.fromisoformat(noted["start"]), datetime.fromisoformat(noted["real"]))


def note_demo_clock(path: Path, clock: DemoClock) -> None:
    """Replaces the note at once, never leaving half a file."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps({"start": clock.start.isoformat(), "real": clock.real.isoformat()}) + "\n")
    draft.replace(path)
