"""Links that do not open, and the fresh link by mail that may be had instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.cart import phrases
from app.cart.deeds import as_lines, change_line, meant
from app.cart.pen import Pen, code, email, joined, strong
from app.cart.state_page import (
    Action,
    Fact,
    Form,
    Hidden,
    Section,
    StatePage,
    account,
    mistake,
    money_told,
    offered,
)
from app.cart.summary import Summary
from app.cart.views import OrderView, Scene
from app.web.i18n import Tongue, local_day


@dataclass(frozen=True, slots=True)
class FreshLink:
    """How to ask for a new link by mail: where to post, the form token, to whom it would go.

    ``regular_price``: the link had a special price, and the new one will have the regular one.
    """

    action: str
    form_token: str
    email: str | None = None
    valid_days: int = 7
    regular_price: bool = False


def fresh_form(scene: Scene, fresh: FreshLink, heading: str) -> Form:
    """ "Email me a new link": the same words whether or not there is anybody to write to."""
    tongue = scene.tongue
    to = email(fresh.email) if fresh.email else tongue.tell("the address on your subscription")
    sent = tongue.tells(
        "We will email a fresh link to %(address)s. It works for %(count)s day.",
        "We will email a fresh link to %(address)s. It works for %(count)s days.", fresh.valid_days,
        address=tongue.tell("the address on your subscription, %(email)s", email=to) if fresh.email else to,
    )  # fmt: skip
    text = joined(tongue.say("You can still have it at the regular price."), sent) if fresh.regular_price else sent
    return Form(
        fresh.action, tongue.say("Email me a new link"), (Hidden("csrf", fresh.form_token),), heading=heading, text=text,
        beside=account(scene),
    )  # fmt: skip


def expired(
    scene: Scene, fresh: FreshLink, reference: str, closed_at: datetime | None, is_uncharged: bool,
    summary: Summary | None,
) -> StatePage:  # fmt: skip
    """S-16. What closed, when, and what is still possible."""
    tongue = scene.tongue
    closed = tongue.tell("This offer has closed.")
    if closed_at is not None:
        pen = Pen(tongue, "", scene.merchant.timezone)
        closed = tongue.tell(
            "This offer closed on %(date)s at %(time)s.", date=pen.day_of(closed_at), time=pen.clock(closed_at)
        )
    heading = tongue.say("Still interested?")
    if summary is not None:
        heading = tongue.say("Still want this? %(offer)s", offer=phrases.headline(tongue, summary))
    return StatePage(
        tongue.say("This link has expired"), joined(closed, money_told(tongue, is_uncharged=is_uncharged)), icon="clock",
        title=tongue.say("This offer link has expired"), form=fresh_form(scene, fresh, heading),
        sections=(mistake(scene, reference),),
    )  # fmt: skip


def gone_messages(tongue: Tongue, reason: str) -> tuple[str, str]:
    """The heading and the one plain reason. Spelled out, so that the catalogs find every sentence."""
    return {
        "replaced": (
            tongue.say("There is a newer link"),
            tongue.say("This link was replaced. Please use the newest mail from us."),
        ),
        "wrong_ip": (
            tongue.say("This link does not open from here"),
            tongue.say("It was made for another network than the one you are on."),
        ),
        "key_retired": (
            tongue.say("This link is no longer valid"),
            tongue.say("This link is no longer accepted."),
        ),
    }.get(reason, (tongue.say("This link is no longer valid"), tongue.say("The seller has withdrawn this link.")))


def gone(scene: Scene, reason: str, fresh: FreshLink | None, reference: str, is_uncharged: bool) -> StatePage:
    """S-18: ``revoked``, ``replaced``, ``wrong_ip`` or ``key_retired``. No blame, and a way on: a new link, where one would be sent."""
    tongue = scene.tongue
    heading, why = gone_messages(tongue, reason)
    lead, sections = joined(why, money_told(tongue, is_uncharged=is_uncharged)), (mistake(scene, reference),)
    if fresh is None:
        return StatePage(heading, lead, actions=offered(account(scene, main=True)), sections=sections)
    form = fresh_form(scene, fresh, tongue.say("Get a new link"))
    return StatePage(heading, lead, form=form, sections=sections)


def used(scene: Scene, order: OrderView, resend: str, form_token: str, see: str = "") -> StatePage:
    """S-17. What was bought with this link, and a copy of the receipt."""
    if order.schedule == "UNDONE":
        return _undone(scene, order)
    tongue = scene.tongue
    pen = Pen(tongue, order.currency, scene.merchant.timezone)
    headline = tongue.say("This offer was already used")
    if order.paid_at is not None:
        day = tongue.day(local_day(order.paid_at, scene.merchant.timezone))
        headline = tongue.say("Bought on %(date)s", date=day)
        if order.schedule:
            headline = tongue.say("Scheduled on %(date)s", date=day)
    change = strong(change_line(tongue, order.summary))
    if order.amount:
        lead = tongue.tell("%(change)s. You have not been charged again.", change=change)
    else:
        lead = tongue.tell("%(change)s. Nothing was due, so nothing was charged.", change=change)
    facts = [
        Fact(tongue.say("Order number"), code(order.number)),
        Fact(tongue.say("State of the order"), order_state(tongue, order)),
    ]
    if order.amount:
        facts.append(Fact(tongue.say("Paid"), pen.strong(order.amount)))
    text = tongue.tell("We will send it to %(address)s.", address=email(order.email))
    form = Form(
        resend, tongue.say("Email me the receipt"), (Hidden("csrf", form_token),), heading=tongue.say("Need the receipt?"),
        text=text, beside=account(scene),
    )  # fmt: skip
    if order.schedule == "PENDING" and order.summary.effective_on is not None:
        facts.append(Fact(tongue.say("When"), pen.strong_day(order.summary.effective_on)))
    way = Action(tongue.say("See the scheduled change"), see) if see and order.schedule == "PENDING" else None
    return StatePage(
        headline, lead, "ok", "ok", actions=(way,) if way else (), form=form, facts_heading=tongue.say("Your order"),
        facts=tuple(facts),
    )  # fmt: skip


def _undone(scene: Scene, order: OrderView) -> StatePage:
    """What was bought came to nothing, but the link was used: no receipt, which would say that it is still to come."""
    tongue = scene.tongue
    lead = joined(
        tongue.tell("The change that you scheduled with this link was undone, and the link cannot be used again."),
        tongue.tell("<strong>Nothing was charged</strong> and your subscription goes on as it is."),
    )
    ask = None
    if scene.merchant.help_email:
        ask = Action(tongue.say("Ask the seller"), f"mailto:{scene.merchant.help_email}")
    facts = (
        Fact(tongue.say("Order number"), code(order.number)),
        Fact(tongue.say("State of the order"), order_state(tongue, order)),
        Fact(tongue.say("What was undone"), as_lines(meant(tongue, order.summary))),
    )
    return StatePage(
        tongue.say("The change was undone"), lead, "ok", "ok", actions=offered(account(scene, main=True), ask),
        facts_heading=tongue.say("Your order"), facts=facts,
    )  # fmt: skip


def unmatched(scene: Scene, reference: str) -> StatePage:
    """A payment of this link waits at the gateway for a decision, and its order is not known: nobody is led to pay once more."""
    tongue = scene.tongue
    lead = tongue.tell(
        "<strong>Do not pay again.</strong> A payment that was made from this link may have been charged to your card already."
    )
    return StatePage(
        tongue.say("We are looking into an earlier payment"), lead, "warn", "clock",
        actions=offered(account(scene, main=True)), sections=(mistake(scene, reference),),
    )  # fmt: skip


def order_state(tongue: Tongue, order: OrderView) -> str:
    if order.schedule == "PENDING":
        return tongue.say("Scheduled")
    if order.schedule == "UNDONE":
        return tongue.say("Undone")
    return {
        "OPEN": tongue.say("Waiting for payment"),
        "PAID": tongue.say("Paid") if order.amount else tongue.say("Confirmed"),
        "PART_REFUNDED": tongue.say("Partly refunded"),
        "REFUNDED": tongue.say("Refunded"),
        "DISPUTED": tongue.say("Disputed with the bank"),
        "LOST": tongue.say("Disputed with the bank"),
        "EXPIRED": tongue.say("Not completed"),
        "CANCELLED": tongue.say("Not completed"),
    }[order.state]


def link_sent(scene: Scene, address: str | None, valid_days: int) -> StatePage:
    """S-21. The same answer whether or not anything was sent."""
    tongue = scene.tongue
    to = email(address) if address else tongue.tell("the address on your subscription")
    lead = tongue.tells(
        "If there is an offer for you, a new link is on its way to %(address)s. It may take a few minutes and works for %(count)s day.",
        "If there is an offer for you, a new link is on its way to %(address)s. It may take a few minutes and works for %(count)s days.",
        valid_days, address=to,
    )  # fmt: skip
    look = tongue.say("Look in the spam folder.")
    if scene.merchant.help_email:
        look = tongue.say("Look in the spam folder, or write to us at the address below.")
    return StatePage(
        tongue.say("Check your mail"),
        lead,
        "ok",
        "ok",
        sections=(Section("h-why", tongue.say("Nothing arrived?"), look),),
    )


def link_page(scene: Scene, form: Form) -> StatePage:
    """The classic address without a token: nothing is known, so all it offers is a fresh link to the address on file."""
    tongue = scene.tongue
    return StatePage(
        tongue.say("Get a new link"),
        tongue.tell("This page cannot tell who you are. <strong>You have not been charged.</strong>"), "warn", "info", form=form,
    )  # fmt: skip
