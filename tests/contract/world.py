"""What an adapter's own test provides, so that the contract can be written once for all gateways."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from app.gateways.port import DeclineReason, Gateway, OpenGateway


class Story(StrEnum):
    """Outcomes every gateway can be made to show, by a card or by a scripted transport."""

    APPROVED = "approved"
    CHALLENGE = "challenge"
    OFF_SESSION_REFUSED = "off_session_refused"
    PROCESSING = "processing"
    PROCESSING_DECLINED = "processing_declined"
    EXPIRED = "expired"
    SLOW = "slow"
    TIMEOUT_ACTED = "timeout_acted"
    TIMEOUT_NOT_ACTED = "timeout_not_acted"
    LATE = "late"
    CUT_BODY = "cut_body"
    ERROR_NOT_ACTED = "error_not_acted"
    ERROR_ACTED = "error_acted"
    UNREACHABLE = "unreachable"
    BUSY = "busy"


class ScriptedWorld(Protocol):
    """One gateway whose outcomes the test decides. Each story befalls the confirm (``UNREACHABLE`` the create)."""

    opened: OpenGateway
    gateway: Gateway

    def customer(self) -> str:
        """A new customer at the gateway."""
        ...

    def card(self, story: Story, customer: str) -> str:
        """A payment method of that customer with which the story happens."""
        ...

    def declined_card(self, reason: DeclineReason, customer: str) -> str | None:
        """A payment method that is declined for this reason; None when the gateway cannot show it."""
        ...

    def gone_card(self, customer: str) -> str:
        """A payment method that was that customer's until the gateway dropped it."""
        ...

    def fail_create(self, story: Story) -> None:
        """The next ``create_payment`` ends like the story."""
        ...

    def pass_time(self, by: timedelta) -> None: ...

    def now(self) -> datetime: ...

    def expire_keys(self) -> None:
        """The gateway forgets its idempotency keys."""
        ...

    def answer_bank(self, action_url: str, *, approve: bool) -> None:
        """What the shopper does on the bank's page."""
        ...

    def fill_card_page(self, url: str) -> None:
        """What the shopper does on the gateway's card page."""
        ...

    def captured(self, order: str) -> int:
        """Minor units really taken for the order, from the gateway's own book and not through the adapter."""
        ...

    def open_dispute(self, payment: str) -> str:
        """The cardholder contests a captured payment; the dispute's reference."""
        ...

    def close_dispute(self, ref: str, *, won: bool) -> None:
        """The bank decides."""
        ...

    def signed_notice(self, secret: str, at: datetime) -> tuple[dict[str, str], bytes]:
        """Headers and raw body of a genuine notice about some payment."""
        ...

    def sign(self, body: bytes, secret: str, at: datetime) -> dict[str, str]:
        """The headers under which the gateway would send these raw bytes."""
        ...

    def another_account(self) -> Gateway: ...

    def confirm_in_processes(self, ref: str, processes: int, threads: int) -> None:
        """Confirms one payment from several processes at once, every call under a key of its own."""
        ...

    def call_each_verb(self) -> dict[str, Callable[[], object]]:
        """Every verb that goes out, ready to be called."""
        ...


def processes_agree(started: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Lets waiting processes go at once; the kinds of answer that they print."""
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [kind for process in started for kind in process.communicate(timeout=30)[0].split()]
