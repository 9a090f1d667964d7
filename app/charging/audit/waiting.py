"""What is not at rest: driven by a worker, or before a person (I12)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from app.charging.attempts import PERSON_AFTER
from app.charging.audit.cells import every
from app.charging.audit.findings import Check, Seen, WholeCheck, judged
from app.charging.audit.rows import Row
from app.charging.audit.scene import OPEN_STATES, Page, Scene
from app.models.leases import CLOCKS_DIFFER
from app.models.orders import Orphan
from app.models.work import Inbox

FINAL_WITHIN: Final = timedelta(minutes=5) + CLOCKS_DIFFER
"""What is due is driven by then: a worker looks every half minute."""
TOLD_WITHIN: Final = timedelta(minutes=5) + CLOCKS_DIFFER
"""What is open for a day is put before a person by a job that runs every five minutes."""
_BEFORE_A_PERSON = ("attempt.quarantined", "attempt.undecided")


def none_forgotten(page: Page) -> Seen:
    """An open attempt is due, and soon looked at when it is; after a day a person was told of it."""
    told = {row["id"].split(":")[1] for row in page.rows.outbox if row["kind"] in _BEFORE_A_PERSON}
    for row in page.rows.attempts:
        if row["state"] in OPEN_STATES:
            old = page.began - row["created_at"] > PERSON_AFTER + TOLD_WITHIN
            wrong = _unheeded(row, page.began, row["id"] in told)
            if old and row["id"] not in told:
                wrong = wrong or f"is {row['state']} for more than a day, and no person was told"
            yield judged(f"attempt {row['id']}", wrong)


def refunds_go_on(page: Page) -> Seen:
    """One that does not agree with the gateway is driven by nobody: a person was told of it."""
    for row in page.rows.refunds:
        if row["state"] not in ("SUCCEEDED", "FAILED"):
            yield judged(f"refund {row['id']}", _unheeded(row, page.began, row["id"] in page.whole.stuck_refunds))


def _unheeded(row: Row, now: datetime, told: bool) -> str:
    due, leased = row["next_at"], row["lease_until"]
    if due is None:
        return "" if told else f"is {row['state']}, nobody drives it and nobody was told"
    late = due < now - FINAL_WITHIN and (leased is None or leased < now - FINAL_WITHIN)
    return f"is {row['state']}, was due at {due:%Y-%m-%d %H:%M} and nobody drove it" if late else ""


def notices_go_on(scene: Scene) -> Seen:
    """A notice that is not worked is due; that a person must look at one is its state."""
    for row in _waiting(scene, Inbox, Inbox.state == "READY"):
        yield judged(f"notice {row['event_id']} of {row['gateway']}", _unheeded(row, scene.began, told=False))


def orphans_go_on(scene: Scene) -> Seen:
    for row in _waiting(scene, Orphan, Orphan.state == "FOUND"):
        yield judged(f"orphan {row['gw_ref']} of {row['gateway']}", _unheeded(row, scene.began, told=False))


def _waiting(scene: Scene, table: type[Any], where: Any) -> list[Row]:
    """Few: workers empty them every half minute."""
    with scene.store.read() as conn:
        return list(conn.execute(every(table).where(where)).mappings())


CHECKS = (
    Check("I12", "nothing that is open is forgotten, and after a day a person knows of it", none_forgotten),
    Check("I12", "no refund is forgotten", refunds_go_on),
    WholeCheck("I12", "no notice is forgotten", notices_go_on),
    WholeCheck("I12", "no orphan is forgotten", orphans_go_on),
)
