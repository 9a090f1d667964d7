"""Fills a mail's templates: ``templates/mail/<language>/<kind>.txt`` (first line: the subject) and ``.html``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, select_autoescape

from app.billing.facts import Interval
from app.billing.result import Line
from app.billing.wording import explain, label, price_words, says_something
from app.mail.port import Mail, MailError, Sender
from app.mail.tongues import MailTongue, Voice

KINDS = ("receipt", "not_charged", "fresh_link", "refunded", "step_up")


class Composer:
    """Turns the body of an outbox row into a mail. A value that is missing is an error, never an empty place.

    ``speak`` gives the voice for a language or locale, in a language that has templates. ``code_of`` makes the one-time code
    of a row's ``seed``, since no row holds one.
    """

    def __init__(
        self, templates: Path, speak: Callable[[str], Voice], code_of: Callable[[str], str] | None = None
    ) -> None:
        self._speak = speak
        self._code_of = code_of
        self._environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def compose(self, identity: str, kind: str, body: Mapping[str, Any], sender: Sender) -> Mail:
        """The mail of that kind in the body's ``language``. ``MailError`` (mail_malformed) when it cannot be made."""
        tongue = MailTongue(self._speak(str(body["language"])))
        values = {
            **body,
            "subscription": _reference(body["subscription"], sender),
            "tongue": tongue,
            "seller": sender,
            "rows": [_row(tongue, line) for line in map(_line, _listed(body, "lines")) if says_something(line)],
            "adjustments": _listed(body, "adjustments"),
            "later_renewals": _listed(body, "later_renewals"),
            "held": [_held(tongue, row, str(body["currency"])) for row in _listed(body, "after")],
        }
        try:
            if "seed" in body and self._code_of is not None:
                values["code"] = self._code_of(str(body["seed"]))
            subject, _, text = self._render(kind, tongue, "txt", values).partition("\n")
            html = self._render(kind, tongue, "html", values)
        except (TemplateError, KeyError) as error:
            raise MailError("mail_malformed", f"{kind}: {error}") from error
        return Mail(
            identity, str(body["to"]), sender.name, sender.help_email, subject.strip(), text.lstrip("\n"), html,
            tongue.language,
        )  # fmt: skip

    def _render(self, kind: str, tongue: MailTongue, ending: str, values: Mapping[str, Any]) -> str:
        name = f"{tongue.language}/{kind}.{ending}"
        if kind not in KINDS:
            raise TemplateNotFound(name)
        return self._environment.get_template(name).render(values)


def _reference(subscription: object, sender: Sender) -> str:
    """Our number as people know it (``QM-1048``); a reference is one already."""
    return f"{sender.prefix}-{subscription}" if isinstance(subscription, int) else str(subscription)


def _listed(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A part that a mail may lack, as those recorded by an earlier release do."""
    return cast("list[dict[str, Any]]", body.get(name) or [])


def _held(tongue: MailTongue, row: Mapping[str, Any], currency: str) -> tuple[str, str]:
    """``2 × CRM seat`` and ``$20.00 a year``; no price where nothing renews."""
    words, amount = tongue.voice.words, row["amount"]
    label = f"{words.number(row['quantity'])} × {row['name']}"
    price = "" if amount is None else price_words(1, amount, currency, Interval.parse(row["interval"]), words)
    return label, price


def _line(stored: Mapping[str, Any]) -> Line:
    """A line of the quote as it was recorded."""
    known = {name: stored[name] for name in _PLAIN if name in stored}
    fraction, interval, start, end = (stored.get(name) for name in ("fraction", "interval", "start", "end"))
    return Line(
        **known,
        fraction=tuple(fraction) if fraction else None,
        interval=Interval.parse(interval) if interval else None,
        start=date.fromisoformat(start) if start else None,
        end=date.fromisoformat(end) if end else None,
    )


def _row(tongue: MailTongue, line: Line) -> tuple[str, str, str]:
    """Its label, its amount and the sentence that explains it, in the mail's language."""
    words = tongue.voice.words
    return label(line, words), tongue.money(line.amount, line.currency), explain(line, words)


_PLAIN = (
    "kind",
    "amount",
    "currency",
    "code",
    "name",
    "quantity",
    "unit_price",
    "basis",
    "unit",
    "rate",
    "rule",
    "base",
)
"""What a line's words are made of, beside fraction, interval and days."""
