"""One function per state of the shopper's pages. Each gives ``Rendered(html, status)``, which a view may return as it is.

A view gathers facts, calls one of these, and is done: the numbers S-1 … S-36 are those of the pages' list.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from app.billing.result import Eligibility
from app.cart import done, due_pages, link_states, offer_states, order_states, refusals, scheduled_pages
from app.cart.code_page import code_page
from app.cart.declined import declined_page
from app.cart.link_states import FreshLink
from app.cart.pen import Pen, email, joined
from app.cart.present import NO_PROBLEMS, cart_page
from app.cart.scheduled_pages import Waiting
from app.cart.state_page import Action, Form, Hidden, StatePage, maybe_charged
from app.cart.summary import Summary
from app.cart.views import BankCheck, CartFacts, CodeView, DeclineView, OrderView, Problems, Scene, summary_of
from app.charging.remains import Returned
from app.web.frame import MerchantView, frame_for, is_address, keep_language, legal_text
from app.web.i18n import Tongue
from app.web.pages import Pages


class Rendered(NamedTuple):
    """A page and its status code."""

    html: str
    status: int


def render_cart(scene: Scene, facts: CartFacts, problems: Problems = NO_PROBLEMS) -> Rendered:
    """S-1 (200, also after the provider refused), S-2 (422), S-3 and S-4 (409), the provider did not answer (503)."""
    page = cart_page(scene, facts, problems)
    status = 200
    if problems.price or problems.page_too_old or problems.quantity_gone or problems.options_gone:
        status = 409
    elif problems.any_field:
        status = 422
    elif problems.check_missing:
        status = 403
    elif problems.provider_silent:
        status = 503
    return Rendered(scene.pages.render("cart/cart.html", scene.tongue, page=page, frame=scene.frame()), status)


def render_declined(scene: Scene, facts: CartFacts, decline: DeclineView) -> Rendered:
    """S-11, and S-9 when ``decline.bank_check`` is set (200, after a 303)."""
    page = declined_page(scene, facts, decline)
    return Rendered(scene.pages.render("cart/declined.html", scene.tongue, page=page, frame=scene.frame()), 200)


def render_card(
    scene: Scene, facts: CartFacts, *, add: str, change_email: str, back: str, email_changed: bool = False, email_error: bool = False,
    typed: str = "", silent: bool = False,
) -> Rendered:  # fmt: skip
    """S-6 and S-7: the way to the gateway's card page (200; 422 for an address that is none; 503 when the gateway is silent).

    ``add`` and ``change_email`` are where the two forms post; ``typed`` is what stood in the e-mail field.
    """
    tongue, summary = scene.tongue, summary_of(facts)
    pen = Pen(tongue, facts.quote.currency, scene.merchant.timezone)
    html = scene.pages.render(
        "cart/card.html", tongue, frame=scene.frame(), add=keep_language(add, tongue), back=keep_language(back, tongue),
        change_email=keep_language(change_email, tongue), due=pen.strong(summary.due), form_token=facts.form_token,
        email=email(facts.subscription.email), email_changed=email_changed, email_error=email_error, typed=typed, silent=silent,
    )  # fmt: skip
    return Rendered(html, 503 if silent else 422 if email_error else 200)


def render_code(scene: Scene, view: CodeView) -> Rendered:
    """S-37: the code of a step-up (200; 422 when it is wrong or over; 429 when no more are sent)."""
    page = code_page(scene, view)
    html = scene.pages.render("cart/code.html", scene.tongue, page=page, frame=scene.frame())
    return Rendered(html, 429 if view.state == "stopped" else 422 if view.wrong else 200)


def _state(scene: Scene, page: StatePage, status: int) -> Rendered:
    return Rendered(
        scene.pages.render("cart/state.html", scene.tongue, page=page, frame=scene.frame(), steps=()), status
    )


def render_not_you(scene: Scene, *, email: str, back: str, reference: str) -> Rendered:
    """S-5 (200)."""
    return _state(scene, offer_states.not_you(scene, email, keep_language(back, scene.tongue), reference), 200)


def render_bank_check(
    scene: Scene, check: BankCheck, *, amount: int, currency: str, reference: str, leave: str, form_token: str,
    returned: bool = False,
) -> Rendered:  # fmt: skip
    """S-8 (200): the way to the bank, and a quieter one that gives the check up.

    ``leave`` is where "Pay another way" posts, with ``form_token`` as ``csrf``. ``returned``: the
    shopper came back without an answer of the bank.
    """
    tongue = scene.tongue
    shown = Pen(tongue, currency, scene.merchant.timezone).strong(amount)
    hidden = (Hidden("csrf", form_token), Hidden("lang", tongue.language))
    other = Form(keep_language(leave, tongue), tongue.say("Pay another way"), hidden)
    return _state(scene, order_states.bank_check(scene, check, shown, reference, other, returned=returned), 200)


def render_pending(scene: Scene, *, reference: str, check: str, email: str, poll: str = "") -> Rendered:
    """S-10 (202). ``poll`` answers JSON ``{"state": "pending"}`` until something is known."""
    return _state(scene, order_states.pending(scene, reference, keep_language(check, scene.tongue), poll, email), 202)


def render_too_many(scene: Scene, *, opens_at: datetime | None, reference: str) -> Rendered:
    """S-12 (429)."""
    return _state(scene, offer_states.too_many(scene, opens_at, reference), 429)


def render_busy(scene: Scene, *, reference: str, waiting: Waiting = Waiting()) -> Rendered:  # noqa: B008  (a value)
    """S-13 (409): another change is scheduled or being made."""
    if waiting.order_url:
        waiting = waiting._replace(order_url=keep_language(waiting.order_url, scene.tongue))
    return _state(scene, scheduled_pages.in_the_way(scene, waiting, reference), 409)


def render_unmatched(scene: Scene, *, reference: str) -> Rendered:
    """A payment of the link has no order (409): no other is taken while a person looks."""
    return _state(scene, link_states.unmatched(scene, reference), 409)


def render_unpaid(
    scene: Scene, *, count: int, total: int | None, currency: str, pay_url: str | None, closes_at: datetime | None, reference: str,
) -> Rendered:  # fmt: skip
    """S-14 (403). ``total`` None: only the count is known."""
    return _state(scene, refusals.unpaid(scene, count, total, currency, pay_url, closes_at, reference), 403)


def render_refused(
    scene: Scene, eligibility: Eligibility, *, reference: str, now: refusals.Standing | None = None
) -> Rendered:
    """S-15 (403; 409 while a change or renewal runs; 410 for a campaign that is over)."""
    status = refusals.STATUS.get(eligibility.code or "", 403)
    return _state(scene, refusals.refused(scene, eligibility, reference, now), status)


def render_expired(
    scene: Scene, fresh: FreshLink, *, reference: str, closed_at: datetime | None, is_uncharged: bool,
    summary: Summary | None = None,
) -> Rendered:  # fmt: skip
    """S-16 (410). ``is_uncharged``: it was looked up that nothing was bought with the link."""
    return _state(scene, link_states.expired(scene, fresh, reference, closed_at, is_uncharged, summary), 410)


def render_used(scene: Scene, order: OrderView, *, resend: str, form_token: str, see: str = "") -> Rendered:
    """S-17 (200). ``see`` is the order's own page, where a scheduled change can be undone."""
    see = see and keep_language(see, scene.tongue)
    return _state(scene, link_states.used(scene, order, keep_language(resend, scene.tongue), form_token, see), 200)


def render_gone(
    scene: Scene, reason: str, fresh: FreshLink | None, *, reference: str, is_uncharged: bool = False
) -> Rendered:
    """S-18: ``revoked``, ``replaced``, ``key_retired`` (410) or ``wrong_ip`` (403). ``fresh`` None: no new link is ever sent;
    ``is_uncharged``: it was looked up that nothing was bought with the link."""
    page = link_states.gone(scene, reason, fresh, reference, is_uncharged)
    return _state(scene, page, 403 if reason == "wrong_ip" else 410)


def render_closed(scene: Scene, why: str, *, at: datetime | None, reference: str) -> Rendered:
    """S-19: ``not_started`` or ``paused`` (403), ``sold_out`` or ``closed`` (410)."""
    return _state(
        scene, offer_states.closed(scene, why, at, reference), 403 if why in {"not_started", "paused"} else 410
    )


def render_bad_link(pages: Pages, tongue: Tongue, *, here: str, merchant: MerchantView | None = None) -> Rendered:
    """S-20 (404). No hint whether the link ever existed, nor whose it was, nor a word that knows of money."""
    actions: tuple[Action, ...] = ()
    if merchant and merchant.product_url:
        actions = (Action(tongue.say("Go to %(name)s", name=merchant.name), merchant.product_url, True),)
    again = tongue.say(
        "Some mail programs cut long links. Open it again from the mail, or copy the whole line into the address bar."
    )
    if here.startswith(("/done/", "/bank-back/", "/card-back/")):
        again = tongue.say(
            "The address may be incomplete or out of date. If you came from a mail, open its link again."
        )
    page = StatePage(tongue.say("This link is not complete"), joined(again, maybe_charged(tongue)), actions=actions)
    frame = frame_for(merchant, tongue, pages.languages, here=here)
    return Rendered(pages.render("cart/state.html", tongue, page=page, frame=frame, steps=()), 404)


def render_link_sent(scene: Scene, *, email: str | None = None, valid_days: int = 7) -> Rendered:
    """S-21 (200): the same whether or not anything was sent."""
    return _state(scene, link_states.link_sent(scene, email, valid_days), 200)


def render_receipt_sent(scene: Scene, *, email: str) -> Rendered:
    """After "Email me the receipt" (200)."""
    return _state(scene, order_states.receipt_sent(scene, email), 200)


def render_undo(scene: Scene, order: OrderView, *, action: str, form_token: str, back: str) -> Rendered:
    """S-24: the question before a scheduled change is undone (200)."""
    kept = keep_language(back, scene.tongue)
    page = scheduled_pages.undo_question(scene, order, keep_language(action, scene.tongue), form_token, kept)
    return _state(scene, page, 200)


def render_done(scene: Scene, order: OrderView, *, check: str = "", undo: str = "", is_due: bool = False) -> Rendered:
    """S-22 paid, S-23 paid and not yet applied, S-24 nothing charged, scheduled or undone (200).

    A scheduled change without a way to ``undo`` it can no longer be undone; ``is_due``: its day has come.
    """
    if order.schedule == "PENDING" and not undo:
        return _state(scene, due_pages.due(scene, order) if is_due else due_pages.locked(scene, order), 200)
    if order.schedule == "PENDING":
        undo = undo and keep_language(undo, scene.tongue)
        return _state(scene, scheduled_pages.registered(scene, order, undo), 200)
    if order.schedule == "UNDONE":
        return _state(scene, scheduled_pages.undone(scene, order), 200)
    order = replace(order, summary=replace(order.summary, effective_on=None))  # it was carried out
    page, steps = done.confirmation(scene, order, check_url=check and keep_language(check, scene.tongue))
    html = scene.pages.render("cart/state.html", scene.tongue, page=page, frame=scene.frame(), steps=steps)
    return Rendered(html, 200)


def render_not_completed(scene: Scene, order: OrderView, *, back: str = "") -> Rendered:
    """An order that ended without money (200)."""
    return _state(scene, order_states.not_completed(scene, order, back and keep_language(back, scene.tongue)), 200)


def render_given_back(scene: Scene, order: OrderView, back: Returned) -> Rendered:
    """An order that ended after its payment was taken and given back, or while that is on its way (200)."""
    return _state(scene, order_states.given_back(scene, order, back), 200)


def render_in_doubt(scene: Scene, order: OrderView, *, check: str) -> Rendered:
    """An order that is not paid, of whose money a payment at the gateway is still to be decided (200)."""
    return _state(scene, order_states.in_doubt(scene, order, keep_language(check, scene.tongue)), 200)


def render_kept(scene: Scene, *, summary: Summary | None, closes_at: datetime | None, show_again: str) -> Rendered:
    """S-26 (200)."""
    return _state(scene, offer_states.kept(scene, summary, closes_at, keep_language(show_again, scene.tongue)), 200)


def render_ask_link(scene: Scene, *, action: str, hidden: dict[str, str], form_token: str) -> Rendered:
    """The classic address without a token (200): it only offers to mail a fresh link to the address on file."""
    tongue = scene.tongue
    fields = (Hidden("csrf", form_token), *(Hidden(name, value) for name, value in hidden.items()))
    text = tongue.tell("If there is an offer for this subscription, we email the link to the address on file.")
    form = Form(
        action, tongue.say("Email me a new link"), fields, heading=tongue.say("Get the link by mail"), text=text
    )
    return _state(scene, link_states.link_page(scene, form), 200)


def render_legal(scene: Scene, kind: str, *, back: str = "") -> Rendered:
    """S-29: ``terms``, ``refunds`` or ``privacy`` as the merchant wrote them (200; 404 when there is no such text)."""
    tongue = scene.tongue
    text = legal_is_text(scene, kind)
    headings = {
        "terms": tongue.say("Terms of sale"),
        "refunds": tongue.say("Refunds"),
        "privacy": tongue.say("Privacy"),
    }
    paragraphs = [part.strip() for part in (text or "").replace("\r\n", "\n").split("\n\n") if part.strip()]
    html = scene.pages.render(
        "cart/legal.html", tongue, frame=scene.frame(), heading=headings[kind],
        paragraphs=[Markup("<br>").join(part.split("\n")) for part in paragraphs], back=back,
    )  # fmt: skip
    return Rendered(html, 200 if text is not None else 404)


def legal_is_text(scene: Scene, kind: str) -> str | None:
    """The merchant's text of that kind to show on our own page; None when there is none or it lives elsewhere."""
    text = legal_text(scene.merchant, kind, scene.tongue.language)
    return text if text is not None and not is_address(text) else None
