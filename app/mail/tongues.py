"""How a mail says money, days and a quote's lines in its language. A language without words of its own is English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from app.billing.facts import Interval
from app.billing.wording import TEXTS, Words, price_words
from app.kit.money import format_minor

FRENCH: Mapping[str, tuple[str, ...]] = {
    "charge.label": ("{quantity} × {name}, {share}",),
    "extension.label": ("{quantity} × {name}, prolongation, {share}",),
    "carry_over.label": ("{quantity} × {name}, reporté",),
    "credit.label": ("Avoir pour {quantity} × {name}, {share}",),
    "discount.label": ("Remise sur {quantity} × {name}",),
    "discount.label.percent": ("{percent}\u00a0% de remise sur {quantity} × {name}",),
    "tax.label": ("Taxe, {percent}\u00a0%",),
    "tax.label.named": ("{name}, {percent}\u00a0%",),
    "share.whole": ("en totalité",),
    "share.month": ("{count} mois sur {whole}",),
    # The form goes with the whole, not with the count, so the count must not need an ending.
    "share.day": ("{count}/{whole} jour", "{count}/{whole} jours"),
    "share.second": ("{count}/{whole} seconde", "{count}/{whole} secondes"),
    "share.months_days": ("{months} et {days}",),
    "share.months_days.of": ("{months} et {days}, sur {whole} mois",),
    "share.days.of": ("{days}, sur {whole} mois",),
    "share.ratio": ("{count}/{whole}",),
    "months": ("{count} mois",),
    "price": ("{amount} {per}",),
    "price.many": ("{quantity} × {amount} {per}",),
    "per.day": ("par jour", "tous les {count} jours"),
    "per.week": ("par semaine", "toutes les {count} semaines"),
    "per.month": ("par mois", "tous les {count} mois"),
    "per.year": ("par an", "tous les {count} ans"),
}


def written(minor: int, currency: str, locale: str) -> str:
    """``$5.00``, ``5,00 $US``, with a true minus sign; exact, since no float is made."""
    text = format_currency(Decimal(format_minor(minor, currency)), currency, locale=locale)
    return text.replace("-", "−").replace("\u202f", "\u00a0")


@dataclass(frozen=True, slots=True)
class MailTongue:
    """One language as mails write it. ``words`` goes with ``app.billing.wording.label``."""

    language: str
    locale: str
    words: Words

    def money(self, minor: int, currency: str) -> str:
        return written(minor, currency, self.locale)

    def day(self, iso: str | date) -> str:
        """``January 1, 2027``; the first of a month is an ordinal in French."""
        day = date.fromisoformat(iso) if isinstance(iso, str) else iso
        text = format_date(day, "long", locale=self.locale)
        return f"1er{text[1:]}" if day.day == 1 and self.language == "fr" else text

    def moment(self, iso: str, timezone: str) -> str:
        """Day and hour in that zone."""
        local = datetime.fromisoformat(iso).astimezone(ZoneInfo(timezone))
        return format_datetime(local, "long", tzinfo=ZoneInfo(timezone), locale=self.locale).replace("\u202f", "\u00a0")

    def per(self, interval: str, amount: int, currency: str) -> str:
        """``$50.00 a year``."""
        return price_words(1, amount, currency, Interval.parse(interval), self.words)


def _tongue(
    language: str, locale: str, texts: Mapping[str, tuple[str, ...]], plural: Callable[[int], int], decimal: str
) -> MailTongue:
    def span(first: date, last: date) -> str:
        return f"{format_date(first, 'medium', locale=locale)} – {format_date(last, 'medium', locale=locale)}"

    words = Words({**TEXTS, **texts}, plural, lambda minor, currency: written(minor, currency, locale), span, decimal)
    return MailTongue(language, locale, words)


TONGUES = {
    "en": _tongue("en", "en_US", {}, lambda count: int(count != 1), "."),
    "fr": _tongue("fr", "fr_FR", FRENCH, lambda count: int(count > 1), ","),
}


def tongue_of(language: str) -> MailTongue:
    """The tongue of ``fr`` or ``fr-CA``; English where there is none."""
    return TONGUES.get(language.replace("-", "_").partition("_")[0].lower(), TONGUES["en"])
