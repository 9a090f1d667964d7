"""The decision card: cards, amounts, consent and the one button."""

from __future__ import annotations

from markupsafe import Markup

from app.cart import phrases, words
from app.cart.card_choices import card_choices, card_id
from app.cart.consent_boxes import boxes_of
from app.cart.page_model import CheckFirst, FieldError, Notice, Panel, PriceRow
from app.cart.pen import Pen, email, pen_for
from app.cart.summary import Summary
from app.cart.views import CartFacts, DeclineView, Scene
from app.web.frame import keep_language
from app.web.i18n import Tongue


def panel(
    scene: Scene, facts: CartFacts, summary: Summary, *, errors: tuple[FieldError, ...] = (), decline: DeclineView | None = None,
) -> Panel:  # fmt: skip
    """The decision card for that quote: cards, amounts, consent and the one button."""
    tongue, urls = scene.tongue, facts.urls
    pen = pen_for(scene, facts.quote.currency)
    asks_card = facts.quote.due_now > 0
    pays = summary.rises
    none_usable = asks_card and not any(card.usable for card in facts.cards)
    shown = facts.cards if asks_card else ()
    wrong = {error.field: error.text for error in errors}
    first = next((card_id(at) for at, card in enumerate(facts.cards) if card.usable), "cards")
    button = words.button_label(tongue.language, pays=pays)
    then, then_price = _then(pen, summary)
    return Panel(
        action=keep_language(urls.buy, scene.tongue),
        form_token=facts.form_token,
        language=tongue.language,
        quote_id=facts.quote_id,
        legend=tongue.say("Pay with another card") if decline else tongue.say("Pay with"),
        cards=card_choices(tongue, facts, summary.next_after) if shown else (),
        card_error=wrong.get(first, ""),
        card_url=keep_language(urls.card, scene.tongue),
        card_notice=_card_notice(tongue, facts) if none_usable else None,
        add_card_only=none_usable,
        asks_card=asks_card,
        due=pen.plain(facts.quote.due_now),
        currency=pen.code,
        then=then,
        then_price=then_price,
        later=(*_later(pen, summary), *_further(pen, summary)),
        boxes=boxes_of(scene, facts, summary, pen, urls, wrong) if pays else (),
        button=button,
        busy=tongue.say("Processing"),
        disabled=scene.mode == "preview",
        note=_note(tongue, summary, button),
        no_thanks_url=keep_language(urls.no_thanks, scene.tongue),
        no_thanks=phrases.no_thanks(tongue, summary),
        check=_check_first(tongue, facts),
    )


def _check_first(tongue: Tongue, facts: CartFacts) -> CheckFirst | None:
    check = facts.check
    if check is None:
        return None
    address = email(facts.subscription.email)
    if not check.action:
        text = tongue.tell(
            "The seller asks for the card details again before this is bought. The card is not charged before you agree to the payment."
        )
    elif check.takes_card:
        text = tongue.tell(
            "We email a code of six digits to %(email)s, or you enter the card details again. Nothing is charged by that.",
            email=address,
        )
    else:
        text = tongue.tell("We email a code of six digits to %(email)s. Nothing is charged by that.", email=address)
    action = keep_language(check.action, tongue) if check.action else ""
    notice = Notice("info", tongue.say("First, show that it is you"), text)
    return CheckFirst(notice, action, check.form_token, check.takes_card)


def _note(tongue: Tongue, summary: Summary, button: str) -> str:
    """What the press does to the money, and what it does not."""
    if summary.due:
        return tongue.say("Nothing is charged until you press %(button)s.", button=button)
    renews = summary.rises or summary.next_after is not None
    return tongue.say("Nothing is charged today.") if renews else tongue.say("Nothing is charged.")


def _then(pen: Pen, summary: Summary) -> tuple[Markup | str, Markup | str]:
    if summary.next_after is None or summary.renewal is None:
        return pen.tongue.say("After that"), pen.tongue.say("No renewal")
    label = pen.tongue.tell("Then from %(date)s", date=pen.short_day(summary.next_after))
    return label, pen.price(summary.renewal, summary.interval())


def _later(pen: Pen, summary: Summary) -> tuple[PriceRow, ...]:
    if not summary.discounted_renewals:
        return ()
    label = pen.tongue.says("After %(count)s renewal", "After %(count)s renewals", summary.discounted_renewals)
    return ((label, phrases.later_price(pen, summary)),)


def _further(pen: Pen, summary: Summary) -> list[PriceRow]:
    """What renews on other days than the earliest next date, each with what it costs once a discount has ended."""
    rows: list[PriceRow] = []
    for each in summary.later_renewals:
        if each.next_after is not None:
            label = pen.tongue.tell("And from %(date)s", date=pen.short_day(each.next_after))
            rows += [(label, _then(pen, each)[1]), *_later(pen, each)]
    return rows


def _card_notice(tongue: Tongue, facts: CartFacts) -> Notice:
    if facts.email_changed:
        heading = tongue.say("You changed the email, so enter the payment details again")
        return Notice("warn", heading, tongue.say("Saved cards belong to the email they were saved under."))
    if not facts.cards:
        heading = tongue.say("There is no saved card for this subscription")
    else:
        heading = tongue.say("None of your saved cards can be used")
    return Notice(
        "warn", heading, tongue.say("Add a card to go on. It is not charged before you agree to the payment.")
    )
