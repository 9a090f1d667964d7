"""Whoever a mail goes to, its header names exactly that mailbox, and nothing that people typed adds a line to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any, cast

import pytest

from app.kit.clock import StoppedClock
from app.mail import FileMailer, MailError
from app.mail.port import Mail

MAIL = Mail("receipt:o1:2", "dana@brightwell.example", "Quillmark", "help@quillmark.example", "Receipt", "t", "h", "en")
LINE_BREAKS = ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x00"]


def sent(folder: Path, **changed: str) -> tuple[bytes, Any]:
    """The file, and what a program that reads UTF-8 headers (RFC 6532) makes of it."""
    mailer = FileMailer(folder, StoppedClock(datetime(2026, 7, 1, 21, 14, tzinfo=UTC)))
    mail = replace(MAIL, **changed)
    mailer.send(mail)
    raw = mailer.path_of(mail).read_bytes()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return raw, cast("EmailMessage", message_from_string(raw.decode(), policy=SMTPUTF8))


@pytest.mark.parametrize(
    ("typed", "mailbox"),
    [
        ("dana@brightwell.example", "dana@brightwell.example"),
        ("dana@exämple.com", "dana@xn--exmple-cua.com"),
        ("josé@exämple.com", "josé@xn--exmple-cua.com"),
        ("dana@straße.de", "dana@xn--strae-oqa.de"),
        ("dana@ＥＸＡＭＰＬＥ.jp", "dana@example.jp"),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
        ("dana..b@docomo.example", '"dana..b"@docomo.example'),
    ],
)
def test_a_mail_goes_to_the_mailbox_that_was_given(tmp_path: Path, typed: str, mailbox: str):
    raw, message = sent(tmp_path, to=typed, reply_to=typed)
    assert f"\r\nTo: {mailbox}\r\n".encode() in raw
    for name in ("To", "Reply-To"):
        (found,) = message[name].addresses
        assert (f"{found.username}@{found.domain}", found.display_name) == (mailbox.replace('"', ""), "")


@pytest.mark.parametrize("name", ["Zoë & Søn", "Zoë, Søn <x@y.example>", 'Quill "Q", Inc.', "Zoë" * 100, "q" * 1500])
def test_a_name_is_told_apart_from_the_address(tmp_path: Path, name: str):
    raw, message = sent(tmp_path, sender_name=name)
    (found,) = message["From"].addresses
    assert found.addr_spec == "noreply@liftlink.invalid"
    assert found.display_name.replace(" ", "") == name.replace(" ", "")
    assert b" <noreply@liftlink.invalid>\r\n" in raw


def test_a_reply_goes_to_the_address_beside_a_name(tmp_path: Path):
    _, message = sent(tmp_path, reply_to="Hélène <hélène@exämple.com>")
    (found,) = message["Reply-To"].addresses
    assert (found.display_name, found.addr_spec) == ("Hélène", "hélène@xn--exmple-cua.com")


@pytest.mark.parametrize("subject", ["é" * 1200, "x" * 2000, ("word " * 500).strip(), "Receipt UP-1"])
def test_a_subject_of_any_length_is_read_as_it_was_written(tmp_path: Path, subject: str):
    assert sent(tmp_path, subject=subject)[1]["Subject"] == subject


@pytest.mark.parametrize("field", ["to", "sender_name", "reply_to", "subject", "language"])
@pytest.mark.parametrize("sign", LINE_BREAKS)
def test_what_some_program_takes_for_the_end_of_a_line_is_refused(tmp_path: Path, field: str, sign: str):
    with pytest.raises(MailError) as refused:
        sent(tmp_path, **{field: f"dana@b.example{sign}Bcc: c@d.example"})
    assert (refused.value.code, list(tmp_path.iterdir())) == ("mail_malformed", [])


@pytest.mark.parametrize(
    "none",
    [
        "dana",
        "@b.example",
        "dana@",
        "a@b.example, c@d.example",
        "dana@b c.example",
        "dana@-é-.example",
        "a b@c.example",
    ],
)
def test_what_is_no_one_mailbox_is_refused(tmp_path: Path, none: str):
    with pytest.raises(MailError) as refused:
        sent(tmp_path, to=none)
    assert refused.value.code == "mail_malformed"
