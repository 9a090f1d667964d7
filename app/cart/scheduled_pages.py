"""Changes that wait for the next billing date: registered, to be undone, undone, or in the way of another one."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from markupsafe import Markup

from app.cart import phrases
from app.cart.deeds import as_lines, meant
from app.cart.pen import Pen, code, email, joined, strong
from app.cart.state_page import (
    Action,
    Fact,
    Form,
    Hidden,
    StatePage,
    account,
    mistake,
    not_charged,
    offered,
    product,
)
from app.cart.summary import Summary, interval_of
from app.cart.views import OrderView, Scene
from app.web.i18n import Tongue


class Waiting(NamedTuple):
    """A change that is in the way of another one. ``due_on`` None: it is being made now, since ``since``.

    ``summary`` None: nothing is known of it. ``order_url``: where it can be seen and undone.
    """

    due_on: date | None = None
    since: datetime | None = None
    summary: Summary | None = None
    order_url: str = ""


def registered(scene: Scene, order: OrderView, undo_url: str) -> StatePage:
    """S-24 of a change that waits: what happens when, that nothing was charged, and the way to undo it."""
    tongue, summary = scene.tongue, order.summary
    pen = Pen(tongue, order.currency, scene.merchant.timezone)
    lead = joined(
        tongue.tell("Nothing was due, so nothing was charged."),
        tongue.tell("Until then everything stays as it is."),
        tongue.tell("A confirmation is on its way to %(address)s.", address=email(order.email)),
    )
    undo = Action(tongue.say("Undo this change"), undo_url) if undo_url else None
    return StatePage(
        tongue.say("Your change is scheduled for %(date)s", date=_day(scene, summary)), lead, "ok", "ok",
        actions=offered(product(scene), undo), facts_heading=tongue.say("Your order"), facts=tuple(_facts(pen, order)),
    )  # fmt: skip


def undo_question(scene: Scene, order: OrderView, action: str, form_token: str, back: str) -> StatePage:
    """The page between: what undoing means, and the button that does it."""
    tongue, summary = scene.tongue, order.summary
    pen = Pen(tongue, order.currency, scene.merchant.timezone)
    lead = joined(
        tongue.tell("This change is scheduled for %(date)s.", date=pen.strong_day(_on(summary))),
        tongue.tell("If you undo it, your subscription goes on as it is. Nothing was charged for it."),
    )
    hidden = (Hidden("csrf", form_token), Hidden("lang", tongue.language))
    form = Form(action, tongue.say("Undo this change"), hidden, beside=Action(tongue.say("Keep the change"), back))
    return StatePage(
        tongue.say("Undo this change?"), lead, "warn", "info", form=form, facts_heading=tongue.say("The change"),
        facts=(_what(tongue, summary),),
    )  # fmt: skip


def undone(scene: Scene, order: OrderView) -> StatePage:
    """After it: nothing changes and nothing was charged, however often the page is read."""
    tongue = scene.tongue
    pen = Pen(tongue, order.currency, scene.merchant.timezone)
    lead = tongue.tell("<strong>Nothing was charged</strong> and your subscription goes on as it is.")
    return StatePage(
        tongue.say("The change was undone"), lead, "ok", "ok", actions=offered(product(scene), account(scene)),
        facts_heading=tongue.say("Your order"),
        facts=(
            Fact(tongue.say("Order number"), code(order.number)),
            Fact(tongue.say("What was undone"), as_lines(meant(tongue, order.summary))),
            Fact(tongue.say("Next billing date"), _renewal_as_before(pen, order.summary)),
        ),
    )  # fmt: skip


def in_the_way(scene: Scene, waiting: Waiting, reference: str) -> StatePage:
    """S-13: what is under way or scheduled, and when."""
    tongue = scene.tongue
    pen = Pen(tongue, "", scene.merchant.timezone)
    facts: list[Fact] = []
    if waiting.summary is not None:
        facts.append(_what(tongue, waiting.summary))
    see = Action(tongue.say("See the scheduled change"), waiting.order_url) if waiting.order_url else None
    if waiting.due_on is not None:
        headline = tongue.say("A change is already scheduled for %(date)s", date=tongue.day(waiting.due_on))
        lead = joined(tongue.tell("Until it is made or undone, nothing else can be changed."), not_charged(tongue))
        facts.append(Fact(tongue.say("When"), pen.day(waiting.due_on)))
        if waiting.summary is not None:
            facts += _renewals(Pen(tongue, waiting.summary.currency, pen.timezone), waiting.summary)
    else:
        headline = tongue.say("Another change is under way")
        lead = tongue.tell(
            "A change of this subscription is being made right now. <strong>This page has not charged you.</strong>"
        )
        see = see and Action(tongue.say("Check again"), waiting.order_url, main=True)
        if waiting.since is not None:
            when = tongue.tell(
                "Since %(time)s on %(date)s", time=pen.clock(waiting.since), date=pen.day_of(waiting.since)
            )
            facts.append(Fact(tongue.say("When"), when))
    main = account(scene, main=not (see and see.main))
    return StatePage(
        headline, lead, "warn", "clock", actions=offered(*((see, main) if see and see.main else (main, see))),
        sections=(mistake(scene, reference),), facts_heading=tongue.say("The other change") if facts else "", facts=tuple(facts),
    )  # fmt: skip


def _facts(pen: Pen, order: OrderView) -> list[Fact]:
    tongue, summary = pen.tongue, order.summary
    told = tongue.tell("From %(date)s", date=pen.day(_on(summary)))
    facts = [Fact(tongue.say("Order number"), code(order.number)), _what(tongue, summary, told)]
    facts += _renewals(pen, summary)
    if order.consent_texts:
        quoted = Markup("<br>").join(tongue.tell("“%(text)s”", text=text) for text in order.consent_texts)
        facts.append(Fact(tongue.say("You agreed to"), quoted))
    return facts


def _what(tongue: Tongue, summary: Summary, note: Markup | str = "") -> Fact:
    return Fact(tongue.say("What changes"), as_lines(meant(tongue, summary)), note)


def _renewals(pen: Pen, summary: Summary) -> list[Fact]:
    """What is due on each date once the change is made."""
    tongue, facts = pen.tongue, list[Fact]()
    if summary.next_after is not None and summary.renewal is not None:
        price = phrases.renewal_price(pen, summary)
        value = tongue.tell("%(date)s, %(price)s", date=pen.strong_day(summary.next_after), price=price)
        facts.append(Fact(tongue.say("Next billing date"), value, _taxed(pen, summary)))
    for each in summary.later_renewals:
        if each.next_after is not None:
            price = phrases.renewal_price(pen, each)
            value = tongue.tell("%(date)s, %(price)s", date=pen.strong_day(each.next_after), price=price)
            facts.append(Fact(tongue.say("Also renews"), value, _taxed(pen, each)))
    return facts


def _taxed(pen: Pen, summary: Summary) -> str:
    tongue = pen.tongue
    return tongue.say("Tax included") if summary.tax_included else tongue.say("Plus any tax that applies on the day")


def _renewal_as_before(pen: Pen, summary: Summary) -> Markup | str:
    tongue = pen.tongue
    if summary.next_before is None:
        return tongue.say("No renewal")
    prices = [(each.amount, each.interval) for each in summary.before if each.day == summary.next_before]
    told = [
        strong(pen.price(amount, interval_of(interval)))
        for amount, interval in prices or [(summary.price_now, summary.interval_before)]
    ]
    return tongue.tell("%(date)s, %(price)s", date=pen.day(summary.next_before), price=Markup(", ").join(told))


def _on(summary: Summary) -> date:
    if summary.effective_on is None:
        raise ValueError("only a change that waits has a day of its own")
    return summary.effective_on


def _day(scene: Scene, summary: Summary) -> str:
    return scene.tongue.day(_on(summary))
