"""A page that is not the cart: one fact as the heading, what it means for the money, one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from markupsafe import Markup

from app.cart.pen import code
from app.cart.views import Scene
from app.web.i18n import Tongue


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


def maybe_charged(tongue: Tongue) -> Markup:
    """Where nobody looked, or nothing may be told: it names no purchase, and says where one would be read of."""
    return tongue.tell("If you have pressed “Buy now” before, your confirmation page or our mail says what happened.")


def money_told(tongue: Tongue, *, is_uncharged: bool) -> Markup:
    return not_charged(tongue) if is_uncharged else maybe_charged(tongue)


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
