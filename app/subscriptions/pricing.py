"""Puts the merchant's rules together for one change and asks ``billing`` for the quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.billing.engine import quote, valid_until
from app.billing.errors import CaseError
from app.billing.facts import Change
from app.billing.result import Quote
from app.billing.rulebook import MinimumCharge, PathFacts, Policy, ProductFacts, TaxRate
from app.billing.schedule import local_day, zone_of
from app.kit.money import MoneyError, parse_minor
from app.subscriptions.catalog import Catalog, catalog_of
from app.subscriptions.facts import BookFacts, CardFacts, Held
from app.subscriptions.putting_off import relieve
from app.subscriptions.refundable import refundable

Changes = Change | tuple[Change, ...]
_PLAIN = ("basis", "change_day", "rounding", "negative", "lock_window", "unpaid_limit")


class Priced(NamedTuple):
    """A quote with the rules it was made under: its life and the products' names follow from them."""

    quote: Quote
    policy: Policy

    def valid_until(self, held: Held) -> datetime:
        """Until when it may be confirmed: 60 minutes, the end of the local day, or the lock window."""
        return valid_until(held.facts, self.policy, self.quote.at)


def price(
    conn: Connection, held: Held, change: Changes, at: datetime, *, own_order: str | None = None, asks_card: bool = True
) -> Quote:
    """The change priced at ``at``, as ``priced`` does it."""
    return priced(conn, held, change, at, own_order=own_order, asks_card=asks_card).quote


def priced(
    conn: Connection,
    held: Held,
    change: Changes,
    at: datetime,
    *,
    cart_session: str | None = None,
    own_order: str | None = None,
    asks_card: bool = True,
) -> Priced:
    """The change priced at ``at`` under the book's policy, its path's overrides, tax and catalog.

    ``cart_session`` also counts the cards entered in that cart. ``own_order`` is an open order that does not count as a
    change in progress, because it is the caller's; a change that waits always does. ``asks_card`` False: the caller lets the buyer enter a card, so having
    none refuses nothing. Raises ``CaseError`` for a change that cannot be priced at all.
    """
    changes = change if isinstance(change, tuple) else (change,)
    policy = policy_for(conn, held, changes, at)
    cards = len(usable_cards(held.cards, held.book, at, cart_session)) if asks_card else None
    facts, busy = held.facts, held.scheduled is not None or held.open_order not in (None, own_order)
    if cards != facts.customer.cards or busy != facts.change_in_progress:  # on most carts both are as stored
        facts = replace(facts, customer=replace(facts.customer, cards=cards), change_in_progress=busy)
    if (
        held.held_back and held.open_order == own_order
    ):  # the order gives it back or keeps it, it is the caller's either way
        facts = replace(facts, balance=facts.balance - held.held_back)
    if policy.negative == "refund":
        ours = refundable(conn, held.book.id, held.id, facts.currency)
        facts = replace(facts, refundable=sum([one.left for one in ours]))
    made = quote(facts, change, policy, at)
    if held.owed and made.effective != "next_billing":
        made = relieve(conn, held, facts, made, lambda as_if_paid: quote(as_if_paid, change, policy, at))
    return Priced(made, policy)


def usable_cards(
    cards: Iterable[CardFacts], book: BookFacts, at: datetime, cart_session: str | None = None
) -> list[CardFacts]:
    """Those that can be charged now: not blocked, not expired on the merchant's day, at the book's gateway."""
    day = local_day(at, zone_of(book.timezone))
    return [
        card
        for card in cards
        if not card.blocked
        and card.gateway == book.gateway
        and card.cart_session in (None, cart_session)
        and not card.is_expired(day.year, day.month)
    ]


def policy_for(conn: Connection, held: Held, changes: tuple[Change, ...], at: datetime) -> Policy:
    """The rules for these changes: the book's policy, overridden by the path, with tax and catalog of the products touched.

    Where several changes take paths whose rules differ, each has its own, and what is settled once follows the book's.
    """
    book, facts = held.book, held.facts
    catalog = catalog_of(conn, book.id, book.catalog_version)
    held_products = {item.running_number: item.product for item in facts.items}
    targets = [change.product or held_products.get(change.item or 0, "") for change in changes]
    touched = tuple(dict.fromkeys((*held_products.values(), *targets)))
    ways = [
        _path(conn, catalog, held_products.get(change.item or 0), target, facts.currency, change.price_rule)
        for change, target in zip(changes, targets, strict=True)
    ]
    alike = all(way == ways[0] for way in ways[1:])
    path, overrides = ways[0] if ways and alike else _NO_PATH
    rules = {**book.policy, **overrides}
    tax, taxes = _taxes(conn, catalog, held.customer.country, (*targets[:1], *touched), rules, at, book)
    base = Policy(
        **{name: rules[name] for name in _PLAIN if name in rules},
        minimum_charge=minimum_charge(rules.get("minimum_charge"), facts.currency),
        timezone=book.timezone,
        tax=tax,
        taxes=taxes,
        catalog=_facts(conn, catalog, touched, facts.currency, changes),
        path=path,
    )
    if alike:
        return base
    return replace(base, each=tuple([_own(base, path, own) for path, own in ways]))


def _facts(
    conn: Connection, catalog: Catalog, codes: tuple[str, ...], currency: str, changes: tuple[Change, ...]
) -> dict[str, ProductFacts]:
    """The products touched, in the subscription's currency. An offer in another one is refused for that: the list prices of
    its own currency stand in where there are any, so that it can be priced at all."""
    found = catalog.facts(conn, codes, currency)
    other = next((change.currency for change in changes if change.currency not in (None, currency)), None)
    if other is not None:
        found |= {code: facts for code, facts in catalog.facts(conn, codes, other).items() if facts.prices}
    return found


_Way = tuple[PathFacts | None, Mapping[str, Any]]
_NO_PATH: _Way = (None, {})


def _own(base: Policy, path: PathFacts | None, overrides: Mapping[str, Any]) -> Policy:
    """The rules of one change among several."""
    return replace(base, path=path, **{name: overrides[name] for name in _PLAIN if name in overrides})


def minimum_charge(rule: Mapping[str, Any] | None, currency: str) -> MinimumCharge | None:
    """The rule in one currency; none where its amount has more decimals than the currency (0.50 of a yen)."""
    if rule is None:
        return None
    try:
        return MinimumCharge(parse_minor(rule["amount"], currency), rule.get("below", "charge"))
    except MoneyError:
        return None


def _taxes(
    conn: Connection,
    catalog: Catalog,
    country: str | None,
    products: tuple[str, ...],
    rules: Mapping[str, Any],
    at: datetime,
    book: BookFacts,
) -> tuple[TaxRate, dict[str, TaxRate]]:
    """The rate of the first product's class on the merchant's local day, and the rates of products of other classes."""
    day = local_day(at, zone_of(book.timezone))
    inclusive = bool(rules.get("tax_inclusive"))
    main, others, first = TaxRate(found=False), dict[str, TaxRate](), ""
    for index, code in enumerate(products):
        product = catalog.product(conn, code)
        of = product.tax_class if product else "standard"
        if index and of == first:
            continue
        rate = catalog.tax(conn, country, of, day)
        if inclusive:
            rate = replace(rate, inclusive=True)
        if not index:
            main, first = rate, of
        elif rate != main:
            others[code] = rate
    return main, others


def _path(
    conn: Connection, catalog: Catalog, source: str | None, target: str, currency: str, own_rule: str | None
) -> _Way:
    """The path that a change takes, with what it overrides. A move between products that the merchant did not list is not
    allowed; one within a product needs no path, nor does an item that is added. ``own_rule``: the change's own price rule,
    which goes before the path's."""
    if source is None:
        return _NO_PATH
    row = catalog.path(conn, source, target)
    if row is None and source == target:
        return _NO_PATH
    if row is None or not row.active:
        return PathFacts(allowed=False), {}
    return _path_facts(row.rules, currency, own_rule), row.rules.get("policy", {})


def _path_facts(rules: Mapping[str, Any], currency: str, own_rule: str | None) -> PathFacts:
    rule: Any = rules.get("price_rule")
    fixed = None
    if rule is not None and not isinstance(rule, str):
        fixed, rule = None if own_rule else _fixed(rule["fixed"], currency), "fixed"
    return PathFacts(True, rules.get("trial"), rule, fixed, rules.get("alignment"))


def _fixed(amount: str, currency: str) -> int:
    """A path's fixed price holds in every currency, but not every currency has its decimals (5.00 is no amount in yen)."""
    try:
        return parse_minor(amount, currency)
    except MoneyError as error:
        message = f"the path's fixed price, {amount}, is no amount in {currency}"
        raise CaseError("path.price_rule.fixed", message, currency=currency) from error
