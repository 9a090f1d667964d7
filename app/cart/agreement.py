"""The sentence that a shopper agrees to: from versioned files, filled in once, kept to the letter.

Released files are never edited (a test pins them); a new wording is a new file and a new number here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from app.web.i18n import safe

FOLDER: Final = Path(__file__).with_name("consent")
CURRENT: Final = {"en": 4, "fr": 4, "ar": 4}
CURRENT_EU: Final = {"en": 1, "fr": 1, "ar": 1}


class Agreement(NamedTuple):
    """One box. ``text`` is what is stored, to the letter what ``markup`` shows; ``version`` names the file."""

    text: str
    markup: Markup
    version: str
    language: str


@cache
def _sections(version: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in (FOLDER / f"{version}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line:
            found[name] = line
    return found


@cache
def _template(version: str, section: str) -> tuple[str, str]:
    """A section as plain text and as mark-up, its places still empty."""
    template = _sections(version)[section]
    pieces = str(escape(template)).split("**")
    bold = "".join(f"<strong>{piece}</strong>" if at % 2 else piece for at, piece in enumerate(pieces))
    return template.replace("**", ""), bold


def _filled(version: str, section: str, language: str, values: dict[str, tuple[str, str | Markup]]) -> Agreement:
    plain, bold = _template(version, section)
    text = plain.format(**{name: said for name, (said, _) in values.items()})
    markup = bold.format(**{name: safe(shown) for name, (_, shown) in values.items()})
    return Agreement(text, Markup(markup), version, language)  # noqa: S704  (our own file, values escaped)


class Back(NamedTuple):
    """What is given back to one card; ``card`` None: it is not known which one."""

    amount: tuple[str, str | Markup]
    card: tuple[str, str | Markup] | None


class Terms(NamedTuple):
    """What is agreed to, each as plain text and as mark-up. ``renewal`` None: nothing follows. ``due`` None: nothing now.

    ``times``: for how many renewals ``renewal`` holds before it becomes ``later``. ``deferred``: what of today is collected
    with the first renewal. ``others``: what renews on further days, each with its own amount, interval, start and discount.
    """

    due: tuple[str, str | Markup] | None
    renewal: tuple[str, str | Markup] | None = None
    every: tuple[str, str | Markup] = ("", "")
    start: tuple[str, str | Markup] = ("", "")
    tax_included: bool = False
    times: tuple[str, str | Markup] | None = None
    later: tuple[str, str | Markup] = ("", "")
    deferred: tuple[str, str | Markup] | None = None
    others: tuple[Terms, ...] = ()
    card: tuple[str, str | Markup] | None = None
    """The card that pays the renewals where nothing is due now, by brand and last four digits; None: it is not known."""
    back: tuple[Back, ...] = ()


def agreement(language: str, terms: Terms) -> Agreement:
    """The payment box in that language, in its current version."""
    version = f"{language}-{CURRENT[language]}"
    if terms.renewal is None:
        return _filled(version, "now", language, {"due": terms.due or ("", "")})
    section = "now and at renewal" if terms.due else "at renewal"
    if terms.tax_included:
        section += ", tax included"
    values = {
        "renewal": terms.renewal,
        "every": terms.every,
        "start": terms.start,
        "more": _more(version, language, terms),
    }
    if terms.due:
        values["due"] = terms.due
    else:
        values["card"] = _card(version, language, terms)
        values["back"] = _back(version, language, terms)
    return _filled(version, section, language, values)


def _card(version: str, language: str, terms: Terms) -> tuple[str, Markup]:
    """Whose card is charged: by name, where it is known."""
    if terms.card is None:
        found = _filled(version, "card on file", language, {})
    else:
        found = _filled(version, "my card", language, {"name": terms.card})
    return found.text, found.markup


def _back(version: str, language: str, terms: Terms) -> tuple[str, Markup]:
    """A sentence for each card that gets money back."""
    parts: list[Agreement] = []
    for amount, card in terms.back:
        if card is None:
            parts.append(_filled(version, "given back, card unknown", language, {"amount": amount}))
        else:
            parts.append(_filled(version, "given back", language, {"amount": amount, "name": card}))
    return "".join(part.text for part in parts), Markup().join(part.markup for part in parts)


def _more(version: str, language: str, terms: Terms) -> tuple[str, str | Markup]:
    """What is to be said of the renewals beside their price: that a discount ends, that an amount of today comes on top, what other days bring."""
    parts: list[Agreement] = []
    if terms.times is not None:
        values = {"times": terms.times, "later": terms.later, "every": terms.every}
        parts.append(_filled(version, "discount ends", language, values))
    if terms.deferred is not None:
        parts.append(_filled(version, "deferred", language, {"deferred": terms.deferred}))
    for other in terms.others:
        if other.renewal is not None:
            more = _more(version, language, other)
            values = {"renewal": other.renewal, "every": other.every, "start": other.start, "more": more}
            parts.append(_filled(version, "another day", language, values))
    return "".join(part.text for part in parts), Markup().join(part.markup for part in parts)


def start_now(language: str) -> Agreement:
    """The second box where a right to withdraw exists (EU): the express request to start at once."""
    return _filled(f"{language}-eu-{CURRENT_EU[language]}", "start now", language, {})
