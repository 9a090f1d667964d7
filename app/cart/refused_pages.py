"""Pages of a refusal that links and carts share: they read what they tell of, and render it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from app.billing.result import Quote
from app.billing.rulebook import ProductFacts
from app.cart import pages
from app.cart.door import (
    Answer,
    closing,
    done_path,
    held_scene,
    link_form_token,
    now_seconds,
    order_view,
    scene_for,
    tongue_here,
    valid_days,
)
from app.cart.link_states import FreshLink
from app.cart.refusals import Standing
from app.cart.scheduled_pages import Waiting
from app.cart.summarising import summarise
from app.cart.summary import Summary
from app.charging.reading import OrderFacts, order_facts
from app.checkout.cart import Cart
from app.links.signing import ReadLink
from app.offers.fresh import is_special
from app.subscriptions.catalog import catalog_of
from app.subscriptions.facts import Held, load
from app.subscriptions.scheduling import schedule_state
from app.web.services import merchant_here, services


def bad_link() -> Answer:
    """S-20."""
    merchant = merchant_here()
    return pages.render_bad_link(
        services().pages, tongue_here(merchant and merchant.locale), here=request.path, merchant=merchant
    )


def key_retired(link: ReadLink) -> Answer:
    # A retired key may be in a stranger's hands, so what it signed shows nothing of anybody.
    return gone(link, "key_retired")


def gone(link: ReadLink, reason: str) -> Answer:
    return pages.render_gone(
        scene_for(link.book), reason, fresh_link(link), reference=link.claims.link_id.short_code
    )  # fmt: skip


def fresh_link(link: ReadLink, show_to: Held | None = None) -> FreshLink:
    """The form that asks for a new link. It posts under the mailed token where there is one, else under the cart's."""
    token = (request.view_args or {}).get("token", "")
    base = "/u" if request.path.startswith(("/u/", "/order/")) else "/cart"
    if request.path.startswith("/order/"):
        token = request.args.get("TOKEN", "")
    return FreshLink(
        action=f"{base}/{token}/fresh",
        form_token=link_form_token(token, link.book),
        email=show_to.customer.email if show_to else None,
        valid_days=valid_days(link),
        regular_price=is_special(link) and (link.key.state == "retired" or now_seconds() >= link.claims.expires_at),
    )


def used_page(book_id: int, order_id: str) -> Answer:
    """S-17."""
    with services().store.read() as connection:
        order = order_facts(connection, book_id, order_id)
        held = load(connection, book_id, order.subscription_number) if order else None
        schedule = schedule_of(connection, order) if order else ""
    if order is None or held is None:
        raise NotFound
    path = done_path(book_id, order.id)
    return pages.render_used(
        held_scene(held), order_view(order, held, schedule), resend=f"{path}/receipt",
        form_token=link_form_token(path, book_id), see=path,
    )  # fmt: skip


def schedule_of(connection: Connection, order: OrderFacts) -> str:
    """What became of the change that the order scheduled; empty where it scheduled none."""
    if order.outcome != "registered":
        return ""
    return schedule_state(connection, order.book_id, order.id) or ""


def refused_page(cart: Cart, quote: Quote) -> Answer:
    """S-13, S-14 and S-15."""
    scene, reference = held_scene(cart.held), cart.session.claims.link_id.short_code
    if quote.eligibility.code == "unpaid_invoices":
        unpaid = cart.held.customer.unpaid
        totals: dict[str, int] = unpaid.get("totals", {})
        return pages.render_unpaid(
            scene, count=int(unpaid.get("count", 1)), total=totals.get(quote.currency), currency=quote.currency,
            pay_url=unpaid.get("url"), closes_at=closing(cart), reference=reference,
        )  # fmt: skip
    if quote.eligibility.code == "change_in_progress":
        return pages.render_busy(scene, reference=reference, waiting=_in_the_way(cart))
    return pages.render_refused(scene, quote.eligibility, reference=reference, now=standing_of(cart))


def _in_the_way(cart: Cart) -> Waiting:
    """What is scheduled, or being paid, for the same subscription. A merchant's own order has no page to be seen on."""
    held, scheduled = cart.held, cart.held.scheduled
    identity = scheduled.order_id if scheduled else held.open_order
    if identity is None:
        return Waiting()
    with services().store.read() as connection:
        order = order_facts(connection, held.book.id, identity)
        told = order.consent.figures.get("summary") if order and order.consent else None
        summary = Summary.from_json(told) if told else None
        if order and summary is None:
            products = _products(connection, held, order.quote)
            summary = summarise(held.facts, order.quote, products, cart.renewal_now)
    if scheduled is None:
        return Waiting(since=order.created_at if order else None, summary=summary)
    path = done_path(held.book.id, identity) if told else ""
    return Waiting(scheduled.due_on, summary=summary, order_url=path)


def _products(connection: Connection, held: Held, quote: Quote) -> Mapping[str, ProductFacts]:
    """The products that the other change is about: this cart's offer may be about others."""
    products = [item.product for item in (*held.facts.items, *quote.after)]
    known = catalog_of(connection, held.book.id, held.book.catalog_version)
    return known.facts(connection, products, quote.currency)


def standing_of(cart: Cart) -> Standing | None:
    """What is held now, for the page that says why it cannot be changed."""
    held = cart.held.facts
    if not held.items:
        return None
    item, next_date = held.items[0], cart.quote.next_billing_before
    facts = cart.catalog.get(item.product)
    first = [(one.amount, one.interval) for one in cart.renewals_now if one.day == next_date]
    return Standing(
        facts.name if facts else item.product, facts.unit_name if facts else None, item.quantity, next_date,
        tuple(first) or ((cart.renewal_now, item.interval),), held.currency, item.committed_until,
    )  # fmt: skip
