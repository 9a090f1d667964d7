"""Writes amounts, days and codes as mark-up: isolated from the direction of the text, never broken, readable by machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup, escape

from app.billing.facts import Interval
from app.cart import words
from app.web.i18n import Tongue, local_day, zone


@dataclass(frozen=True, slots=True)
class Pen:
    """One page's hand: its language, the quote's currency, the merchant's zone."""

    tongue: Tongue
    currency: str
    timezone: str

    def plain(self, minor: int) -> str:
        return self.tongue.money(minor, self.currency)

    def money(self, minor: int) -> Markup:
        return num(self.plain(minor))

    def strong(self, minor: int) -> Markup:
        return Markup("<strong>%s</strong>") % self.money(minor)

    def day(self, day: date) -> Markup:
        return _time(day.isoformat(), self.tongue.day(day))

    def short_day(self, day: date) -> Markup:
        return _time(day.isoformat(), self.tongue.short_day(day))

    def strong_day(self, day: date) -> Markup:
        return Markup("<strong>%s</strong>") % self.day(day)

    def day_of(self, instant: datetime) -> Markup:
        """The day of an instant in the merchant's zone, with the instant for machines."""
        return _time(self._stamp(instant), self.tongue.day(local_day(instant, self.timezone)))

    def clock(self, instant: datetime) -> Markup:
        return _time(self._stamp(instant), self.tongue.clock(instant, self.timezone))

    def price(self, minor: int, interval: Interval | None) -> Markup:
        """``$50.00 a year``."""
        if interval is None:
            return self.tongue.tell("%(amount)s at each renewal", amount=self.money(minor))
        return self.tongue.tell("%(amount)s %(per)s", amount=self.money(minor), per=words.per(self.tongue, interval))

    def _stamp(self, instant: datetime) -> str:
        return instant.astimezone(zone(self.timezone)).isoformat(timespec="minutes")


def num(text: str) -> Markup:
    return Markup('<bdi class="num">%s</bdi>') % text


def email(address: str) -> Markup:
    """The masked address, always left to right."""
    return Markup('<bdi dir="ltr">%s</bdi>') % words.masked(address)


def code(text: str) -> Markup:
    return Markup("<code><bdi>%s</bdi></code>") % text


def link(url: str, text: str) -> Markup:
    return Markup('<a href="%s">%s</a>') % (url, text)


def strong(text: object) -> Markup:
    return Markup("<strong>%s</strong>") % escape(text)


def _time(stamp: str, text: str) -> Markup:
    return Markup('<time datetime="%s">%s</time>') % (stamp, text)
