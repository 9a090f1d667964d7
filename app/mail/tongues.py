"""How a mail says money, days and a quote's lines. The words are handed in, so that they are those of the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from app.billing.wording import Words


class Voice(Protocol):
    """One language with its formatters; wiring gives the composer the one that the pages speak with."""

    @property
    def language(self) -> str: ...

    @property
    def words(self) -> Words: ...

    def money(self, minor: int, currency: str) -> str: ...

    def day(self, day: date) -> str: ...

    def moment(self, instant: datetime, zone_name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class MailTongue:
    """A voice for templates, which hold days and instants as the ISO texts of an outbox row."""

    voice: Voice

    @property
    def language(self) -> str:
        return self.voice.language

    def money(self, minor: int, currency: str) -> str:
        """``$5.00``, ``5,00 $US``."""
        return self.voice.money(minor, currency)

    def day(self, iso: str) -> str:
        """``January 1, 2027``."""
        return self.voice.day(date.fromisoformat(iso))

    def moment(self, iso: str, timezone: str) -> str:
        """Day and hour in that zone."""
        return self.voice.moment(datetime.fromisoformat(iso), timezone)
