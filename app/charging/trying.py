"""One look of many: what it raises stops no other."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.charging.compared import Compared
from app.gateways.port import GatewayError
from app.models.outages import is_outage

_log = structlog.get_logger(__name__)


def tried(look: Callable[[], str], ref: str | None) -> str:
    """Why ``look`` left it undecided, empty when it did not; or what it raised. A database that is away is raised."""
    try:
        return look()
    except GatewayError as error:
        return error.code
    except Exception as error:
        if is_outage(error):
            raise
        _log.exception("compare_failed_at", payment=ref)
        return type(error).__name__


def counted(take: Callable[[], int], ref: str) -> Compared:
    """How many refunds ``take`` wrote or woke, or one that stays undecided."""
    counts = list[int]()

    def look() -> str:
        counts.append(take())
        return ""

    why = tried(look, ref)
    return Compared(refunds=sum(counts), undecided=int(bool(why)))
