"""Writes each mail as a file, for demos, tests and installations that fetch them from a folder."""

from __future__ import annotations

import hashlib
import os
from email.charset import Charset
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from app.kit.clock import Clock
from app.kit.fence import assert_outside_transaction
from app.mail.addresses import LINE_END, address_of, checked, fits, mailbox, mailbox_of
from app.mail.port import Mail, MailError

LONGEST_LINE = 998
"""Bytes of a line of a mail, by RFC 5321."""
# The older half of Python's ``email``: the newer parses every header that it is given, four times the work of a mail.
_CRLF = compat32.clone(linesep=LINE_END)
_BASE64: Any = Charset("utf-8")
_AS_IT_IS: Any = Charset("utf-8")
_AS_IT_IS.body_encoding = None


class FileMailer:
    """``folder/<id>.eml``, written whole or not at all; the same mail sent twice is the same file."""

    def __init__(self, folder: Path, clock: Clock, *, address: str = "noreply@liftlink.invalid") -> None:
        self._folder = folder
        self._clock = clock
        self._address = address

    def send(self, mail: Mail) -> None:
        assert_outside_transaction("mail")
        path = self.path_of(mail)
        partial = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(self._message(mail).as_bytes())
            partial.replace(path)
        except OSError as error:
            raise MailError("mail_failed", str(error)) from error

    def path_of(self, mail: Mail) -> Path:
        """Where this mail is or will be."""
        safe = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in mail.id)
        return self._folder / f"{safe}.eml"

    def _message(self, mail: Mail) -> Message:
        message: Any = MIMEMultipart("alternative", policy=_CRLF)
        for name, value in self._headers(mail).items():
            message[name] = value
        message.attach(_part(mail.text, "plain"))
        message.attach(_part(mail.html, "html"))
        return message

    def _headers(self, mail: Mail) -> dict[str, Any]:
        """An address is never part of an encoded word: no program would find it there."""
        own = address_of(self._address)
        reply = {"Reply-To": _as_it_is(mailbox_of(mail.reply_to))} if mail.reply_to else {}
        subject = checked("Subject", mail.subject)
        return {
            "Message-ID": message_id(mail.id, own.rpartition("@")[2]),
            "Date": format_datetime(self._clock.now()),
            "From": _as_it_is(mailbox(mail.sender_name, own)),
            "To": _as_it_is(address_of(mail.to)),
            **reply,
            "Subject": subject if fits(subject) else Header(subject, "utf-8"),
            "Content-Language": checked("Content-Language", mail.language),
            "Auto-Submitted": "auto-generated",
        }


def _as_it_is(value: str) -> str:
    """Beyond ASCII as UTF-8 (RFC 6532), which ``email`` writes only of what it takes for bytes that it was given."""
    return value.encode().decode("ascii", "surrogateescape")


def _part(text: str, kind: str) -> Message:
    """As it is, so that people can read the file; a line too long for SMTP makes it base64."""
    longest = max(map(len, text.encode().split(b"\n")))
    return MIMEText(text, kind, _BASE64 if longest > LONGEST_LINE else _AS_IT_IS, policy=_CRLF)


def message_id(outbox_id: str, domain: str) -> str:
    """Constant over repeats, and says nothing about the order."""
    return f"<{hashlib.sha256(outbox_id.encode()).hexdigest()[:40]}@{domain}>"
