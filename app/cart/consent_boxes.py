"""The boxes to tick: what each says of this cart, and what stands below it."""

from __future__ import annotations

from markupsafe import Markup

from app.cart import phrases, words
from app.cart.agreement import Agreement, Back, Terms, agreement, start_now
from app.cart.page_model import Box
from app.cart.pen import Pen, link, pen_for, words_of_card
from app.cart.summary import Summary
from app.cart.views import CartFacts, CartUrls, Scene, summary_of


def terms_of(pen: Pen, summary: Summary) -> Terms:
    """What the payment box says, as text and as mark-up."""
    tongue = pen.tongue
    due = (pen.plain(summary.due), pen.money(summary.due)) if summary.due else None
    if summary.renewal is None or summary.next_after is None:
        return Terms(due)
    interval = summary.interval()
    every = words.every(tongue, interval) if interval else tongue.say("at each renewal")
    return Terms(
        due,
        (pen.plain(summary.renewal), pen.money(summary.renewal)),
        (every, every),
        (tongue.day(summary.next_after), pen.day(summary.next_after)),
        summary.tax_included,
        *_later(pen, summary),
        (pen.plain(summary.deferred), pen.money(summary.deferred)) if summary.deferred else None,
        tuple(terms_of(pen, each) for each in summary.later_renewals),
        back=_back(pen, summary),
    )


def _back(pen: Pen, summary: Summary) -> tuple[Back, ...]:
    if summary.back:
        return tuple(Back(_both(pen, one.amount), _named(pen, one.brand, one.last4)) for one in summary.back)
    return (Back(_both(pen, summary.refunded), None),) if summary.refunded else ()


def _both(pen: Pen, amount: int) -> tuple[str, Markup]:
    return pen.plain(amount), pen.money(amount)


def _named(pen: Pen, brand: str, last4: str) -> tuple[str, Markup]:
    shown = words_of_card(pen.tongue, brand, last4)
    return shown.striptags(), shown


def _later(pen: Pen, summary: Summary) -> tuple[tuple[str, str] | None, tuple[str, str | Markup]]:
    """For how many renewals a discount lasts, and what they cost then."""
    tongue, count = pen.tongue, summary.discounted_renewals
    if not count:
        return None, ("", "")
    times = tongue.says("%(count)s renewal", "%(count)s renewals", count)
    said, shown = pen.plain(summary.renewal_later), pen.money(summary.renewal_later)
    if not summary.ends_apart:
        return (times, times), (said, shown)
    return (times, times), (tongue.say("up to %(price)s", price=said), tongue.tell("up to %(price)s", price=shown))


def agreements(scene: Scene, facts: CartFacts, summary: Summary | None = None) -> tuple[Agreement, ...]:
    """Every box of this cart, to be stored to the letter when the press comes. Empty when nothing has to be agreed to.

    ``summary`` is that of the same facts, for whoever has made it already.
    """
    summary = summary or summary_of(facts)
    if not summary.rises:
        return ()
    language = scene.tongue.language
    pen = pen_for(scene, facts.quote.currency)
    pays = next((card for card in facts.cards if card.default and card.usable), None)
    terms = terms_of(pen, summary)._replace(card=pays and _named(pen, pays.brand, pays.last4))
    first = agreement(language, terms)
    return (first, start_now(language)) if facts.withdrawal else (first,)


def boxes_of(
    scene: Scene, facts: CartFacts, summary: Summary, pen: Pen, urls: CartUrls, wrong: dict[str, str]
) -> tuple[Box, ...]:
    hint = _cancel_hint(scene, summary, pen)
    boxes: list[Box] = []
    for name, agreed in zip(("agree", "start"), agreements(scene, facts, summary), strict=False):
        boxes.append(Box(name, agreed, wrong.get(name, ""), hint if name == "agree" else ""))
    return tuple(boxes)


def _cancel_hint(scene: Scene, summary: Summary, pen: Pen) -> Markup:
    tongue, merchant, links = scene.tongue, scene.merchant, scene.frame().own
    said: list[Markup] = []
    if summary.next_after is not None:
        where = tongue.say("in your account")
        said.append(
            tongue.tell(
                "Cancel any time before %(date)s %(account)s; %(keeps)s.", date=pen.day(summary.next_after),
                account=link(merchant.account_url, where) if merchant.account_url else where,
                keeps=phrases.keeps_until(tongue, summary),
            )
        )  # fmt: skip
    terms = link(links["terms"], tongue.say("Terms of sale")) if "terms" in links else None
    refunds = link(links["refunds"], tongue.say("refunds")) if "refunds" in links else None
    if terms and refunds:
        said.append(tongue.tell("%(terms)s and %(refunds)s.", terms=terms, refunds=refunds))
    elif terms:
        said.append(tongue.tell("%(terms)s.", terms=terms))
    return Markup(" ").join(said)
