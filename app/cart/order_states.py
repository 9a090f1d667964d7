"""What stands between a press and its confirmation: the bank's check, the wait, the order that came to nothing."""

from __future__ import annotations

from markupsafe import Markup

from app.cart.pen import code, email, pen_for
from app.cart.state_page import (
    Action,
    Fact,
    Form,
    Hidden,
    StatePage,
    account,
    not_charged,
    offered,
    product,
    quoting,
)
from app.cart.views import BankCheck, OrderView, Scene
from app.charging.remains import Returned


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
    go_on = tongue.say("Continue to your bank")
    sections = (quoting(tongue, reference),)
    if check.method == "get":
        # A link, for a form would be held to our ``form-action`` on every redirect, and banks' hosts cannot be named.
        return StatePage(
            headline,
            lead,
            "warn",
            "lock",
            other=other,
            actions=(Action(go_on, check.action, main=True),),
            sections=sections,
        )
    hidden = tuple(Hidden(name, value) for name, value in check.fields.items())
    form = Form(check.action, go_on, hidden, check.method)
    return StatePage(headline, lead, "warn", "lock", other=other, form=form, sections=sections)


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


def receipt_sent(scene: Scene, address: str) -> StatePage:
    """The answer to "Email me the receipt"."""
    tongue = scene.tongue
    return StatePage(
        tongue.say("Your receipt is on its way"), tongue.tell("We sent it to %(address)s. It may take a few minutes.", address=email(address)),
        "ok", "ok", actions=offered(product(scene)),
    )  # fmt: skip


def in_doubt(scene: Scene, order: OrderView, check_url: str) -> StatePage:
    """Not paid, and a payment of this order waits at the gateway for a decision: nobody is led to pay once more."""
    tongue = scene.tongue
    lead = tongue.tell(
        "<strong>Do not pay again.</strong> This order was not completed, but your card may have been charged for it. "
        "Your subscription has not changed."
    )
    return StatePage(
        tongue.say("We are looking into a payment for this order"), lead, "warn", "clock",
        actions=(Action(tongue.say("Check again"), check_url, main=True),),
        facts_heading=tongue.say("Your order"), facts=_number(scene, order), sections=(quoting(tongue, order.number),),
    )  # fmt: skip


def given_back(scene: Scene, order: OrderView, back: Returned) -> StatePage:
    """An order that ended although it was paid: what went back, and when; or that it is on its way, or on the balance."""
    tongue, pen = scene.tongue, pen_for(scene, order.currency)
    if back.stays:
        headline = tongue.say("Your payment is on your balance")
        lead = tongue.tell(
            "You paid %(amount)s, and it stands on your balance. Your subscription has not changed.",
            amount=pen.strong(back.amount),
        )
    elif back.at is None:
        headline = tongue.say("Your payment is being given back")
        lead = tongue.tell(
            "You paid %(amount)s, and it is on its way back to you. Your subscription has not changed.",
            amount=pen.strong(back.amount),
        )
    else:
        headline = tongue.say("Your payment was given back")
        lead = tongue.tell(
            "You paid %(amount)s, and it was given back on %(date)s. Your subscription has not changed.",
            amount=pen.strong(back.amount), date=pen.day_of(back.at),
        )  # fmt: skip
    return StatePage(
        headline, lead, actions=offered(account(scene, main=True)), sections=(quoting(tongue, order.number),),
        facts_heading=tongue.say("Your order"), facts=_number(scene, order),
    )  # fmt: skip


def _number(scene: Scene, order: OrderView) -> tuple[Fact, ...]:
    return (Fact(scene.tongue.say("Order number"), code(order.number)),)


def not_completed(scene: Scene, order: OrderView, back: str) -> StatePage:
    """An order that ended without money: expired or cancelled before the bank said yes."""
    tongue = scene.tongue
    ahead = Action(tongue.say("Back to the offer"), back, main=True) if back else account(scene, main=True)
    return StatePage(
        tongue.say("This order was not completed"), not_charged(tongue), actions=offered(ahead),
        facts_heading=tongue.say("Your order"), facts=_number(scene, order),
    )  # fmt: skip
