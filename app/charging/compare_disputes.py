"""The comparison's disputes: those that are new at the gateway, and those of ours that were open when we last looked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.charging.compare_rows import chunks, ours_at
from app.charging.compared import Compared
from app.charging.disputing import take_disputes
from app.charging.gate import Account
from app.charging.observing import Watch
from app.gateways.port import Dispute, Gateway
from app.models.orders import Attempt
from app.models.orders import Dispute as DisputeRow


def compare_disputes(
    watch: Watch, names: Sequence[Account], gateway: Gateway, listed: Sequence[Dispute], *, open_too: bool
) -> Compared:
    """Each attempt whose disputes differ from the list is brought to what the gateway says; ``open_too``: our open ones as well."""
    called = [each.account for each in names]
    known = (
        select(DisputeRow.gw_ref, DisputeRow.state, DisputeRow.attempt_id)
        .join(Attempt, Attempt.id == DisputeRow.attempt_id)
        .where(
            DisputeRow.gateway == gateway.name,
            DisputeRow.account.in_(called),
            Attempt.livemode == names[0].livemode,
        )
    )
    with watch.store.read() as conn:
        rows = {row.gw_ref: row for row in conn.execute(known)}
        attempts = {row.attempt_id for row in rows.values() if open_too and row.state == "OPEN"}
        new = [each.payment for each in listed if each.ref not in rows or rows[each.ref].state != each.status.upper()]
        for chunk in chunks(new):
            refs, _ = ours_at(conn, names, chunk, ())
            attempts |= {row.id for row in refs.values()}
    undecided = sum([
        bool(take_disputes(watch.store, gateway, watch.clock, each, actor=watch.by)) for each in sorted(attempts)
    ])  # fmt: skip
    return Compared(disputes=len(attempts), undecided=undecided)
