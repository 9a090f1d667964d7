"""What became of an order: paid, under way, at the bank, declined. Reads, rings the bell, and waits a little."""

from __future__ import annotations

from datetime import datetime

from flask import g, jsonify, redirect, request
from werkzeug.exceptions import NotFound

from app.cart import pages
from app.cart.door import (
    Answer,
    cart_facts,
    cart_token,
    check_link_form,
    done_path,
    held_scene,
    link_form_token,
    now_seconds,
    order_view,
    tools,
)
from app.cart.refused_pages import schedule_of
from app.cart.views import BankCheck, DeclineView, Problems, Scene
from app.cart.waiting import WAIT_SECONDS, may_wait
from app.charging.place import number_of
from app.charging.reading import AttemptFacts, OrderFacts, order_facts, wait_for_news
from app.charging.remains import Remains, Returned, remains_of, returned_of
from app.checkout.cart import look
from app.checkout.errors import CheckoutRefused
from app.checkout.opening import restored_session
from app.checkout.receipts import mail_receipt
from app.checkout.taking_back import cancel_attempt
from app.gateways.port import DeclineReason
from app.kit.ids import short_code
from app.links.errors import LinkError
from app.links.sessions import read_done, read_return
from app.subscriptions.facts import Held, load
from app.subscriptions.undoing import is_due, may_undo
from app.web.errors import nothing_charged, payment_begins
from app.web.frame import with_query
from app.web.services import for_book, services


def show(token: str) -> Answer:
    """The page of an order, by its state. ``?left=1``: the shopper came back from the bank before it had an answer."""
    order, held = order_of(token)
    if _is_undecided(order):
        order = _news(order)
    scene = held_scene(held, order.language)
    here = f"/done/{token}"
    attempt = order.last
    if order.paid_at is not None:
        at = services().clock.now()
        return pages.render_done(
            scene, order_view(order, held, schedule_here(order), _returned(order)), undo=f"{here}/undo" if undoable(held, at) else "",
            is_due=is_due(held, at),
        )  # fmt: skip
    if attempt is not None and attempt.captured:
        # The money is there, the change could not be made: a person does it. Nobody may be told to pay again.
        left = _remains(order)
        if left.is_in_doubt:
            return pages.render_in_doubt(scene, order_view(order, held), check=with_query(here, again="1"))
        if left.returned is not None and left.returned.amount >= attempt.amount:
            return pages.render_given_back(scene, order_view(order, held), left.returned)
        return pages.render_done(scene, order_view(order, held), check=with_query(here, again="1"))
    if attempt is None or not attempt.is_open:
        left = _remains(order)
        if left.is_in_doubt:
            return pages.render_in_doubt(scene, order_view(order, held), check=with_query(here, again="1"))
        if order.state != "OPEN" and left.returned is not None:
            return pages.render_given_back(scene, order_view(order, held), left.returned)
    if order.state != "OPEN":
        return pages.render_not_completed(scene, order_view(order, held), back=_back(order))
    if attempt is None:
        return pages.render_not_completed(scene, order_view(order, held), back=_back(order))
    if attempt.state == "REQUIRES_ACTION" and attempt.action_url:
        nothing_charged()
        return _bank_check(scene, attempt, order, here)
    if attempt.state in {"DECLINED", "CANCELLED"}:
        nothing_charged()
        return _declined(scene, order, held, attempt)
    if attempt.unheard:
        nothing_charged()
        return _declined(scene, order, held, attempt)
    # A quarantined attempt waits for a person; what is known for certain, and no more, is said of it as well.
    payment_begins(order.number, here)
    check = with_query(here, again="1")
    return pages.render_pending(scene, reference=order.number, check=check, email=order.email, poll=f"{here}/state")


def _remains(order: OrderFacts) -> Remains:
    """What is left at the gateway of an order that is not paid."""
    with services().store.read() as connection:
        return remains_of(connection, order.book_id, order.id)


def _returned(order: OrderFacts) -> tuple[Returned, ...]:
    if order.paying is None:
        return ()
    with services().store.read() as connection:
        return returned_of(connection, order.book_id, order.id, order.paying.id)


def schedule_here(order: OrderFacts) -> str:
    with services().store.read() as connection:
        return schedule_of(connection, order)


def undoable(held: Held, at: datetime) -> bool:
    """Whether the change that waits may still be taken back."""
    with services().store.read() as connection:
        return may_undo(connection, held, at)


def order_of(token: str) -> tuple[OrderFacts, Held]:
    """The order of a confirmation page's address, with its subscription; ``NotFound`` when there is none.

    Whoever holds such an address pressed Buy once. From here on nobody is told that nothing was charged, whatever fails:
    the branches that know it say so themselves.
    """
    opened = read_done(token, services().directory.own_ring(), now_seconds())
    payment_begins(number_of(opened.book, opened.value.order), f"/done/{token}")
    for_book(opened.book)
    with services().store.read() as connection:
        order = order_facts(connection, opened.book, opened.value.order)
        held = load(connection, opened.book, order.subscription_number) if order else None
    if order is None or held is None:
        raise NotFound
    g.cart_book = opened.book
    return order, held


def _is_undecided(order: OrderFacts) -> bool:
    attempt = order.open_attempt
    return attempt is not None and attempt.state not in {"REQUIRES_ACTION", "QUARANTINED"}


def _news(order: OrderFacts) -> OrderFacts:
    """Whoever looks rings the bell; "Check again" (``?again=1``) also waits a little for what the worker finds."""
    world = services()
    world.bell.ring()
    with may_wait(WAIT_SECONDS if request.args.get("again") else 0.0) as seconds:
        return wait_for_news(world.store, world.clock, order.book_id, order.id, seconds=seconds) or order


def _back(order: OrderFacts) -> str:
    """The way back to the offer, while its link is good."""
    session = restored_session(order.claims or "", now_seconds()) if order.claims else None
    return f"/cart/{cart_token(session, order.book_id)}" if session else ""


def _bank_check(scene: Scene, attempt: AttemptFacts, order: OrderFacts, here: str) -> Answer:
    """S-8."""
    check = BankCheck(attempt.action_url or "", "get")
    return pages.render_bank_check(
        scene, check, amount=attempt.amount, currency=attempt.currency, reference=order.number, leave=f"{here}/leave",
        form_token=link_form_token(here, order.book_id), returned="left" in request.args,
    )  # fmt: skip


def leave_bank(token: str) -> Answer:
    """ "Pay another way": the bank's check is cancelled at the gateway first, so that the page may say that nothing was
    charged. A shopper who approved a moment before finds the order paid."""
    order, _ = order_of(token)
    here = f"/done/{token}"
    check_link_form(here, order.book_id)
    attempt = order.open_attempt
    if attempt is not None and attempt.state == "REQUIRES_ACTION":
        cancel_attempt(tools(), order.book_id, order.id, attempt.id)
        services().bell.ring()
    return redirect(here, 303)


def _declined(scene: Scene, order: OrderFacts, held: Held, attempt: AttemptFacts) -> Answer:
    """S-11 and S-9: the same offer with another card, on the same page. An offer that is over is only told about.

    An attempt that never reached the bank shows the cart again: our payment provider did not answer.
    """
    session = restored_session(order.claims or "", now_seconds()) if order.claims else None
    if session is None:
        return pages.render_not_completed(scene, order_view(order, held))
    world = services()
    g.cart_session = session
    try:
        cart = look(world.store, world.clock, world.randomness, order.book_id, session, ignore_order=order.id)
    except CheckoutRefused as refused:
        if refused.code not in {
            "not_eligible",
            "offer_closed",
            "quantity_not_offered",
            "options_not_offered",
            "link_revoked",
        }:
            raise
        return pages.render_not_completed(scene, order_view(order, held))
    facts = cart_facts(cart, cart_token(session, order.book_id), scene.tongue.language, order=order)
    if attempt.decline is DeclineReason.NOT_TAKEN:
        return pages.render_cart(scene, facts, Problems(provider_refused=True))
    is_silent = attempt.state == "CANCELLED" and attempt.decline is None and not attempt.asked_bank
    if attempt.unheard or is_silent:
        return pages.render_cart(scene, facts, Problems(provider_silent=True))
    return pages.render_declined(scene, facts, _decline_view(attempt))


def _decline_view(attempt: AttemptFacts) -> DeclineView:
    reason = attempt.decline or DeclineReason.GENERIC
    check = ""
    if attempt.state == "CANCELLED" and attempt.decline is None:
        check = "left"
    elif reason is DeclineReason.AUTHENTICATION_FAILED:
        check = "failed"
    return DeclineView(
        text=str(reason.text),
        retry=str(reason.retry_same_card),
        amount=attempt.amount,
        at=attempt.settled_at or attempt.created_at,
        reference=short_code("PF", attempt.id),
        bank_check=check,
    )


def back_from_bank(state: str) -> Answer:
    """Where the bank sends the shopper, by GET or by a cross-site POST without cookies: wait for news, then 303.

    The state is signed; nothing else that comes along is believed: the gateway's object is read by the worker.
    """
    world = services()
    opened = read_return(state, world.directory.own_ring(), now_seconds())
    if opened.value.kind != "bank":
        raise LinkError("token_malformed", purpose="return")
    for_book(opened.book)
    path = done_path(opened.book, opened.value.reference)
    with may_wait(WAIT_SECONDS) as seconds:
        order = wait_for_bank(opened.book, opened.value.reference, seconds)
    if order is not None and order.last is not None and order.last.state == "REQUIRES_ACTION":
        path = with_query(path, left="1")
    if order is not None and order.language in world.pages.languages.enabled:
        path = with_query(path, lang=order.language)
    return redirect(path, 303)


def wait_for_bank(book_id: int, order_id: str, seconds: float) -> OrderFacts | None:
    """The order once the worker has read the bank's answer; as it stands after ``seconds``.

    The bell is rung once a second: a worker that looked a moment ago does not look again at once.
    """
    world = tools()
    start = world.clock.now().timestamp()
    rung = 0
    while True:
        waited = world.clock.now().timestamp() - start
        if waited >= rung:
            world.bell.ring()
            rung += 1
        with world.store.read() as connection:
            order = order_facts(connection, book_id, order_id)
        settled = order is None or order.last is None or order.last.state not in {"REQUIRES_ACTION", "INTENT"}
        if settled or waited >= seconds:
            return order
        world.clock.sleep(0.1)


def state(token: str) -> Answer:
    """For the page's own script: whether there is an answer. It announces, it never acts."""
    order, _ = order_of(token)
    waiting = order.state == "OPEN" and order.last is not None and order.last.is_open
    if waiting:
        services().bell.ring()
    return jsonify(
        {"state": "pending" if waiting and order.last and order.last.state != "REQUIRES_ACTION" else "known"}
    )


def send_receipt(token: str) -> Answer:
    """ "Email me the receipt": to the address of the order, at most once in ten minutes."""
    order, _ = order_of(token)
    path = f"/done/{token}"
    check_link_form(path, order.book_id)
    world = services()
    if schedule_here(order) != "UNDONE":  # the receipt says what is to come, and nothing is
        mail_receipt(world.store, world.clock, order)
    world.bell.ring()
    return redirect(f"{path}/receipt-sent", 303)


def receipt_sent(token: str) -> Answer:
    order, held = order_of(token)
    return pages.render_receipt_sent(held_scene(held, order.language), email=order.email)
