"""After a press that the bank refused: what happened, that nothing was taken, what still holds, what one can do."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from app.cart import phrases
from app.cart.deeds import change_line
from app.cart.lines import share_span
from app.cart.page_model import Panel
from app.cart.panel import panel
from app.cart.pen import Pen, code, joined, link, pen_for, strong
from app.cart.state_page import Fact
from app.cart.summary import Summary
from app.cart.views import CartFacts, DeclineView, Scene, summary_of
from app.web.frame import keep_language
from app.web.i18n import Tongue


@dataclass(frozen=True, slots=True)
class DeclinedPage:
    title: str
    headline: str
    lead: Markup
    ways: tuple[Markup, ...]
    panel: Panel
    facts: tuple[Fact, ...]


def declined_page(scene: Scene, facts: CartFacts, decline: DeclineView) -> DeclinedPage:
    """S-9 and S-11, with the decision card on the same page."""
    summary = summary_of(facts)
    pen = pen_for(scene, facts.quote.currency)
    headline = _headline(scene.tongue, decline)
    return DeclinedPage(
        _title(scene.tongue, decline, headline),
        headline,
        _lead(scene, pen, facts),
        tuple(_ways(scene, pen, facts, decline)),
        panel(scene, facts, summary, decline=decline),
        tuple(_facts(scene, pen, facts, summary, decline)),
    )


def _headline(tongue: Tongue, decline: DeclineView) -> str:
    if decline.bank_check == "failed":
        return tongue.say("The bank check was not passed")
    if decline.bank_check == "left":
        return tongue.say("The bank check was not finished")
    if decline.text == "card_unusable":
        return tongue.say("This card can no longer be used")
    if decline.text == "bank_check":
        return tongue.say("Your bank wants to check it is you")
    return tongue.say("Your bank declined the payment")


def _title(tongue: Tongue, decline: DeclineView, headline: str) -> str:
    if decline.bank_check or decline.text in {"card_unusable", "bank_check"}:
        return tongue.say("%(headline)s, nothing was charged", headline=headline)
    return tongue.say("Payment declined, nothing was charged")


def _lead(scene: Scene, pen: Pen, facts: CartFacts) -> Markup:
    tongue, closes = scene.tongue, facts.offer.closes_at
    nothing = tongue.tell("<strong>You have not been charged</strong> and your subscription has not changed.")
    if closes is None:
        return nothing
    return joined(nothing, tongue.tell("The offer is still yours until %(date)s.", date=pen.day_of(closes)))


def _ways(scene: Scene, pen: Pen, facts: CartFacts, decline: DeclineView) -> list[Markup]:
    """What fits this reason, the likeliest first; nothing is said twice."""
    tongue = scene.tongue
    selected = any(card.usable and not card.declined_now for card in facts.cards)
    add = link(keep_language(facts.urls.card, tongue), tongue.say("Add or update a card"))
    if decline.text == "insufficient_funds":
        check = tongue.tell("<strong>Check the balance</strong> or use another card.")
        other = tongue.tell("Your other saved card is selected for you.") if selected else add
        return [joined(check, other), _ask_bank(pen, decline)]
    ways: list[Markup] = []
    if decline.text == "bank_check" or decline.bank_check:
        ways.append(tongue.tell("<strong>Try the same card again</strong> and finish the check on your bank’s page."))
    if selected:
        ways.append(tongue.tell("<strong>Pay with another card.</strong> Your other saved card is selected for you."))
    ways.append(
        tongue.tell(
            "<strong>Update your payment details,</strong> if your bank has replaced the card or it is no longer yours. %(link)s",
            link=add,
        )
    )
    return ways if decline.text == "card_unusable" else [*ways, _ask_bank(pen, decline)]


def _ask_bank(pen: Pen, decline: DeclineView) -> Markup:
    tongue = pen.tongue
    if decline.text == "insufficient_funds":
        ask = tongue.tell("<strong>Ask your bank,</strong> if the balance is high enough.")
    elif decline.text == "bank_check" or decline.bank_check:
        ask = tongue.tell("<strong>Ask your bank,</strong> if the check does not work.")
    else:
        ask = tongue.tell("<strong>Ask your bank.</strong> They did not tell us why.")
    given = {"time": pen.clock(decline.at), "date": pen.day_of(decline.at), "amount": pen.money(decline.amount)}
    told = tongue.tell("Give them the time, %(time)s on %(date)s, and the amount, %(amount)s.", **given)
    # A stolen card reads to the letter like any refusal, so this depends on the text and on what a person can see.
    if decline.retry == "yes" or (decline.text == "generic" and decline.retry != "never"):
        return joined(ask, told, tongue.tell("Then try the same card again."))
    return joined(ask, told)


def _facts(scene: Scene, pen: Pen, facts: CartFacts, summary: Summary, decline: DeclineView) -> list[Fact]:
    tongue = scene.tongue
    told = [Fact(tongue.say("Change"), change_line(tongue, summary))]
    span = share_span(tongue, facts.quote)
    due = pen.strong(summary.due)
    tax = pen.money(facts.quote.tax)
    detail = (
        tongue.tell("for %(span)s, tax %(tax)s", span=span, tax=tax) if span else tongue.tell("tax %(tax)s", tax=tax)
    )
    told.append(Fact(tongue.say("Due today"), Markup('%s <span class="quiet small">%s</span>') % (due, detail)))
    if summary.next_after is not None and summary.renewal is not None:
        price = strong(pen.price(summary.renewal, summary.interval()))
        value = tongue.tell("%(date)s, %(price)s", date=pen.day(summary.next_after), price=price)
        told.append(Fact(tongue.say("Next billing date"), value))
    for each in summary.later_renewals:
        if each.next_after is not None:
            price = phrases.renewal_price(pen, each)
            value = tongue.tell("%(date)s, %(price)s", date=pen.day(each.next_after), price=price)
            told.append(Fact(tongue.say("Also renews"), value))
    told.append(Fact(tongue.say("If you contact us"), tongue.tell("Quote %(code)s", code=code(decline.reference))))
    return told
