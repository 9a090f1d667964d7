"""One account at Stripe through the official SDK: every call made once, and whatever came back as plain data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import stripe
import stripe._util as sdk_log
from stripe import StripeClient, StripeError

from app.gateways.answers import Observation, classify
from app.gateways.port import AnswerKind, PaymentStatus
from app.gateways.stripe.settings import Credentials
from app.gateways.stripe.table import word
from app.gateways.stripe.transport import NoAnswer, NotSent, Transport
from app.kit.fence import assert_outside_transaction
from app.kit.redaction import without_secrets

API_VERSION = "2026-10-28.endive"
"""The version that this code and its tests are written for; sent with every call, whatever the account's own default."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call showed. ``body`` is the object, or the error; None when there was no whole answer."""

    sent: bool = True
    status: int | None = None
    body: Body | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300 and self.body is not None

    @property
    def error(self) -> Body:
        """The error of Stripe's; empty where there is none."""
        told = (self.body or {}).get("error") if not self.ok else None
        return cast("Body", told) if isinstance(told, dict) else {}

    def kind(self, payment_status: PaymentStatus | None = None) -> AnswerKind:
        """The class of the answer, decided by the one table and the one function."""
        if not self.sent or self.status is None or self.body is None:
            return classify(Observation(sent=self.sent))
        kind, code = _name(self.error, "type"), _name(self.error, "code")
        status, told = word(self.status, kind, code)
        parsed = self.ok or bool(self.error)
        return classify(Observation(True, status, told, parsed, payment_status))

    @property
    def detail(self) -> str:
        """For logs and the merchant: status, codes and Stripe's request, and its message only where no shopper is in it."""
        if self.ok:
            return ""
        told = [self.note] if self.note else []
        told += [str(self.status)] if self.status is not None else []
        told += [text for name in ("type", "code", "decline_code", "param") if (text := _name(self.error, name))]
        if self.error and self.status != 402:
            told.append(_name(self.error, "message"))
        told += [text] if (text := self.headers.get("request-id", "")) else []
        return without_secrets(" ".join(told))[:500]

    @property
    def retry_after(self) -> float | None:
        try:
            seconds = float(self.headers.get("retry-after", ""))
        except ValueError:
            return None
        return seconds if 0 <= seconds <= 3600 else None


class Account:
    """The SDK's client for one account in one mode, and how its calls are made."""

    def __init__(self, credentials: Credentials, transport: Transport, api_base: str) -> None:
        self.connected = credentials.connected
        self.identity = credentials.identity
        self.client = StripeClient(
            credentials.key,
            stripe_account=credentials.connected or None,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base},
            max_network_retries=0,
            http_client=transport,
        )

    def ask(self, verb: str, call: Callable[[StripeClient], Any]) -> Seen:
        """Makes the call. Only a call inside a transaction raises (``AssertionError``); all else is something seen."""
        assert_outside_transaction(verb)
        try:
            found = call(self.client)
            return Seen(status=200, body=cast("Body", found.to_dict()))
        except (NotSent, NoAnswer) as error:
            return Seen(sent=not isinstance(error, NotSent), note=str(error))
        except StripeError as error:
            return _failed(error)
        except Exception as error:  # an answer that the SDK cannot read; its words may hold parts of it
            return Seen(note=f"unreadable answer: {type(error).__name__}")


def _failed(error: StripeError) -> Seen:
    """A success that could not be read has a status and no object, and counts as no answer."""
    body, headers = error.json_body, {name.lower(): str(value) for name, value in (error.headers or {}).items()}
    if not isinstance(body, dict) or error.http_status is None or 200 <= error.http_status < 300:
        note = f"{type(error).__name__}" + (f" {error.http_status}" if error.http_status else "")
        return Seen(headers=headers, note=note)
    return Seen(status=error.http_status, body=cast("Body", body), headers=headers)


def _name(error: Body, name: str) -> str:
    value = error.get(name)
    return value if isinstance(value, str) else ""


class _Scrubbed(logging.Filter):
    """Takes secrets out of what the SDK logs, wherever it is sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_secrets(record.getMessage()), ()
        return True


def quieten() -> None:
    """The SDK as a part of a server: no telemetry file in a home folder, and no bodies on the standard error."""
    stripe.enable_telemetry = False
    stripe.log = None
    setattr(sdk_log, "STRIPE_LOG", None)  # noqa: B010 - STRIPE_LOG=debug would print every body
    if not any(isinstance(each, _Scrubbed) for each in sdk_log.logger.filters):
        sdk_log.logger.addFilter(_Scrubbed())
