"""What every shopper's page needs first: whose it is, in which language, and the facts behind the decision card."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hmac import compare_digest
from typing import Any

from flask import Response, g, request
from werkzeug.wrappers import Response as BaseResponse

from app.cart.pages import Rendered
from app.cart.picking import option_picks
from app.cart.summary import CardBack, Summary
from app.cart.views import (
    CardView,
    CartFacts,
    CartUrls,
    CheckView,
    OfferView,
    OrderView,
    ProofView,
    QuantityChoice,
    Scene,
    SubscriptionView,
)
from app.charging.reading import AttemptFacts, CardShown, OrderFacts
from app.charging.remains import Returned
from app.checkout.cart import Cart
from app.checkout.errors import CheckoutRefused
from app.checkout.press import Tools
from app.checkout.withdrawal import needs_start_now
from app.gateways.port import DeclineText
from app.links.errors import LinkError
from app.links.sessions import (
    DONE_SECONDS,
    CartSession,
    DoneTicket,
    Opened,
    check_form,
    form_token,
    read_cart,
    sign_cart,
    sign_done,
    sign_quote,
)
from app.links.signing import ReadLink, SigningKey
from app.offers.fresh import FRESH_SECONDS
from app.subscriptions.facts import CardFacts, Held
from app.subscriptions.refundable import Share
from app.web.i18n import Tongue, local_day
from app.web.services import for_book, merchant_view, services

Answer = Rendered | Response | BaseResponse


def now_seconds() -> int:
    return int(services().clock.now().timestamp())


def tools() -> Tools:
    """The world as checkout wants it."""
    world = services()
    return Tools(
        world.store,
        world.gateways,
        world.clock,
        world.bell,
        world.randomness,
        world.decline_limit,
        world.drive_budget,
        world.cart_try_limit,
    )


def own_key(book_id: int) -> SigningKey:
    """The key that signs the tokens of our own pages for this book."""
    return services().directory.own_ring().signing_key(book_id)


def opened_cart(token: str) -> Opened[CartSession]:
    """The cart session of a path; ``LinkError`` when it is not good (any more)."""
    directory = services().directory
    opened = read_cart(token, directory.own_ring(), now_seconds(), directory.key_ring())
    for_book(opened.book)
    g.cart_book, g.cart_session = opened.book, opened.value
    return opened


def scene_for(
    book_id: int, locales: tuple[str | None, ...] = (), asked: str | None = None, *, preview: bool = False, styles: str = "",
) -> Scene:  # fmt: skip
    """The stage of a page of that book: in the language of the form that was pressed, that of ``?lang=``, else the
    shopper's locale, the merchant's, the browser's."""
    facts = for_book(book_id)
    pages = services().pages
    wanted = g.get("form_language") or request.args.get("lang") or asked or None
    tongue = pages.languages.choose(wanted, [*locales, facts.locale], request.accept_languages.values())
    mode = "preview" if preview else facts.mode
    return Scene(pages, tongue, merchant_view(facts), request.path, mode, styles)


def held_scene(held: Held, asked: str | None = None) -> Scene:
    return scene_for(held.book.id, (held.customer.locale,), asked)


def cart_scene(cart: Cart, styles: str = "") -> Scene:
    """The stage of a cart's pages; a merchant's preview says that it is one."""
    session, locales = cart.session, (cart.held.customer.locale,)
    return scene_for(cart.book_id, locales, session.language, preview=session.preview, styles=styles)


def cart_token(session: CartSession, book_id: int) -> str:
    return sign_cart(session, own_key(book_id))


def cart_urls(token: str) -> CartUrls:
    base = f"/cart/{token}"
    return CartUrls(
        buy=f"{base}/buy",
        card=f"{base}/card",
        not_you=f"{base}/not-you",
        no_thanks=f"{base}/no-thanks",
        quantity=f"{base}/quantity",
        options=f"{base}/options",
        cart=base,
    )


def quote_in(language: str, quote_id: str) -> str:
    """What the form token covers: the quote and the language of the page, so that the consent kept is the one shown."""
    return f"{language}:{quote_id}"


def cart_facts(
    cart: Cart, token: str, language: str, *, selected: str | None = None, order: OrderFacts | None = None
) -> CartFacts:
    """What the pages with a decision card are told. ``order`` is the one whose last attempt was declined."""
    key = own_key(cart.book_id)
    quote_id = sign_quote(cart.ticket, key)
    return CartFacts(
        subscription=SubscriptionView(cart.held.reference, cart.held.customer.email, cart.held.facts),
        quote=cart.quote,
        quote_id=quote_id,
        form_token=form_token(token, quote_in(language, quote_id), key),
        cards=card_views(cart, order or cart.order),
        offer=OfferView(
            cart.session.claims.link_id.short_code, closing(cart), quantity_choice(cart), option_picks(cart)
        ),
        urls=cart_urls(token),
        catalog=cart.catalog,
        price_now=cart.renewal_now,
        taxes=cart.policy.taxes,
        later_now=cart.renewals_now,
        selected=selected,
        withdrawal=needs_start_now(cart),
        email_changed=not cart.contact.is_own,
        best_dates=cart.best_dates,
        gives_back=cards_back(cart.gives_back),
        check=check_view(cart, token),
    )


def cards_back(shares: tuple[Share, ...]) -> tuple[CardBack, ...]:
    """One for each card, whatever number of payments goes back to it."""
    sums: dict[tuple[str, str], int] = {}
    for capture, amount in shares:
        sums[capture.brand, capture.last4] = sums.get((capture.brand, capture.last4), 0) + amount
    return tuple(CardBack(*card, amount) for card, amount in sums.items())


def check_view(cart: Cart, token: str) -> CheckView | None:
    """The step-up that stands before Buy Now, while nothing was proved."""
    if cart.check is None or not cart.check.is_open:
        return None
    action = f"/cart/{token}/code" if cart.check.takes_code else ""
    return CheckView(action, quoteless_token(token, cart.book_id), cart.check.takes_card)


NO_QUOTE = ""


def quoteless_token(token: str, book_id: int) -> str:
    """The form token of this cart's forms that buy nothing: they carry no quote, so theirs is of none."""
    return form_token(token, NO_QUOTE, own_key(book_id))


def check_quoteless_form(token: str, book_id: int) -> None:
    """``page_too_old`` unless the form came from a page of this cart."""
    try:
        check_form(request.form.get("csrf", ""), token, NO_QUOTE, own_key(book_id))
    except (LinkError, UnicodeError):
        raise CheckoutRefused("page_too_old") from None


def quantity_choice(cart: Cart) -> QuantityChoice | None:
    allowed, chosen = cart.quantity_range, cart.offered.change.quantity
    return None if allowed is None or chosen is None else QuantityChoice(chosen, *allowed)


def closing(cart: Cart):
    """When the offer closes: with its link, or earlier when the saved offer ends."""
    ends = cart.offered.ends_at
    return min(cart.session.claims.expires, ends) if ends else cart.session.claims.expires


def card_views(cart: Cart, order: OrderFacts | None) -> tuple[CardView, ...]:
    last = order.last if order else None
    declined = last if last is not None and (last.state == "DECLINED" or last.decline is not None) else None
    return tuple(card_view(card, cart, declined) for card in cart.cards)


def card_view(card: CardFacts, cart: Cart, declined: AttemptFacts | None = None) -> CardView:
    """``declined`` is the attempt that the page tells of. Its card is off only where the text says that it cannot pass:
    why another one is refused stays hidden."""
    of_card = declined if declined is not None and declined.card.id == card.id else None
    is_dead = of_card is not None and of_card.decline is not None and of_card.decline.text is DeclineText.CARD_UNUSABLE
    usable = card.id in cart.usable and not is_dead
    reason = None
    if not usable:
        reason = "blocked" if card.blocked else "declined" if is_dead else _why_not_now(card, cart)
    return CardView(
        ref=str(card.id),
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        usable=usable,
        reason=reason,
        default=card.pays,
        declined_now=of_card is not None,
    )


def _why_not_now(card: CardFacts, cart: Cart) -> str:
    day = local_day(cart.at, cart.held.book.timezone)
    return "expired" if card.is_expired(day.year, day.month) else "again"


def form_flags(form: Mapping[str, str]) -> tuple[bool, bool]:
    """The two boxes: agreed to pay, start at once. Only the value that the page offers counts."""
    return form.get("agree") == "1", form.get("start") == "1"


def done_path(book_id: int, order_id: str) -> str:
    """The confirmation page of an order. The address is a key of its own, good for as long as a receipt is asked for."""
    return f"/done/{sign_done(DoneTicket(order_id, now_seconds() + DONE_SECONDS), own_key(book_id))}"


def order_view(order: OrderFacts, held: Held, schedule: str = "", returned: tuple[Returned, ...] = ()) -> OrderView:
    """An order as its pages show it; the words it was agreed to in come from its consent. ``schedule``: `OrderView`'s."""
    consent = order.consent
    if consent is None:
        raise ValueError("every order has a consent")
    attempt = order.paying
    return OrderView(
        number=order.number,
        state=order.state,
        outcome=order.outcome,
        amount=order.total,
        tax=order.quote.tax,
        currency=order.currency,
        email=order.email,
        subscription_reference=held.reference,
        summary=Summary.from_json(consent.figures["summary"]),
        paid_at=order.paid_at,
        card=shown_card(attempt.card) if attempt and order.total else None,
        consent_texts=tuple(box["text"] for box in consent.boxes.values()),
        proof=_proof_view(consent.step_up),
        applied=order.paid_at is not None,
        quote=order.quote,
        schedule=schedule,
        returned=returned,
    )


def _proof_view(step_up: Mapping[str, Any] | None) -> ProofView | None:
    if step_up is None:
        return None
    return ProofView(step_up["passed"], datetime.fromisoformat(step_up["at"]), step_up.get("email", ""))


def shown_card(card: CardShown) -> CardView:
    return CardView(str(card.id), card.brand, card.last4, card.exp_month, card.exp_year)


def link_form_token(text: str, book_id: int) -> str:
    """The form token of pages that have no cart session: derived from what stands in their address."""
    return own_key(book_id).signer("form").signature(b"link\0" + text.encode()).decode()


def check_link_form(text: str, book_id: int) -> None:
    """``token_bad_signature`` unless the form came from the page of that address."""
    if not compare_digest(request.form.get("csrf", "").encode(), link_form_token(text, book_id).encode()):
        raise LinkError("token_bad_signature", purpose="form")


def tongue_here(locale: str | None) -> Tongue:
    languages = services().pages.languages
    return languages.choose(request.args.get("lang"), [locale], request.accept_languages.values())


def valid_days(link: ReadLink) -> int:
    """How long a fresh link would be good: what is left of the offer, or as long as a regular one."""
    left = link.claims.expires_at - now_seconds()
    return max(1, left // 86400) if left > 0 and link.key.state != "retired" else FRESH_SECONDS // 86400


EVEN_SECONDS = 0.35
"""How long the answer to "mail me a link" takes at least, so that its pace tells nobody whether there was anything to send."""


@contextmanager
def even_pace() -> Generator[None]:
    """Whatever happens within takes ``EVEN_SECONDS``, or longer."""
    started = time.monotonic()
    try:
        yield
    finally:
        services().clock.sleep(max(0.0, EVEN_SECONDS - (time.monotonic() - started)))
