"""What a link offers, as a change that can be priced: from the words of a link or from a saved offer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.billing.codec import load_change
from app.billing.facts import Change, Discount
from app.kit.errors import LiftlinkError
from app.links import claims as links
from app.models.links import Offer
from app.subscriptions.choices import NO_CHOICES, Choices, QuantityRange, load_choices

_RATE_PER_HUNDREDTH = 100
"""A link counts hundredths of a percent, the engine parts per million."""


class OfferError(LiftlinkError):
    """``offer_unknown`` · ``offer_closed``: the saved offer is not there, or was switched off or ended.
    ``quantity_not_offered``: the shopper may not choose that many; ``field``, ``quantity``, ``smallest``, ``largest``.
    ``options_not_offered``: the shopper may not choose these options; ``field``, ``options``, ``listed`` (each may be chosen
    by itself)."""


class Offered(NamedTuple):
    """A change with what its offer adds: the version a quote names (0 for one written out), when it ends, what it leaves
    to the shopper, and the changes of ``more`` items that are priced and bought with it."""

    change: Change
    version: int = 0
    name: str = ""
    ends_at: datetime | None = None
    choices: Choices = NO_CHOICES
    more: tuple[Change, ...] = ()
    base: tuple[str, ...] | None = None
    """The options before the shopper picked; None: nobody did."""

    @property
    def changes(self) -> tuple[Change, ...]:
        return (self.change, *self.more)


def offered(connection: Connection, book_id: int, offer: links.Offer, at: datetime) -> Offered:
    """The change that this offer stands for now; ``OfferError`` when a saved one is gone, off or over."""
    if isinstance(offer, links.WrittenOffer):
        return Offered(written_change(offer))
    if isinstance(offer, links.CampaignOffer):
        # Campaigns are not sold yet: their table does not exist, so no such link can have been made here.
        raise OfferError("offer_unknown", f"no campaign {offer.number}", number=offer.number)
    return saved_offer(connection, book_id, offer.number, at)


def saved_offer(connection: Connection, book_id: int, number: int, at: datetime) -> Offered:
    """The saved offer of this number; ``OfferError`` as above."""
    row = connection.execute(
        select(Offer.change, Offer.version, Offer.name, Offer.ends_at, Offer.choices, Offer.active).where(
            Offer.book_id == book_id, Offer.number == number
        )
    ).first()
    if row is None:
        raise OfferError("offer_unknown", f"no saved offer {number}", number=number)
    change, version, name, ends_at, choices, active = row
    if not active or (ends_at is not None and ends_at <= at):
        raise OfferError("offer_closed", f"saved offer {number} is closed", number=number, ends_at=ends_at)
    more = tuple([load_change(each) for each in change.get("more", ())])
    return Offered(load_change(change), version, name, ends_at, load_choices(choices), more)


def with_quantity(found: Offered, quantity: int) -> Offered:
    """The offer with as many as the shopper chose, 0: as many as it says; ``quantity_not_offered`` when it does not let them."""
    if not quantity:
        return found
    allowed = found.choices.quantity
    if allowed is None or quantity not in allowed:
        raise quantity_not_offered(quantity, allowed)
    return found._replace(change=replace(found.change, quantity=quantity))


def with_options(found: Offered, picked: tuple[str, ...] | None, held: tuple[str, ...]) -> Offered:
    """The offer with the options that the shopper picked, None: as it says; ``options_not_offered`` when it does not let them.

    ``held`` are the item's own options, which an offer that names none leaves as they are.
    """
    if picked is None:
        return found
    options = found.choices.with_picked(own_options(found, held), picked)
    if options is None or not found.choices.options:
        codes = {choice.code for choice in found.choices.options}
        listed = bool(codes) and all(text.partition("=")[0] in codes for text in picked)
        raise OfferError(
            "options_not_offered", "the offer is not for these options", field="options", options=picked, listed=listed
        )
    return found._replace(change=replace(found.change, options=options), base=own_options(found, held))


def own_options(found: Offered, held: tuple[str, ...]) -> tuple[str, ...]:
    """The options of the offer before anybody picks."""
    return held if found.change.options is None else found.change.options


def quantity_not_offered(quantity: int, allowed: QuantityRange | None) -> OfferError:
    smallest, largest = allowed or (None, None)
    return OfferError(
        "quantity_not_offered", f"the offer is not for {quantity}",
        field="quantity", quantity=quantity, smallest=smallest, largest=largest,
    )  # fmt: skip


def written_change(offer: links.WrittenOffer, currency: str | None = None) -> Change:
    """The change a link spells out. No options named means that the options stay as they are.

    ``currency`` is that of the amounts; a link's own are in the currency of its subscription, and leave it None.
    """
    return in_currency(_written(offer), currency)


def in_currency(change: Change, currency: str | None) -> Change:
    """The change, good for subscriptions in ``currency`` only; for all where it states no amount."""
    discount = change.discount
    amounts = (change.unit_price, change.fixed, *((discount.amount, discount.unit_price) if discount else ()))
    return replace(change, currency=currency if any(amount is not None for amount in amounts) else None)


def _written(offer: links.WrittenOffer) -> Change:
    return Change(
        item=offer.item,
        product=offer.product,
        quantity=offer.quantity,
        options=offer.options or None,
        unit_price=offer.unit_price,
        effective=offer.effective,
        alignment=offer.alignment,
        discount=None if offer.discount is None else _discount(offer.discount),
    )


def names_of(claims: links.LinkClaims) -> dict[str, str]:
    """By which names a link may have been withdrawn: its own, its batch's, its customer's, its saved offer's."""
    offer = claims.offer
    return {
        "link": claims.link_id.text,
        "batch": str(claims.link_id.batch),
        "customer": str(claims.customer),
        "offer": str(offer.number) if isinstance(offer, links.SavedOffer) else "",
    }


def _discount(discount: links.Discount) -> Discount:
    periods = discount.periods or None
    if discount.kind == "percent":
        return Discount(percent=discount.value * _RATE_PER_HUNDREDTH, scope=discount.scope, periods=periods)
    if discount.kind == "amount":
        return Discount(amount=discount.value, scope=discount.scope, periods=periods)
    return Discount(unit_price=discount.value, scope=discount.scope, periods=periods)
