"""The port to whatever carries mail.

LiftlinkError
└── MailError    mail_refused (never try again) · mail_failed (try later) · mail_malformed (a value that cannot be sent)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.kit.errors import LiftlinkError


class MailError(LiftlinkError):
    """The mail was not taken; ``is_final`` says that trying again cannot help."""

    @property
    def is_final(self) -> bool:
        return self.code in ("mail_refused", "mail_malformed")


@dataclass(frozen=True, slots=True)
class Sender:
    """The merchant in whose name a mail is written, and where its reader finds help and can cancel."""

    name: str
    legal_name: str
    legal_address: str
    help_email: str
    help_phone: str | None
    account_url: str
    statement_name: str
    timezone: str
    prefix: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, complete. ``id`` is the outbox row's: the same id is the same mail, however often it is sent."""

    id: str
    to: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    html: str
    language: str


class Mailer(Protocol):
    """Takes a mail or raises ``MailError``. Never called inside an open transaction."""

    def send(self, mail: Mail) -> None: ...
