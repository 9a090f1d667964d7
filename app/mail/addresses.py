"""Addresses and names as the header of a mail carries them. ``MailError`` (mail_malformed) for what no header can carry."""

from __future__ import annotations

import re
from email.header import Header
from email.utils import parseaddr, quote

import idna

from app.mail.port import MailError

LINE_END = "\r\n"
_FOLDED_AT = 60
"""Signs of a line, so that the header's name stands before the first."""
_LONGEST_WORD = 900
"""A header is folded where it has spaces; with less than this between two of them its lines are short enough for SMTP."""
_NEVER = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Whatever a program may take for the end of a line, and what is no text."""
_LOCAL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_SPECIAL = re.compile(r'[\[\]\\()<>@,:;".]')


def checked(name: str, value: str) -> str:
    """The value of that header, which says nothing but itself."""
    if _NEVER.search(value):
        raise MailError("mail_malformed", f"a line break in {name}")
    return value


def fits(value: str) -> bool:
    """Whether a header may hold it as it is, rather than as encoded words."""
    return value.isascii() and max(map(len, value.split()), default=0) <= _LONGEST_WORD


def address_of(text: str) -> str:
    """``local@domain`` for the same mailbox, its domain in ASCII (IDNA).

    A local part beyond ASCII has no other spelling and stays: a transport that cannot do SMTPUTF8 must refuse it.
    """
    local, _, domain = checked("an address", text).rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            domain = ""
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise MailError("mail_malformed", "an address that is none")
    is_odd = local.startswith(".") or local.endswith(".") or ".." in local
    return f'"{local}"@{domain}' if is_odd else f"{local}@{domain}"


def mailbox(name: str, address: str) -> str:
    """``Name <address>``; only the name is ever written as encoded words. ``address`` is one of ``address_of``."""
    if not checked("a name", name):
        return address
    if not fits(name):
        return f"{Header(name, 'utf-8', _FOLDED_AT).encode(linesep=LINE_END)} <{address}>"
    return f'"{quote(name)}" <{address}>' if _SPECIAL.search(name) else f"{name} <{address}>"


def mailbox_of(text: str) -> str:
    """The same of ``address`` or ``Name <address>``."""
    name, address = parseaddr(checked("an address", text))
    return mailbox(name, address_of(address))
