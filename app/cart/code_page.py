"""S-37: the code of a step-up in every state: to be asked for, sent, wrong, over, no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from markupsafe import Markup

from app.cart.page_model import Notice
from app.cart.pen import Pen, email, joined
from app.cart.state_page import not_charged
from app.cart.views import CodeView, Scene
from app.web.frame import keep_language
from app.web.i18n import Tongue


class CodePage(NamedTuple):
    """``asks``: there is a field for a code. ``send`` and ``card`` are empty where that way is closed."""

    headline: str
    lead: Markup
    asks: bool
    form_token: str
    check: str
    send: str
    send_label: str
    card: str
    back: str
    error: str = ""
    notice: Notice | None = None


def code_page(scene: Scene, view: CodeView) -> CodePage:
    """What the page says, and which ways on it offers."""
    tongue, asks = scene.tongue, view.state == "sent"
    again = tongue.say("Email me another code")
    return CodePage(
        _headline(tongue, view.state),
        _lead(scene, view),
        asks,
        view.form_token,
        keep_language(view.check, tongue),
        keep_language(view.send, tongue) if view.more else "",
        tongue.say("Email me a code") if view.state == "none" else again,
        view.card and keep_language(view.card, tongue),
        keep_language(view.back, tongue),
        _wrong(tongue, view) if asks and view.wrong else "",
        _notice(tongue, view),
    )


def _headline(tongue: Tongue, state: str) -> str:
    if state == "sent":
        return tongue.say("Enter the code from the mail")
    if state == "over":
        return tongue.say("This code is over")
    if state == "stopped":
        return tongue.say("No more codes for now")
    return tongue.say("First, show that it is you")


def _lead(scene: Scene, view: CodeView) -> Markup:
    tongue, address = scene.tongue, email(view.email)
    if view.state == "sent":
        told = tongue.tell(
            "We sent six digits to %(email)s, the address on your subscription. They work for 10 minutes, on this page only.",
            email=address,
        )
    elif view.state == "over":
        told = tongue.tell(
            "A code works for 10 minutes and may be entered 5 times. We email another one to %(email)s.", email=address
        )
    elif view.state == "stopped":
        told = _stopped(scene, view.again, address)
    else:
        told = tongue.tell("We email a code of six digits to %(email)s. Nothing is charged by that.", email=address)
    return joined(told, not_charged(tongue))


def _stopped(scene: Scene, again: datetime | None, address: Markup) -> Markup:
    """Three codes a cart, ten a day: the first ends with this cart, the second with the day."""
    tongue = scene.tongue
    if again is None:
        return tongue.tell(
            "One cart sends 3 codes, and all of them were sent to %(email)s. Open the link from the mail again to get another one.",
            email=address,
        )
    pen = Pen(tongue, "", scene.merchant.timezone)
    shown = again + timedelta(minutes=1) if again.second or again.microsecond else again  # its seconds are not shown
    return tongue.tell(
        "As many codes as we send in a day were sent to %(email)s. Open the link from the mail again after %(time)s on %(date)s to get another one.",
        email=address, time=pen.clock(shown), date=pen.day_of(shown),
    )  # fmt: skip


def _wrong(tongue: Tongue, view: CodeView) -> str:
    return str(
        tongue.says(
            "This is not the code that we sent. It can be entered %(count)s more time.",
            "This is not the code that we sent. It can be entered %(count)s more times.", view.left,
        )
    )  # fmt: skip


def _notice(tongue: Tongue, view: CodeView) -> Notice | None:
    if not view.wrong or view.state not in {"over", "stopped"}:
        return None
    return Notice("warn", tongue.say("That code was not taken. You have not been charged."), "")
