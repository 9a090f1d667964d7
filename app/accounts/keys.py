"""Signing keys: one signs, older ones still verify, retired ones are refused by name.

A key row holds no secret. The secret is derived from the master secret that ``master_mark`` names, the kid and the salt,
so a dump of the database signs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Text, cast, func, insert, select, update

from app.accounts.errors import AccountError
from app.kit.clock import Clock
from app.kit.ids import Randomness
from app.kit.keys import MasterKeys
from app.links.signing import SigningKey as ReadyKey
from app.links.signing import new_kid
from app.models.base import whole_sum
from app.models.links import LinkBatch, LinkVisit
from app.models.locks import hold_book
from app.models.merchants import Book, SigningKey
from app.models.store import Store

PURPOSE = "signing key"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key as a person may see it. ``issued`` counts links of numbered batches, ``opened`` links that were opened."""

    kid: str
    state: str
    created_at: datetime
    retired_at: datetime | None
    standing_batch: int
    issued: int
    opened: int


@dataclass(frozen=True, slots=True)
class LinkKey:
    """What a merchant's own back end needs to make links, and nothing else can be signed with.

    ``link_key`` is the key for links in hexadecimal; links made with it carry ``standing_batch`` and random positions.
    """

    kid: str
    state: str
    standing_batch: int
    link_key: str = field(repr=False)


def secret_of(masters: MasterKeys, *, kid: str, salt: str, mark: str) -> bytes:
    """The 32 bytes that sign with this key. ``key_master_missing`` when its master secret is not configured any more."""
    try:
        return masters.derive(PURPOSE, f"{kid}\0{salt}", mark)
    except KeyError:
        raise AccountError(
            "key_master_missing", f"key {kid} was made under a master secret that LIFTLINK_SECRET no longer lists", kid=kid
        ) from None  # fmt: skip


def add_key(
    connection: Connection, masters: MasterKeys, randomness: Randomness, *, book_id: int, actor: str, at: datetime
) -> str:
    """Stores a key that signs from now on, with its standing batch; the kid. For the caller's transaction."""
    while True:
        kid = new_kid(randomness)
        if connection.scalar(select(SigningKey.kid).where(SigningKey.kid == kid)) is None:
            break
    number = connection.scalars(
        update(Book).where(Book.id == book_id).values(next_batch=Book.next_batch + 1).returning(Book.next_batch)
    ).one()
    standing = number - 1
    connection.execute(
        insert(SigningKey).values(
            kid=kid, book_id=book_id, salt=randomness(16).hex(), master_mark=masters.newest_mark, state="active",
            standing_batch=standing, created_at=at,
        )
    )  # fmt: skip
    connection.execute(
        insert(LinkBatch).values(
            book_id=book_id, number=standing, kind="standing", kid=kid, offer=None, count=0, source="key", actor=actor,
            created_at=at,
        )
    )  # fmt: skip
    return kid


def list_keys(store: Store, book_id: int) -> list[KeyFacts]:
    """The book's keys, newest first."""
    with store.read() as connection:
        rows = connection.execute(
            select(
                SigningKey.kid, SigningKey.state, SigningKey.created_at, SigningKey.retired_at, SigningKey.standing_batch
            )
            .where(SigningKey.book_id == book_id)
            .order_by(SigningKey.created_at.desc(), SigningKey.standing_batch.desc())
        ).all()  # fmt: skip
        issued, opened = _issued(connection, book_id), _opened(connection, book_id)
    return [
        KeyFacts(
            row.kid, row.state, row.created_at, row.retired_at, row.standing_batch, issued.get(row.kid, 0),
            opened.get(row.kid, 0),
        )
        for row in rows
    ]  # fmt: skip


def export_link_key(store: Store, masters: MasterKeys, book_id: int, kid: str) -> LinkKey:
    """The derived key for links of this key, never its secret.

    ``key_unknown`` for a kid of another book too; ``key_retired`` because nothing it makes would open.
    """
    with store.read() as connection:
        row = connection.execute(
            select(
                SigningKey.salt, SigningKey.master_mark, SigningKey.state, SigningKey.standing_batch, Book.mode
            )
            .join(Book, Book.id == SigningKey.book_id)
            .where(SigningKey.book_id == book_id, SigningKey.kid == kid)
        ).first()  # fmt: skip
    if row is None:
        raise AccountError("key_unknown", f"this book has no key {kid}", kid=kid)
    if row.state == "retired":
        raise AccountError("key_retired", f"key {kid} is retired: no link made with it would open", kid=kid)
    secret = secret_of(masters, kid=kid, salt=row.salt, mark=row.master_mark)
    key = ReadyKey(kid, book_id, row.mode, secret, row.state)
    return LinkKey(kid, row.state, row.standing_batch, key.signer("link").purpose_key.hex())


def _issued(connection: Connection, book_id: int) -> dict[str, int]:
    """How many links the numbered batches of each key hold, by kid."""
    rows = connection.execute(
        select(LinkBatch.kid, whole_sum(LinkBatch.count)).where(LinkBatch.book_id == book_id).group_by(LinkBatch.kid)
    )
    return {kid: int(count) for kid, count in rows}


def _opened(connection: Connection, book_id: int) -> dict[str, int]:
    """How many links of each key were opened, by kid: visits counted by batch once, however many batches there are."""
    # A link's id is `batch-position`; without the digits at its end it is the batch and a hyphen.
    batch = func.rtrim(func.rtrim(LinkVisit.jti, "0123456789"), "-").label("batch")
    each = select(batch).where(LinkVisit.book_id == book_id).subquery()
    visits = select(each.c.batch, func.count().label("opened")).group_by(each.c.batch).subquery()
    rows = connection.execute(
        select(LinkBatch.kid, whole_sum(visits.c.opened))
        .join(visits, cast(LinkBatch.number, Text) == visits.c.batch)
        .where(LinkBatch.book_id == book_id)
        .group_by(LinkBatch.kid)
    )
    return {kid: int(count) for kid, count in rows}


def rotate_key(
    store: Store, clock: Clock, masters: MasterKeys, randomness: Randomness, book_id: int, *, actor: str
) -> str:
    """From now on a new key signs; links of the old one stay good. Returns the new kid."""
    at = clock.now()
    with store.write() as connection:
        hold_book(connection, book_id)
        connection.execute(
            update(SigningKey)
            .where(SigningKey.book_id == book_id, SigningKey.state == "active")
            .values(state="verify")
        )  # fmt: skip
        return add_key(connection, masters, randomness, book_id=book_id, actor=actor, at=at)


def retire_key(store: Store, clock: Clock, book_id: int, kid: str) -> None:
    """From now on (within 5 s on every server) links of this key are refused by name. For a key that leaked.

    ``key_unknown`` for a kid of another book too; ``key_signs`` while it is the one that signs: rotate first. Retiring
    twice changes nothing.
    """
    with store.write() as connection:
        hold_book(connection, book_id)
        state = connection.scalar(
            select(SigningKey.state).where(SigningKey.book_id == book_id, SigningKey.kid == kid)
        )  # fmt: skip
        if state is None:
            raise AccountError("key_unknown", f"this book has no key {kid}", kid=kid)
        if state == "active":
            raise AccountError(
                "key_signs", f"key {kid} is the one that signs; rotate first: liftlink keys rotate", kid=kid
            )
        if state != "retired":
            connection.execute(
                update(SigningKey).where(SigningKey.kid == kid).values(state="retired", retired_at=clock.now())
            )
