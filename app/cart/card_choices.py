"""The stored cards as radio buttons: which is chosen, which cannot be used and why."""

from __future__ import annotations

from datetime import date

from markupsafe import Markup

from app.cart.page_model import CardChoice
from app.cart.pen import num, words_of_card
from app.cart.views import CardView, CartFacts
from app.web.i18n import Tongue


def card_id(at: int) -> str:
    return f"c{at + 1}"


def chosen_card(facts: CartFacts) -> str | None:
    """The ref that is selected when the page opens: the one asked for, else the default, else the first usable."""
    usable = [card for card in facts.cards if card.usable]
    for card in usable:
        if card.ref == facts.selected:
            return card.ref
    fresh = [card for card in usable if not card.declined_now] or usable
    best = next((card for card in fresh if card.default), fresh[0] if fresh else None)
    return best.ref if best else None


def card_choices(tongue: Tongue, facts: CartFacts, next_date: date | None) -> tuple[CardChoice, ...]:
    chosen = chosen_card(facts)
    choices: list[CardChoice] = []
    for at, card in enumerate(facts.cards):
        tone, meta = _card_meta(tongue, card, next_date)
        choices.append(
            CardChoice(card_id(at), card.ref, card_name(tongue, card), meta, tone, not card.usable, card.ref == chosen)
        )
    return tuple(choices)


def card_name(tongue: Tongue, card: CardView) -> Markup:
    """``Visa ending 4242``."""
    return words_of_card(tongue, card.brand, card.last4)


def _card_meta(tongue: Tongue, card: CardView, next_date: date | None) -> tuple[str, Markup]:
    expiry = num(f"{card.exp_month:02d}/{card.exp_year}")
    if not card.usable:
        if card.reason == "expired":
            return "", tongue.tell("Expired %(expiry)s, cannot be used.", expiry=expiry)
        if card.declined_now:
            return "bad", tongue.tell("Declined just now, cannot be used again. Expires %(expiry)s.", expiry=expiry)
        if card.reason == "again":
            return "", tongue.tell("Enter it again to use it. Expires %(expiry)s.", expiry=expiry)
        return "", tongue.tell("Declined by the bank, cannot be used. Expires %(expiry)s.", expiry=expiry)
    if card.declined_now:
        return "bad", tongue.tell("Declined just now. Expires %(expiry)s.", expiry=expiry)
    if next_date is not None and (card.exp_year, card.exp_month) < (next_date.year, next_date.month):
        return "warn", tongue.tell("Expires %(expiry)s, before your next billing date.", expiry=expiry)
    if card.default:
        return "", tongue.tell("Expires %(expiry)s. Pays for this subscription.", expiry=expiry)
    return "", tongue.tell("Expires %(expiry)s.", expiry=expiry)
