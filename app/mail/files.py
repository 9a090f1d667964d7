"""Writes each mail as a file, for demos, tests and installations that fetch them from a folder."""

from __future__ import annotations

import hashlib
import os
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from pathlib import Path

from app.kit.clock import Clock
from app.kit.fence import assert_outside_transaction
from app.mail.port import Mail, MailError


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
            partial.write_bytes(self._message(mail).as_bytes(policy=SMTP))
            partial.replace(path)
        except OSError as error:
            raise MailError("mail_failed", str(error)) from error

    def path_of(self, mail: Mail) -> Path:
        """Where this mail is or will be."""
        safe = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in mail.id)
        return self._folder / f"{safe}.eml"

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        try:
            message["Message-ID"] = message_id(mail.id, self._address.rpartition("@")[2])
            message["Date"] = format_datetime(self._clock.now())
            message["From"] = formataddr((mail.sender_name, self._address))
            message["To"] = mail.to
            if mail.reply_to:
                message["Reply-To"] = mail.reply_to
            message["Subject"] = mail.subject
            message["Content-Language"] = mail.language
            message["Auto-Submitted"] = "auto-generated"
        except (ValueError, IndexError) as error:  # a line break in a value, an address that is none
            raise MailError("mail_malformed", str(error)) from error
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def message_id(outbox_id: str, domain: str) -> str:
    """Constant over repeats, and says nothing about the order."""
    return f"<{hashlib.sha256(outbox_id.encode()).hexdigest()[:40]}@{domain}>"
