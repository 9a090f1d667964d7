"""Every kind of row that a worker leases."""

from __future__ import annotations

from typing import Final

from app.charging.attempts import ATTEMPTS
from app.charging.finishing import SETUPS
from app.charging.heard import NOTICES
from app.charging.orphaned import ORPHANS
from app.charging.refund_rows import REFUNDS
from app.charging.watching import ACCOUNTS
from app.models.leases import Leases
from app.outbox.delivering import MAILS

WORK: Final[tuple[Leases, ...]] = (ATTEMPTS, NOTICES, ORPHANS, REFUNDS, SETUPS, ACCOUNTS, MAILS)
