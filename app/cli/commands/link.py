"""``liftlink link``: make a signed link, explain any link, take one back. ``liftlink offer``: saved offers."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import click

from app.cli.commands.common import (
    ACTOR,
    book_options,
    chosen_book,
    json_option,
    opened,
    print_json,
    print_table,
    say,
    shown,
)

if TYPE_CHECKING:
    from app.links.claims import Discount, Offer, WrittenOffer
    from app.offers.inspect import LinkReport
    from app.offers.issue import Issued
    from app.wiring import Adapters


@click.group()
def link() -> None:
    """Signed links: each opens one customer's cart for one offer."""


@click.group()
def offer() -> None:
    """Saved offers: a change under a number, for many links or for what is too long for one."""


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


@link.command()
@click.option(
    "--subscription", "-s", metavar="REF", required=True, help="Our number (1048 or QM-1048) or your own reference."
)
@click.option("--customer", "-c", metavar="REF", help="Our number or your own reference; left out: the subscription's.")
@click.option(
    "--saved", type=click.IntRange(min=1), metavar="N", help="A saved offer in place of --product and the rest."
)
@offer_options
@click.option("--valid", metavar="TIME", default="7d", show_default=True, help="10s, 45m, 12h or 7d.")
@click.option("--ip", metavar="ADDRESS", help="Only this address may open it (IPv6: its /64 network).")
@click.option(
    "--uses", type=click.IntRange(1, 255), default=1, show_default=True, help="How many orders may be paid with it."
)
@book_options
@json_option
def create(subscription: str, customer: str | None, saved: int | None, valid: str, ip: str | None, uses: int,
           merchant: str | None, mode: str, as_json: bool, **offered: Any) -> None:  # fmt: skip
    """Make a link. It is priced first: an offer that is not eligible is refused by its code, and nothing is made."""
    from app.links.claims import SavedOffer, parse_validity
    from app.offers.issue import Terms, issue

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        reference, currency, product, quantity = _subscription(adapters, book.id, subscription, offered["item"])
        made: Offer = SavedOffer(saved) if saved else _written(offered, currency, product, quantity)
        terms = Terms(
            subscription=reference,
            customer=None if customer is None else _reference(customer, ""),
            offer=made,
            validity=parse_validity(valid),
            ip=ip,
            uses=uses,
        )
        issued = issue(
            adapters.store, adapters.clock, adapters.directory.key_ring().signing_key(book.id), terms,
            base_url=adapters.settings.public_url, actor=ACTOR, source="link create",
        )  # fmt: skip
    _print_issued(issued, as_json)


@link.command()
@click.argument("target", metavar="LINK")
@json_option
def inspect(target: str, as_json: bool) -> None:
    """Explain any link of this installation: what it says, how it stands, its price then and now."""
    from app.cli.pure_link import token_of
    from app.offers.inspect import inspect as look

    with opened() as adapters:
        report = look(adapters.store, adapters.clock, adapters.directory.key_ring(), token_of(target))
    _print_report(report, as_json)


@link.command()
@click.argument("target", metavar="LINK|ID|NUMBER")
@click.option("--kind", type=click.Choice(["link", "batch", "customer", "offer"]), default="link", show_default=True)
@click.option("--reason", default="", metavar="TEXT", help="Why; the merchant sees it, the shopper does not.")
@book_options
@json_option
def revoke(target: str, kind: str, reason: str, merchant: str | None, mode: str, as_json: bool) -> None:
    """Take back a link (the link itself or its id such as 12-1), a batch, all links of a customer, or a saved offer."""
    from app.cli.pure_link import token_of
    from app.links.links import read_even_expired_link
    from app.offers.revoke import revoke as take_back

    with opened() as adapters:
        if kind == "link" and not re.fullmatch(r"[0-9]+-[0-9]+", target):
            read = read_even_expired_link(token_of(target), adapters.directory.key_ring())
            book_id, reference = read.book, read.claims.link_id.text
        else:
            book_id, reference = chosen_book(adapters, merchant, mode).id, target
        changed = take_back(adapters.store, adapters.clock, book_id, kind, reference, reason=reason, actor=ACTOR)
    if as_json:
        print_json({"kind": kind, "ref": reference, "revoked": True, "was_revoked": not changed})
    else:
        say(
            f"{kind} {reference} "
            + ("is revoked: no order starts from it any more" if changed else "was revoked already")
        )


@offer.command("save")
@click.option("--name", required=True, help="For your own eyes.")
@click.option("--currency", required=True, metavar="ISO", help="Of --unit-price and --discount.")
@offer_options
@click.option(
    "--ends", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="In the merchant's time zone; left out: never."
)
@book_options
@json_option
def save(
    name: str, currency: str, ends: datetime | None, merchant: str | None, mode: str, as_json: bool, **offered: Any
) -> None:
    """Keep an offer under a number; links then carry the number."""
    from app.offers.saved import save_offer
    from app.subscriptions.facts import book_facts
    from app.subscriptions.offered import written_change

    if offered["product"] is None or offered["quantity"] is None:
        raise click.UsageError("--product and --quantity say what is offered")
    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        with adapters.store.read() as connection:
            facts = book_facts(connection, book.id)
        change = written_change(_written(offered, currency.upper(), offered["product"], offered["quantity"]))
        number = save_offer(
            adapters.store, adapters.clock, book.id, name=name, change=change,
            ends_at=None if ends is None or facts is None else _local(ends, facts.timezone),
        )  # fmt: skip
    if as_json:
        print_json({"number": number, "name": name})
    else:
        say(f"saved offer {number}: liftlink link create --saved {number} --subscription …")


@offer.command("list")
@book_options
@json_option
def list_saved(merchant: str | None, mode: str, as_json: bool) -> None:
    """List the book's saved offers, newest first."""
    from app.offers.saved import list_offers

    with opened() as adapters:
        found = list_offers(adapters.store, chosen_book(adapters, merchant, mode).id)
    if as_json:
        print_json(found)
        return
    print_table(
        ["number", "name", "active", "ends", "product", "quantity"],
        [(each.number, each.name, "yes" if each.active else "no", shown(each.ends_at), each.change.get("product"),
          each.change.get("quantity")) for each in found],
    )  # fmt: skip


def _local(day: datetime, timezone: str) -> datetime:
    from app.billing.schedule import zone_of

    return day.replace(tzinfo=zone_of(timezone))


def _reference(text: str, prefix: str) -> int | str:
    """``1048`` and, with the merchant's prefix, ``QM-1048`` are our number; anything else is the merchant's reference."""
    bare = text.removeprefix(f"{prefix}-") if prefix else text
    return int(bare) if bare.isascii() and bare.isdigit() and len(bare) < 10 else text


def _subscription(adapters: Adapters, book_id: int, text: str, item: int) -> tuple[int | str, str, str, int]:
    """The reference as links carry it, with the currency and what the item is now."""
    from app.offers.issue import OfferRefused
    from app.subscriptions.facts import book_facts, load

    with adapters.store.read() as connection:
        facts = book_facts(connection, book_id)
        reference = _reference(text, facts.prefix if facts else "")
        held = load(connection, book_id, reference)
    if held is None:
        raise OfferRefused("subscription_unknown", f"this book has no subscription {text}")
    now = next((each for each in held.facts.items if each.running_number == item), None)
    if now is None:
        raise click.UsageError(f"--item: subscription {text} has no item {item}")
    return reference, held.facts.currency, now.product, now.quantity


def _written(offered: dict[str, Any], currency: str, product: str, quantity: int) -> WrittenOffer:
    from app.kit.money import parse_minor
    from app.links.claims import WrittenOffer

    price = offered["unit_price"]
    return WrittenOffer(
        item=offered["item"],
        product=offered["product"] or product,
        quantity=offered["quantity"] or quantity,
        options=tuple(sorted(set(offered["options"]))),
        unit_price=None if price is None else parse_minor(price, currency),
        discount=None if offered["discount"] is None else _discount(offered["discount"], currency),
        effective=offered["effective"],
        alignment=offered["alignment"],
    )


def _discount(text: str, currency: str) -> Discount:
    """``20%`` ``12.5%:forever`` ``5.00:3``."""
    from app.kit.money import parse_minor
    from app.links.claims import Discount

    amount, _, scope = text.partition(":")
    kind, value = "amount", 0
    percent = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%", amount)
    if percent:
        kind, value = "percent", int(percent[1]) * 100 + int((percent[2] or "").ljust(2, "0"))
        if not 0 < value <= 10_000:
            raise click.UsageError(f"--discount: {amount} is not between 0 and 100 %")
    else:
        value = parse_minor(amount, currency)
    if scope in ("", "once"):
        return Discount(kind, value)
    if scope == "forever":
        return Discount(kind, value, "forever")
    if scope.isdigit() and 0 < int(scope) <= 255:
        return Discount(kind, value, "periods", int(scope))
    raise click.UsageError(f"--discount: {scope!r} is neither once, forever nor a number of periods")


def _print_issued(issued: Issued, as_json: bool) -> None:
    from app.kit.money import format_minor

    quote = issued.quote
    facts = {
        "url": issued.url,
        "id": issued.link_id.text,
        "code": issued.link_id.short_code,
        "subscription": issued.held.reference,
        "expires_at": issued.expires_at,
        "currency": quote.currency,
        "due_now": format_minor(quote.due_now, quote.currency),
        "next_billing_date": quote.next_billing_date and quote.next_billing_date.isoformat(),
        "renewal": format_minor(quote.renewal.amount, quote.currency),
    }
    if as_json:
        print_json(facts)
        return
    say(issued.url)
    say(f"{facts['code']} (id {facts['id']}) for {facts['subscription']}, open until {shown(issued.expires_at)}")
    say(
        f"today {facts['due_now']} {quote.currency}; from {facts['next_billing_date'] or 'no renewal'}: "
        f"{facts['renewal']} {quote.currency}"
    )


def _print_report(report: LinkReport, as_json: bool) -> None:
    from app.kit.money import format_minor
    from app.links.describe import describe

    now = report.price_now
    facts: dict[str, Any] = {
        **describe(report.claims),
        "key": report.kid,
        "code": report.short_code,
        "state": report.state,
        "opened": {"times": report.opened, "by_people": report.by_people, "by_machines": report.by_machines,
                   "first": report.first_opened, "last": report.last_opened},
        "orders": [{"number": each.number, "state": each.state, "total": format_minor(each.total, each.currency),
                    "paid_at": each.paid_at} for each in report.orders],
        "price_then": None,
        "price_now": None,
        "refused_because": report.why_not,
    }  # fmt: skip
    if report.revoked_because:
        facts["revoked_because"] = report.revoked_because
    if report.price_then:
        then, currency = report.price_then, report.price_then["currency"]
        facts["price_then"] = {"due_now": format_minor(then["due_now"], currency),
                               "renewal": format_minor(then["renewal"], currency), "currency": currency}  # fmt: skip
    if now is not None:
        facts["price_now"] = {
            "due_now": format_minor(now.due_now, now.currency),
            "renewal": format_minor(now.renewal.amount, now.currency),
            "currency": now.currency,
            "next_billing_date": now.next_billing_date and now.next_billing_date.isoformat(),
            "lines": [f"{line.label}: {format_minor(line.amount, now.currency)}" for line in now.lines],
        }
    if as_json:
        print_json(facts)
        return
    print_table(["fact", "value"], [(name, _flat(value)) for name, value in facts.items()])


def _flat(value: object) -> str:
    if isinstance(value, dict):
        parts = cast("dict[str, object]", value)
        return "; ".join(f"{name} {_flat(part)}" for name, part in parts.items() if part not in (None, []))
    if isinstance(value, list):
        return " | ".join(_flat(part) for part in cast("list[object]", value))
    return shown(value) if isinstance(value, datetime) else "" if value is None else str(value)
