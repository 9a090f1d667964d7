"""Names that stand for one account at a gateway: books may share a key, each under a name of its own.

Rows keep the name under which they were written. Whatever is looked for at the account is looked for under all its names,
so that no book takes another's payment for an orphan, and whatever is done there is done once.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from app.charging.gate import Account, accounts_of
from app.gateways.port import GatewayError, Gateways
from app.models.merchants import Book


def namesakes(conn: Connection, gateways: Gateways, name: Account) -> tuple[Account, ...]:
    """Every name of this account, that of the eldest book first; ``name`` alone where it cannot be reached from here."""
    return by_account(conn, gateways, [name])[0]


def by_account(conn: Connection, gateways: Gateways, names: Iterable[Account]) -> list[tuple[Account, ...]]:
    """The accounts that ``names`` stand for, each once with all its names, the given ones or not."""
    asked = {_behind(gateways, each): each for each in names}
    where = {(each.gateway, each.livemode) for each in asked.values()}
    known: dict[object, list[Account]] = {}
    for each in _eldest_first(conn):
        if (each.gateway, each.livemode) in where:
            known.setdefault(_behind(gateways, each), []).append(each)
    return [tuple(known.get(behind, [each])) for behind, each in asked.items()]


def _behind(gateways: Gateways, name: Account) -> object:
    try:
        gateway = gateways.of(name.gateway, name.account, livemode=name.livemode)
    except GatewayError:
        return name
    return name.gateway, name.livemode, gateway.identity


def _eldest_first(conn: Connection) -> list[Account]:
    """A new book never comes before an old one, so that the first name of an account stays the first."""
    query = select(Book.gateway, Book.gateway_account, Book.mode, func.min(Book.id))
    ages = {
        Account(gateway, account, mode == "live"): age
        for gateway, account, mode, age in conn.execute(
            query.group_by(Book.gateway, Book.gateway_account, Book.mode)
        )
    }  # fmt: skip
    return sorted(accounts_of(conn), key=lambda each: ages.get(each, float("inf")))
