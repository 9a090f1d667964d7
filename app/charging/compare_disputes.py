"""The comparison's disputes: those that are new at the gateway, and those of ours that were open when we last looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.charging.attempts import read_attempt
from app.charging.compare_rows import chunks, ours_at
from app.charging.compare_undecided import is_held
from app.charging.compared import Compared
from app.charging.contradicting import contradicted
from app.charging.disputing import take_disputes
from app.charging.gate import Account
from app.charging.observing import Watch
from app.charging.trying import tried
from app.gateways.port import Dispute, Gateway
from app.models.orders import Attempt
from app.models.orders import Dispute as DisputeRow


def compare_disputes(
    watch: Watch, names: Sequence[Account], gateway: Gateway, listed: Sequence[Dispute], *, open_too: bool
) -> Compared:
    """Each attempt whose disputes differ from the list is brought to what the gateway says; ``open_too``: our open ones as well."""
    called = [each.account for each in names]
    known = (
        select(DisputeRow.gw_ref, DisputeRow.state, DisputeRow.attempt_id, DisputeRow.opened_at)
        .join(Attempt, Attempt.id == DisputeRow.attempt_id)
        .where(
            DisputeRow.gateway == gateway.name,
            DisputeRow.account.in_(called),
            Attempt.livemode == names[0].livemode,
        )
    )
    with watch.store.read() as conn:
        rows = {row.gw_ref: row for row in conn.execute(known)}
        attempts = {row.attempt_id: row.opened_at for row in rows.values() if open_too and row.state == "OPEN"}
        new = {
            each.payment: each.opened_at
            for each in listed
            if each.ref not in rows or rows[each.ref].state != each.status.upper()
        }
        for chunk in chunks(list(new)):
            refs, _ = ours_at(conn, names, chunk, ())
            attempts |= {row.id: new[ref] for ref, row in refs.items()}
    return sum([_take(watch, gateway, each, opened) for each, opened in sorted(attempts.items())], Compared())


def _take(watch: Watch, gateway: Gateway, attempt: str, opened: datetime) -> Compared:
    """Those of one attempt. What they raise stops no other, is tried again at each comparison, and comes before a person
    once the dispute is a day old."""
    said = list[str]()

    def look() -> str:
        said.append(take_disputes(watch.store, gateway, watch.clock, attempt, actor=watch.by))
        return ""

    raised = tried(look, attempt)
    if raised and not is_held(opened, watch.clock.now()):
        with watch.store.read() as conn:
            row = read_attempt(conn, attempt)
        if row is not None:
            contradicted(watch.store, watch.clock, row, f"its dispute at the gateway could not be taken in: {raised}")
            return Compared(disputes=1)
    return Compared(disputes=1, undecided=int(bool(raised or any(said))))
