"""The JSON case of ``liftlink quote``: read strictly, every error naming its field by path.

Unknown fields are refused, so that a misspelt one cannot silently mean its default.
"""

from __future__ import annotations

import marshal
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from app.billing.answers import answer, answer_text
from app.billing.case_change import read_change
from app.billing.case_rules import read_catalog, read_path, read_policy, read_tax
from app.billing.case_subscription import read_subscription
from app.billing.engine import quote
from app.billing.errors import CaseError
from app.billing.facts import Change, Subscription
from app.billing.reading import Reader
from app.billing.rulebook import Policy
from app.billing.schedule import zone_of
from app.kit.currencies import PLACES


class Case(NamedTuple):
    """The arguments of ``quote``."""

    subscription: Subscription
    change: list[Change]
    policy: Policy
    at: datetime


def read_case(stated: object) -> Case:
    """The case that ``stated`` (as ``json.loads`` gives it) spells out; ``CaseError`` names the first wrong field."""
    case = Reader(stated, "")
    currency = case.text("currency")
    if currency not in PLACES:
        raise CaseError("currency", f"{currency!r} is no ISO 4217 currency")
    at = case.instant("at", UTC)
    policy = _rules(case, currency)
    held = case.object("subscription")
    if held is None:
        raise CaseError("subscription", "is missing")
    subscription = read_subscription(
        held, currency, zone_of(policy.timezone), policy.catalog, case.object("customer"),
        case.money("balance", currency, 0, negative=True),
    )  # fmt: skip
    refundable = case.money("refundable", currency, None)
    if refundable is not None:
        subscription = replace(subscription, refundable=refundable)
    wanted = case.pop("change")
    if isinstance(wanted, list):
        listed = cast("list[object]", wanted)
        if not listed:
            raise CaseError("change", "names no change")
        changes = [read_change(Reader(one, f"change[{n}]"), currency, subscription) for n, one in enumerate(listed)]
    else:
        changes = [read_change(Reader(wanted, "change"), currency, subscription)]
    case.finish()
    return Case(subscription, changes, policy, at)


def _rules(case: Reader, currency: str) -> Policy:
    """The policy with all that it rests on. The cases of a list mostly state the same, so the last few are kept."""
    stated = _spelt((currency, case.peek(_RULES)))
    known = _known_rules.get(stated)
    if known is not None:
        case.drop(_RULES)
        return known
    timezone = case.text("timezone", "UTC")
    zone_of(timezone)
    tax, taxes = read_tax(case.object("tax"))
    catalog = read_catalog(case.object("catalog"), currency)
    path = read_path(case.object("path"), currency)
    campaign = case.choice("campaign.state", "campaign", "open")
    policy = read_policy(case.object("policy"), currency, timezone, tax, catalog, path, taxes, campaign)
    if stated is None:
        return policy
    if len(_known_rules) >= _MOST_RULES:
        _known_rules.clear()
    _known_rules[stated] = policy
    return policy


_RULES = ("timezone", "tax", "catalog", "path", "policy", "campaign")
_MOST_RULES = 16
_known_rules: dict[bytes | None, Policy] = {}


def _spelt(stated: Any) -> bytes | None:
    """One spelling for equal values of equal types (1 and true are not), made sooner than any text; None: no plain value."""
    try:
        return marshal.dumps(stated, 2)
    except ValueError:
        return None


def quote_case(stated: object) -> dict[str, Any]:
    """Read a case, price it, and give the answer as plain JSON values."""
    return answer(quote(*read_case(stated)))


def quote_text(stated: object) -> str:
    """The same as JSON text in one line."""
    return answer_text(quote(*read_case(stated)))
