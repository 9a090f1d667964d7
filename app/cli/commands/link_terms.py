"""What an offer's options mean: shared by ``link create``, ``link preview`` and ``offer save``."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from app.cli.commands.common import book_options

if TYPE_CHECKING:
    from app.links.claims import Discount, Offer, WrittenOffer
    from app.offers.issue import Terms
    from app.subscriptions.facts import Held
    from app.wiring import Adapters


def offer_options(command: Any) -> Any:
    """What is offered, the same for a link and for a saved offer."""
    for option in reversed(
        (
            click.option("--product", metavar="CODE", help="The product after the change."),
            click.option("--option", "options", metavar="CODE", multiple=True, help="An option to have (up to four)."),
            click.option("--quantity", type=click.IntRange(min=1), help="How many in all after the change."),
            click.option("--item", type=click.IntRange(min=1), default=1, show_default=True, help="Running number of the item."),
            click.option("--unit-price", metavar="AMOUNT", help="Price of each added unit per interval, such as 10.00."),
            click.option("--discount", metavar="TERMS", help="'20%' or '5.00', with ':forever' or ':3' (periods); plain: once."),
            click.option("--effective", type=click.Choice(["now", "next_billing", "early_renewal"]), default="now", show_default=True),
            click.option("--alignment", type=click.Choice(["shorten_new", "extend_existing", "reset", "keep_day"])),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def link_options(command: Any) -> Any:
    """Whom the link is for and under which conditions."""
    for option in reversed(
        (
            click.option("--subscription", "-s", metavar="REF", required=True, help="Our number (1048 or QM-1048) or your own reference."),
            click.option("--customer", "-c", metavar="REF", help="Our number or your own reference; left out: the subscription's."),
            click.option("--saved", type=click.IntRange(min=1), metavar="N", help="A saved offer in place of --product and the rest."),
            offer_options,
            click.option("--valid", metavar="TIME", default="7d", show_default=True, help="10s, 45m, 12h or 7d."),
            click.option("--ip", metavar="ADDRESS", help="Only this address may open it (IPv6: its /64 network)."),
            click.option("--uses", type=click.IntRange(1, 255), default=1, show_default=True, help="How many orders may be paid with it."),
            book_options,
        )
    ):  # fmt: skip
        command = option(command)
    return command


_OF_A_CHANGE = ("product", "options", "quantity", "item", "unit_price", "discount", "effective", "alignment")


def beside(whole: str) -> None:
    """A usage error where an option of the change was given beside ``whole``, which says all of it: it would count for nothing."""
    context = click.get_current_context()
    for name in _OF_A_CHANGE:
        if context.get_parameter_source(name) not in (None, ParameterSource.DEFAULT):
            flag = "--option" if name == "options" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{whole} says the whole change: leave out {flag}")


def terms_of(adapters: Adapters, book_id: int, asked: dict[str, Any]) -> Terms:
    """The terms that the options spell out, for a subscription of this book."""
    from app.links.claims import SavedOffer, parse_validity
    from app.offers.issue import Terms

    if asked["saved"]:
        beside("--saved")
        reference = _held(adapters, book_id, asked)[0]
        made: Offer = SavedOffer(asked["saved"])
    else:
        reference, currency, product, quantity = _subscription(adapters, book_id, asked)
        made = written(asked, currency, product, quantity)
    return Terms(
        subscription=reference,
        customer=None if asked["customer"] is None else _reference(asked["customer"], ""),
        offer=made,
        validity=parse_validity(asked["valid"]),
        ip=asked["ip"],
        uses=asked["uses"],
    )


def local(day: datetime, timezone: str) -> datetime:
    from app.billing.schedule import zone_of

    return day.replace(tzinfo=zone_of(timezone))


def _reference(text: str, prefix: str) -> int | str:
    """``1048`` and, with the merchant's prefix, ``QM-1048`` are our number; anything else is the merchant's reference."""
    bare = text.removeprefix(f"{prefix}-") if prefix else text
    return int(bare) if bare.isascii() and bare.isdigit() and len(bare) < 10 else text


def _held(adapters: Adapters, book_id: int, asked: dict[str, Any]) -> tuple[int | str, Held]:
    """The subscription that is asked for, and its reference as links carry it."""
    from app.offers.issue import OfferRefused
    from app.subscriptions.facts import book_facts, load

    text = asked["subscription"]
    with adapters.store.read() as connection:
        facts = book_facts(connection, book_id)
        reference = _reference(text, facts.prefix if facts else "")
        held = load(connection, book_id, reference)
    if held is None:
        raise OfferRefused("subscription_unknown", f"this book has no subscription {text}")
    return reference, held


def _subscription(adapters: Adapters, book_id: int, asked: dict[str, Any]) -> tuple[int | str, str, str, int]:
    """The reference as links carry it, with the currency and what the item is now. Codes that are asked for are known."""
    from app.offers.naming import check_codes

    reference, held = _held(adapters, book_id, asked)
    item = asked["item"]
    now = next((each for each in held.facts.items if each.running_number == item), None)
    if now is None:
        raise click.UsageError(f"--item: subscription {asked['subscription']} has no item {item}")
    with adapters.store.read() as connection:
        check_codes(connection, held.book, product=asked["product"], options=asked["options"], held=held, item=item)
    return reference, held.facts.currency, now.product, now.quantity


def written(offered: dict[str, Any], currency: str, product: str, quantity: int) -> WrittenOffer:
    from app.links.claims import WrittenOffer

    price = offered["unit_price"]
    return WrittenOffer(
        item=offered["item"],
        product=offered["product"] or product,
        quantity=offered["quantity"] or quantity,
        options=tuple(sorted(set(offered["options"]))),
        unit_price=None if price is None else _amount("--unit-price", price, currency),
        discount=None if offered["discount"] is None else _discount(offered["discount"], currency),
        effective=offered["effective"],
        alignment=offered["alignment"],
    )


def _amount(flag: str, text: str, currency: str) -> int:
    from app.kit.money import parse_minor

    minor = parse_minor(text, currency)
    if minor < 0:
        raise click.UsageError(f"{flag}: {text} is below zero")
    return minor


def _discount(text: str, currency: str) -> Discount:
    """``20%`` ``12.5%:forever`` ``5.00:3``."""
    from app.links.claims import Discount

    amount, _, scope = text.partition(":")
    kind, value = "amount", 0
    percent = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%", amount)
    if percent:
        kind, value = "percent", int(percent[1]) * 100 + int((percent[2] or "").ljust(2, "0"))
        if not 0 < value <= 10_000:
            raise click.UsageError(f"--discount: {amount} is not between 0 and 100 %")
    else:
        value = _amount("--discount", amount, currency)
    if scope in ("", "once"):
        return Discount(kind, value)
    if scope == "forever":
        return Discount(kind, value, "forever")
    if scope.isdigit() and 0 < int(scope) <= 255:
        return Discount(kind, value, "periods", int(scope))
    raise click.UsageError(f"--discount: {scope!r} is neither once, forever nor a number of periods")
