"""Pages that are not the cart: one fact as the heading, what it means for the money, one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from markupsafe import Markup

from app.cart import phrases, words
from app.cart.pen import Pen, code, email, joined, strong
from app.cart.summary import Summary
from app.cart.views import BankCheck, OrderView, Scene
from app.web.i18n import Tongue, local_day


@dataclass(frozen=True, slots=True)
class Action:
    """A link that looks like a button; the main one is the page's one main act."""

    label: str
    url: str
    main: bool = False


@dataclass(frozen=True, slots=True)
class Hidden:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Form:
    """A form with one button. ``heading`` and ``text`` stand above it in a card when given."""

    action: str
    button: str
    hidden: tuple[Hidden, ...] = ()
    method: str = "post"
    heading: str = ""
    text: Markup | str = ""
    beside: Action | None = None


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    heading: str
    text: Markup | str


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: Markup | str
    note: Markup | str = ""


@dataclass(frozen=True, slots=True)
class StatePage:
    """``poll`` is asked by the script, which only announces that there is an answer. ``other`` is a second, quieter form."""

    headline: str
    lead: Markup
    tone: str = "warn"
    icon: str = "warn"
    title: str = ""
    actions: tuple[Action, ...] = ()
    form: Form | None = None
    other: Form | None = None
    sections: tuple[Section, ...] = ()
    facts_heading: str = ""
    facts: tuple[Fact, ...] = ()
    poll: str = ""


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


def account(scene: Scene, *, main: bool = False) -> Action | None:
    """The way to the merchant's account page, where there is one."""
    if not scene.merchant.account_url:
        return None
    return Action(scene.tongue.say("Go to your account"), scene.merchant.account_url, main)


def product(scene: Scene, *, main: bool = True) -> Action | None:
    """The way to the merchant's own pages, where they are known."""
    if not scene.merchant.product_url:
        return None
    return Action(scene.tongue.say("Go to %(name)s", name=scene.merchant.name), scene.merchant.product_url, main)


def offered(*actions: Action | None) -> tuple[Action, ...]:
    """The actions that there are. When the main one is missing, the first that is left takes its place."""
    found = [action for action in actions if action is not None]
    if None in actions and found and not any(action.main for action in found):
        found[0] = replace(found[0], main=True)
    return tuple(found)


def not_charged(tongue: Tongue) -> Markup:
    return tongue.tell("<strong>You have not been charged</strong> and your subscription has not changed.")


def quoting(tongue: Tongue, reference: str) -> Section:
    """The code to tell when one writes or calls."""
    return Section("h-why", tongue.say("If you contact us"), tongue.tell("Quote %(code)s.", code=code(reference)))


def mistake(scene: Scene, reference: str) -> Section:
    """Whom to ask, quoting a code that gives no rights."""
    tongue, address = scene.tongue, scene.merchant.help_email
    if not address:
        return quoting(tongue, reference)
    subject = tongue.say("Upgrade link %(code)s", code=reference)
    written = Markup('<a href="mailto:%s?subject=%s"><bdi dir="ltr">%s</bdi></a>') % (address, quote(subject), address)
    text = tongue.tell(
        "Write to %(address)s and quote %(code)s. That code tells us which link you used; it does not let anyone buy anything.",
        address=written, code=code(reference),
    )  # fmt: skip
    return Section("h-why", tongue.say("Think this is a mistake?"), text)


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
    scene: Scene, fresh: FreshLink, reference: str, closed_at: datetime | None, summary: Summary | None
) -> StatePage:
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
        tongue.say("This link has expired"), joined(closed, not_charged(tongue)), icon="clock",
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


def gone(scene: Scene, reason: str, fresh: FreshLink | None, reference: str) -> StatePage:
    """S-18: ``revoked``, ``replaced``, ``wrong_ip`` or ``key_retired``. No blame, and a way on: a new link, where one would be sent."""
    tongue = scene.tongue
    heading, why = gone_messages(tongue, reason)
    lead, sections = joined(why, not_charged(tongue)), (mistake(scene, reference),)
    if fresh is None:
        return StatePage(heading, lead, actions=offered(account(scene, main=True)), sections=sections)
    form = fresh_form(scene, fresh, tongue.say("Get a new link"))
    return StatePage(heading, lead, form=form, sections=sections)


def used(scene: Scene, order: OrderView, resend: str, form_token: str) -> StatePage:
    """S-17. What was bought with this link, and a copy of the receipt."""
    tongue = scene.tongue
    pen = Pen(tongue, order.currency, scene.merchant.timezone)
    headline = tongue.say("This offer was already used")
    if order.paid_at is not None:
        day = tongue.day(local_day(order.paid_at, scene.merchant.timezone))
        headline = tongue.say("Bought on %(date)s", date=day)
    change = strong(phrases.change_line(tongue, order.summary))
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
    return StatePage(headline, lead, "ok", "ok", form=form, facts_heading=tongue.say("Your order"), facts=tuple(facts))


def order_state(tongue: Tongue, order: OrderView) -> str:
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


def not_you(scene: Scene, address: str, back: str, reference: str) -> StatePage:
    """S-5. Whom it was meant for; closing the page does nothing."""
    tongue, merchant = scene.tongue, scene.merchant
    subject = tongue.say("Upgrade link %(code)s reached the wrong person", code=reference)
    tell = None
    if merchant.help_email:
        tell = Action(
            tongue.say("Tell the seller"), f"mailto:{merchant.help_email}?subject={quote(subject)}", main=True
        )
    lead = tongue.tell(
        "It was sent to %(address)s. <strong>You have not been charged.</strong> If that is not you, close this page: nothing happens.",
        address=email(address),
    )
    return StatePage(
        tongue.say("This offer is for one person"), lead, "warn", "info",
        actions=offered(tell, Action(tongue.say("Back to the offer"), back)),
        sections=(quoting(tongue, reference),),
    )  # fmt: skip


def bank_check(
    scene: Scene, check: BankCheck, amount: Markup, reference: str, other: Form, *, returned: bool
) -> StatePage:
    """S-8. What will happen, the full-page way to the bank, and the way out. ``returned``: back without an answer."""
    tongue = scene.tongue
    headline = tongue.say("Your bank wants to check it is you")
    lead = tongue.tell(
        "<strong>You have not been charged yet.</strong> For %(amount)s your bank asks you to confirm the payment on its own page. "
        "Afterwards you come back here.", amount=amount,
    )  # fmt: skip
    if returned:
        headline = tongue.say("The bank check is not finished")
        lead = tongue.tell(
            "<strong>You have not been charged so far.</strong> To pay %(amount)s, go on to your bank and confirm the payment there. "
            "Afterwards you come back here.", amount=amount,
        )  # fmt: skip
    hidden = tuple(Hidden(name, value) for name, value in check.fields.items())
    return StatePage(
        headline, lead, "warn", "lock", other=other,
        form=Form(check.action, tongue.say("Continue to your bank"), hidden, check.method),
        sections=(quoting(tongue, reference),),
    )  # fmt: skip


def pending(scene: Scene, reference: str, check_url: str, poll: str, address: str) -> StatePage:
    """S-10. Unknown is said to be unknown."""
    tongue = scene.tongue
    lead = tongue.tell(
        "We do not know yet whether you were charged. <strong>Do not pay again.</strong> We will email the answer to %(address)s.",
        address=email(address),
    )
    return StatePage(
        tongue.say("We are waiting for your bank"), lead, "warn", "clock",
        actions=(Action(tongue.say("Check again"), check_url, main=True),),
        sections=(quoting(tongue, reference),),
        poll=poll,
    )  # fmt: skip


def too_many(scene: Scene, opens_at: datetime | None, reference: str) -> StatePage:
    """S-12. When it opens again."""
    tongue = scene.tongue
    again = tongue.tell("Please wait a while before the next try.")
    if opens_at is not None:
        pen = Pen(tongue, "", scene.merchant.timezone)
        again = tongue.tell(
            "You can try again at %(time)s on %(date)s.", time=pen.clock(opens_at), date=pen.day_of(opens_at)
        )
    return StatePage(
        tongue.say("Too many payment tries"), joined(not_charged(tongue), again), "warn", "clock",
        actions=offered(account(scene, main=True)), sections=(mistake(scene, reference),),
    )  # fmt: skip


def busy(scene: Scene, order_url: str, reference: str) -> StatePage:
    """S-13: another change of this subscription is under way."""
    tongue = scene.tongue
    lead = tongue.tell(
        "A change of this subscription is being made right now. <strong>This page has not charged you.</strong>"
    )
    check = [Action(tongue.say("Check again"), order_url, main=True)] if order_url else []
    return StatePage(
        tongue.say("Another change is under way"), lead, "warn", "clock",
        actions=offered(*check, account(scene, main=not order_url)),
        sections=(mistake(scene, reference),),
    )  # fmt: skip


def closed(scene: Scene, why: str, at: datetime | None, reference: str) -> StatePage:
    """S-19: ``not_started``, ``paused``, ``sold_out`` or ``closed``."""
    tongue = scene.tongue
    pen = Pen(tongue, "", scene.merchant.timezone)
    day = pen.day_of(at) if at else None
    headings = {
        "not_started": tongue.say("This offer has not started yet"),
        "paused": tongue.say("This offer is paused"),
        "sold_out": tongue.say("This offer is sold out"),
    }
    told: Markup = (
        tongue.tell("Please look again later.")
        if why in {"not_started", "paused"}
        else tongue.tell("It cannot be bought any more.")
    )
    if day is not None:
        told = (
            tongue.tell("It opens on %(date)s.", date=day) if why in {"not_started", "paused"}
            else tongue.tell("It closed on %(date)s.", date=day)
        )  # fmt: skip
    return StatePage(
        headings.get(why, tongue.say("This offer is closed")), joined(told, not_charged(tongue)), "warn", "clock",
        actions=offered(account(scene, main=True)), sections=(mistake(scene, reference),),
    )  # fmt: skip


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


def receipt_sent(scene: Scene, address: str) -> StatePage:
    """The answer to "Email me the receipt"."""
    tongue = scene.tongue
    return StatePage(
        tongue.say("Your receipt is on its way"), tongue.tell("We sent it to %(address)s. It may take a few minutes.", address=email(address)),
        "ok", "ok", actions=offered(product(scene)),
    )  # fmt: skip


def kept(scene: Scene, summary: Summary | None, closes_at: datetime | None, show_again: str) -> StatePage:
    """S-26. No thanks: nothing changed, the offer stays open."""
    tongue = scene.tongue
    pen = Pen(tongue, "", scene.merchant.timezone)
    until = tongue.tell("The offer stays open.")
    if closes_at is not None:
        until = tongue.tell("The offer stays open until %(date)s.", date=pen.day_of(closes_at))
    headline = tongue.say("Nothing changed")
    if summary is not None and summary.kind in {"more", "fewer"}:
        unit = phrases.unit_of(tongue, summary)
        headline = tongue.say("You keep %(thing)s", thing=words.spelled(tongue, unit, summary.quantity_before))
    elif summary is not None and summary.kind == "product":
        headline = tongue.say("You keep %(thing)s", thing=summary.product_before)
    lead = tongue.tell("<strong>Nothing changed and nothing was charged.</strong> %(until)s", until=until)
    return StatePage(
        headline, lead, "ok", "ok", actions=offered(Action(tongue.say("Show the offer again"), show_again), product(scene)),
    )  # fmt: skip


def not_completed(scene: Scene, order: OrderView, back: str) -> StatePage:
    """An order that ended without money: expired or cancelled before the bank said yes."""
    tongue = scene.tongue
    ahead = Action(tongue.say("Back to the offer"), back, main=True) if back else account(scene, main=True)
    return StatePage(
        tongue.say("This order was not completed"), not_charged(tongue), actions=offered(ahead),
        facts_heading=tongue.say("Your order"), facts=(Fact(tongue.say("Order number"), code(order.number)),),
    )  # fmt: skip


def link_page(scene: Scene, form: Form) -> StatePage:
    """The classic address without a token: nothing is known, so all it offers is a fresh link to the address on file."""
    tongue = scene.tongue
    return StatePage(
        tongue.say("Get a new link"),
        tongue.tell("This page cannot tell who you are. <strong>You have not been charged.</strong>"), "warn", "info", form=form,
    )  # fmt: skip
