"""What the adapter is opened with, checked once: keys, signing secrets, accounts, address, time-out."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from app.gateways.port import GatewayError

NAME = "stripe"
API_BASE = "https://api.stripe.com"
PAGE_ORIGINS = ("https://checkout.stripe.com", "https://hooks.stripe.com")
"""Where shoppers go: the card page, and the bank's check."""
TIMEOUT = 10.0
SHORTEST, LONGEST = 1.0, 25.0
"""A call must end well within half of a driver's lease of a minute."""

_KEY = re.compile(r"[sr]k_(live|test)_[0-9A-Za-z_]{4,}", re.ASCII)
_CONNECTED = re.compile(r"acct_[0-9A-Za-z_]+", re.ASCII)
_ORIGIN = re.compile(r"https://[0-9a-z.-]+(:[0-9]{1,5})?", re.ASCII)
_OURS = {
    "secret_key", "test_secret_key", "webhook_secrets", "test_webhook_secrets", "api_base", "timeout_seconds", "accounts_file",
    "page_origins",
}  # fmt: skip
_SHARED = {"production", "public_url", "clock", "randomness"}
_OF_AN_ACCOUNT = {"secret_key", "webhook_secrets", "stripe_account"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """How one account is reached. ``connected`` goes into the ``Stripe-Account`` header; empty for the key's own."""

    key: str = field(repr=False)
    connected: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def identity(self) -> str:
        """Names with equal ones reach one account. Two keys of one account are told apart only by asking Stripe."""
        return self.connected or f"key:{hashlib.sha256(self.key.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """Keys by mode, and by name and mode where the installation has an accounts' file."""

    modes: Mapping[bool, Credentials]
    accounts: Mapping[tuple[str, bool], Credentials]
    api_base: str
    timeout: float
    page_origins: tuple[str, ...] = PAGE_ORIGINS

    def of(self, account: str, *, livemode: bool) -> Credentials:
        """``GatewayError`` (gateway_misconfigured) when there is no key of that mode for the account."""
        found = self.find(account, livemode=livemode)
        if found is not None:
            return found
        if (account, not livemode) in self.accounts:
            raise _wrong(
                f"the key of {account!r} is a {_mode(not livemode)} key, and the book is a {_mode(livemode)} one"
            )
        raise _wrong(f"there is no {_mode(livemode)} key for {account!r}", account=account)

    def find(self, account: str, *, livemode: bool) -> Credentials | None:
        """The account's own entry, else the mode's key; a name in the file stands for that entry alone."""
        own = self.accounts.get((account, livemode))
        if own is not None or (account, not livemode) in self.accounts:
            return own
        shared = self.modes.get(livemode)
        if shared is None or not _CONNECTED.fullmatch(account):
            return shared
        return Credentials(shared.key, account, shared.secrets)


def read_settings(settings: Mapping[str, object]) -> StripeSettings:
    """``GatewayError`` (gateway_misconfigured, gateway_refuses_production) names the setting and never shows its value."""
    unknown = sorted(set(settings) - _OURS - _SHARED)
    if unknown:
        raise _wrong(f"there is no setting {_variable(unknown[0])}", setting=unknown[0])
    modes: dict[bool, Credentials] = {}
    for livemode, prefix in ((True, ""), (False, "test_")):
        key = _text(settings, f"{prefix}secret_key")
        secrets = _secrets(settings.get(f"{prefix}webhook_secrets"), _variable(f"{prefix}webhook_secrets"))
        if key:
            _check_key(key, _variable(f"{prefix}secret_key"), livemode=livemode)
            modes[livemode] = Credentials(key, "", secrets)
        elif secrets:
            raise _wrong(f"{_variable(f'{prefix}webhook_secrets')} is set without {_variable(f'{prefix}secret_key')}")
    accounts = _accounts(_text(settings, "accounts_file"), modes)
    if not modes and not accounts:
        needed = _variable("secret_key"), _variable("test_secret_key"), _variable("accounts_file")
        raise _wrong(f"one of {', '.join(needed)} is needed", setting="secret_key")
    return StripeSettings(modes, accounts, _api_base(settings), _timeout(settings), _page_origins(settings))


def _accounts(path: str, modes: Mapping[bool, Credentials]) -> dict[tuple[str, bool], Credentials]:
    if not path:
        return {}
    name = _variable("accounts_file")
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(f"{name} cannot be read: {type(error).__name__}", setting="accounts_file") from None
    listed = told.pop("accounts", None)
    if told or not isinstance(listed, dict):
        raise _wrong(f"{name} holds tables [accounts.NAME] and nothing else", setting="accounts_file")
    found: dict[tuple[str, bool], Credentials] = {}
    for account, entry in cast("dict[str, Any]", listed).items():
        livemode, credentials = _account(entry, f"{name}, account {account!r}", modes)
        found[account, livemode] = credentials
    return found


def _account(entry: Any, where: str, modes: Mapping[bool, Credentials]) -> tuple[bool, Credentials]:
    """One entry; with ``mode`` and no key of its own it uses the installation's key, for a connected account."""
    if not isinstance(entry, dict) or set(cast("dict[str, Any]", entry)) - _OF_AN_ACCOUNT - {"mode"}:
        raise _wrong(f"{where}: may hold {', '.join(sorted(_OF_AN_ACCOUNT))} and mode")
    facts = cast("dict[str, Any]", entry)
    mode, key = facts.get("mode"), str(facts.get("secret_key") or "")
    match = _KEY.fullmatch(key)
    if mode not in (None, "live", "test") or (key and not match):
        raise _wrong(
            f"{where}: mode is live or test, and a secret key begins with sk_live_, rk_live_, sk_test_ or rk_test_"
        )
    told = mode or (match[1] if match else None)
    if told is None or (match and match[1] != told):
        raise _wrong(
            f"{where}: its mode and its key do not agree" if match else f"{where}: needs a secret_key or a mode"
        )
    connected = str(facts.get("stripe_account") or "")
    if connected and not _CONNECTED.fullmatch(connected):
        raise _wrong(f"{where}: stripe_account begins with acct_")
    shared = modes.get(told == "live")
    if not key and (shared is None or not connected):
        raise _wrong(
            f"{where}: without a key of its own it needs stripe_account, and {_variable('secret_key')} of its mode"
        )
    secrets = _secrets(facts.get("webhook_secrets"), where)
    return told == "live", Credentials(key or (shared.key if shared else ""), connected, secrets)


def _check_key(key: str, name: str, *, livemode: bool) -> None:
    match = _KEY.fullmatch(key)
    if not match:
        raise _wrong(f"{name} is no secret or restricted key of Stripe", setting=name)
    if (match[1] == "live") != livemode:
        raise _wrong(f"{name} holds a {match[1]} key, and is for {_mode(livemode)} books", setting=name)


def _secrets(value: object, name: str) -> tuple[str, ...]:
    """A comma list, or a list of the file; the newest first."""
    parts: list[str] = (
        [str(part) for part in cast("list[object]", value)] if isinstance(value, list) else str(value or "").split(",")
    )
    found = tuple(part.strip() for part in parts if part.strip())
    if any(not part.startswith("whsec_") or len(part) < 12 for part in found):
        raise _wrong(f"{name}: a signing secret begins with whsec_")
    return found


def _api_base(settings: Mapping[str, object]) -> str:
    base = _text(settings, "api_base").rstrip("/")
    if not base:
        return API_BASE
    name = _variable("api_base")
    if settings.get("production") is not False:
        raise GatewayError(
            "gateway_refuses_production", f"{name} is for tests and is refused in production", gateway=NAME
        )
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.username:
        raise _wrong(f"{name} is an address such as http://127.0.0.1:12111", setting=name)
    return base


def _page_origins(settings: Mapping[str, object]) -> tuple[str, ...]:
    """Stripe's own, and those under which an account serves Stripe's pages itself."""
    told = tuple(each.strip() for each in _text(settings, "page_origins").split(",") if each.strip())
    for each in told:
        if not _ORIGIN.fullmatch(each):
            name = _variable("page_origins")
            raise _wrong(f"{name} holds origins such as https://pay.example.com, with commas between", setting=name)
    return (*PAGE_ORIGINS, *told)


def _timeout(settings: Mapping[str, object]) -> float:
    told = _text(settings, "timeout_seconds")
    try:
        seconds = float(told) if told else TIMEOUT
    except ValueError:
        seconds = 0.0
    if not SHORTEST <= seconds <= LONGEST:
        raise _wrong(
            f"{_variable('timeout_seconds')} is a number of seconds from {SHORTEST:g} to {LONGEST:g}",
            setting="timeout_seconds",
        )
    return seconds


def _text(settings: Mapping[str, object], name: str) -> str:
    value = settings.get(name)
    return "" if value is None else str(value).strip()


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"


def _variable(name: str) -> str:
    return f"LIFTLINK_STRIPE_{name.upper()}"


def _wrong(message: str, **details: object) -> GatewayError:
    return GatewayError("gateway_misconfigured", f"stripe: {message}", gateway=NAME, **details)
