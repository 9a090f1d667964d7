# ruff: noqa: S704 - this is the one place that writes mark-up by hand; every value is escaped where it is put in
"""Writes amounts, days and codes as mark-up: isolated from the direction of the text, never broken, readable by machines."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from app.billing.facts import Interval
from app.billing.result import Line
from app.billing.wording import Words, explain, price_words
from app.cart import words
from app.cart.views import Scene
from app.web.i18n import Tongue, local_day, safe, zone

_SHARED_SIGNS: Final = {"$", "¥", "kr", "Rs", "₨"}
"""``$US``, ``CA$``, ``€`` or a code name their currency by themselves."""


@dataclass(frozen=True, slots=True)
class Pen:
    """One page's hand: its language, the quote's currency, the merchant's zone."""

    tongue: Tongue
    currency: str
    timezone: str

    def plain(self, minor: int) -> str:
        return self.tongue.money(minor, self.currency)

    @property
    def code(self) -> str:
        """The currency's code, to be put behind an amount whose sign several currencies share; else empty."""
        return self.currency if _sign(self.plain(0)) in _SHARED_SIGNS else ""

    def money(self, minor: int) -> Markup:
        return num(self.plain(minor))

    def strong(self, minor: int) -> Markup:
        return strong(self.money(minor))

    def day(self, day: date) -> Markup:
        return _time(day.isoformat(), self.tongue.day(day))

    def short_day(self, day: date) -> Markup:
        return _time(day.isoformat(), self.tongue.short_day(day))

    def strong_day(self, day: date) -> Markup:
        return strong(self.day(day))

    def day_of(self, instant: datetime) -> Markup:
        """The day of an instant in the merchant's zone, with the instant for machines."""
        return _time(self._stamp(instant), self.tongue.day(local_day(instant, self.timezone)))

    def clock(self, instant: datetime) -> Markup:
        return _time(self._stamp(instant), self.tongue.clock(instant, self.timezone))

    def price(self, minor: int, interval: Interval | None) -> Markup:
        """``$50.00 a year``."""
        if interval is None:
            return self.tongue.tell("%(amount)s at each renewal", amount=self.money(minor))
        return Markup(price_words(1, minor, self.currency, interval, _marked(self.tongue.words)))

    def why(self, line: Line) -> Markup:
        """The sentence under a line as the quote says it everywhere, its amounts marked up."""
        name = None if line.name is None else escape(line.name)
        return Markup(explain(line._replace(name=name), _marked(self.tongue.words)))

    def _stamp(self, instant: datetime) -> str:
        return instant.astimezone(zone(self.timezone)).isoformat(timespec="minutes")


@lru_cache(maxsize=1024)
def _sign(amount: str) -> str:
    return "".join(mark for mark in amount if mark.isalpha() or unicodedata.category(mark) == "Sc")


@lru_cache(maxsize=64)
def _marked(said: Words) -> Words:
    """The same words, with every amount as mark-up."""

    def money(minor: int, currency: str) -> Markup:
        return num(said.money(minor, currency))

    return replace(said, money=money)


@lru_cache(maxsize=8192)
def num(text: str) -> Markup:
    """An amount, a number or a code: read left to right, never broken, in figures of one width."""
    return Markup(f'<bdi class="num">{escape(text)}</bdi>')


def email(address: str) -> Markup:
    """The masked address, always left to right."""
    return Markup(f'<bdi dir="ltr">{escape(words.masked(address))}</bdi>')


def isolated(text: str) -> Markup:
    """A name or a reference whose direction is its own."""
    return Markup(f"<bdi>{escape(text)}</bdi>")


def words_of_card(tongue: Tongue, brand: str, last4: str) -> Markup:
    """``Visa ending 4242``."""
    return tongue.tell(
        "%(brand)s ending\u00a0%(digits)s", brand=isolated(words.card_brand(brand)), digits=num(last4)
    )  # fmt: skip


def code(text: str) -> Markup:
    return Markup(f"<code><bdi>{escape(text)}</bdi></code>")


def link(url: str, text: str) -> Markup:
    return Markup(f'<a href="{escape(url)}">{escape(text)}</a>')


def joined(*sentences: str) -> Markup:
    """Sentences of one paragraph; plain ones are escaped."""
    return Markup(" ".join([safe(sentence) for sentence in sentences]))


def strong(text: object) -> Markup:
    return Markup(f"<strong>{safe(text)}</strong>")


@lru_cache(maxsize=8192)
def _time(stamp: str, text: str) -> Markup:
    return Markup(f'<time datetime="{escape(stamp)}">{escape(text)}</time>')


def pen_for(scene: Scene, currency: str) -> Pen:
    """The pen of that stage: its language, its merchant's time zone."""
    return Pen(scene.tongue, currency, scene.merchant.timezone)
