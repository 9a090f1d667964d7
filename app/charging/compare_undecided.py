"""A listed payment that could not be looked at: what the list itself says of it decides, at once or in the end.

The next comparison lists only what is newer than the last. So a payment is never left behind undecided: either it is kept
here, as an orphan or before a person, or the watermark stays before it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from app.charging.attempts import RESTING, AttemptRow
from app.charging.cells import agrees
from app.charging.comparing import mismatch
from app.charging.contradicting import contradicted
from app.charging.observing import Place, Watch, attempt_marked, attempt_with, known_by
from app.charging.orphans import note_orphan
from app.gateways.port import Payment, PaymentStatus

HELD_FOR = timedelta(days=1)
"""So long after it was made an undecided payment holds the watermark and the gate; then a person must decide."""


def is_held(made_at: datetime | None, now: datetime) -> bool:
    """Whether what was made then is still tried again before it is put before a person."""
    return made_at is not None and now - made_at < HELD_FOR


def decide_by_list(watch: Watch, at: Place, payment: Payment, why: str) -> bool:
    """Keep what the list says of the payment, which could not be read because of ``why``; False when it must be tried again.

    That it is captured stays true whatever moves meanwhile; of any other status only time tells that it is no moment's.
    """
    with watch.store.read() as conn:
        at = known_by(watch, conn, at)
        marked = attempt_marked(conn, at, payment)
        owner = attempt_with(conn, at, payment.ref)
    if owner is None and marked is not None and marked.gw_ref == payment.ref:
        owner = marked  # the same payment under another name of its account
    young = is_held(payment.created_at, watch.clock.now())
    captured = payment.status is PaymentStatus.SUCCEEDED
    may_find_it = owner is None and marked is not None and marked.gw_ref is None and marked.state not in RESTING
    if may_find_it and marked is not None and marked.state == "CANCELLING" and not captured:
        return True  # its driver looks for every object of it, and cancels them once something may be asked
    if owner is not None and owner.state not in ("DECLINED", "CANCELLED"):
        return _of_paid(watch, owner, payment, certain=captured or not young)
    if agrees(None if owner is None else owner.state, payment.status):
        return True
    if young and (may_find_it or not captured):
        return False
    with watch.store.write() as conn:
        told, now = f"listed, but {why}", watch.clock.now()
        note_orphan(conn, at.book_id, at.gateway, payment, names=at.names, why=told, actor=watch.by, now=now)
    return True


def _of_paid(watch: Watch, owner: AttemptRow, payment: Payment, *, certain: bool) -> bool:
    """One that is open is driven to its end by itself, and before a person after a day."""
    if owner.state != "SUCCEEDED":
        return True
    wrong = mismatch(owner, replace(payment, account=owner.account))
    if payment.status is not PaymentStatus.SUCCEEDED:
        wrong = f"the payment is {payment.status}"
    if not wrong:
        return True
    if certain:
        contradicted(watch.store, watch.clock, owner, wrong)
    return certain
