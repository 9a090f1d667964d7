"""Taking back a link, a batch, a customer's links or a saved offer. Running attempts run to their end (I27)."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from app.kit.clock import Clock
from app.kit.errors import LiftlinkError
from app.links.claims import LinkId
from app.models.customers import Customer
from app.models.links import LinkBatch, Offer, withdraw
from app.models.locks import hold_book
from app.models.store import Store

KINDS = ("link", "batch", "customer", "offer")


class RevokeRefused(LiftlinkError):
    """``not_found``: this book has no such thing; ``details["kind"]`` says of which kind."""


def revoke(store: Store, clock: Clock, book_id: int, kind: str, ref: str, *, reason: str, actor: str) -> bool:
    """From the commit on no order starts from what is named; False when it was taken back already.

    ``ref``: a link's id (``12-1``), a batch's, customer's or saved offer's number. Links of a customer or batch that are
    issued later are good. ``not_found`` for what is not of this book.
    """
    now = clock.now()
    with store.write() as connection:
        hold_book(connection, book_id)
        if not _exists(connection, book_id, kind, ref):
            raise RevokeRefused("not_found", f"this book has no {kind} {ref}", kind=kind, ref=ref)
        if kind == "offer":
            connection.execute(
                update(Offer).where(Offer.book_id == book_id, Offer.number == int(ref)).values(active=False)
            )  # fmt: skip
        refs = _customer_refs(connection, book_id, ref) if kind == "customer" else [ref]
        fresh = [
            withdraw(
                connection,
                {
                    "book_id": book_id, "kind": kind, "ref": each, "reason": reason, "actor": actor,
                    "issued_before": now if kind in ("customer", "batch") else None, "created_at": now,
                },
            )
            for each in refs
        ]  # fmt: skip
    return any(fresh)


def _exists(connection: Connection, book_id: int, kind: str, ref: str) -> bool:
    if kind == "link":
        return _link_exists(connection, book_id, LinkId.parse(ref))
    if not ref.isdecimal():
        return False
    if kind == "batch":
        return _batch_exists(connection, book_id, int(ref))
    table = Customer if kind == "customer" else Offer
    found = select(table.id).where(table.book_id == book_id, table.number == int(ref))
    return connection.scalar(found) is not None


def _link_exists(connection: Connection, book_id: int, link: LinkId) -> bool:
    """An issued batch counts its links; those of a standing batch were made elsewhere, so any position may exist."""
    row = connection.execute(
        select(LinkBatch.kind, LinkBatch.count).where(LinkBatch.book_id == book_id, LinkBatch.number == link.batch)
    ).first()
    if row is None:
        return False
    kind, count = row
    return kind == "standing" or 1 <= link.position <= count


def _batch_exists(connection: Connection, book_id: int, number: int) -> bool:
    found = select(LinkBatch.id).where(LinkBatch.book_id == book_id, LinkBatch.number == number)
    return connection.scalar(found) is not None


def _customer_refs(connection: Connection, book_id: int, number: str) -> list[str]:
    """Links name a customer by our number or by the merchant's reference; both are taken back."""
    external = connection.scalar(
        select(Customer.external_ref).where(Customer.book_id == book_id, Customer.number == int(number))
    )
    return [number, external] if external else [number]
