"""Mints a story's link and does to it what the story asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from app.accounts.keys import retire_key, rotate_key
from app.accounts.merchants import book_of
from app.billing.facts import Change
from app.checkout.by_hand import Asked, change_by_hand
from app.checkout.press import Tools
from app.cli.commands.common import ACTOR
from app.cli.commands.demo_buy import buy
from app.cli.commands.demo_load import person_for
from app.cli.commands.demo_story import WEEK, Story, Told
from app.kit.clock import Clock, StoppedClock
from app.kit.money import format_minor
from app.links.claims import Offer, SavedOffer, WrittenOffer
from app.offers.issue import Issued, OfferRefused, Terms, issue
from app.offers.revoke import revoke
from app.offers.saved import list_offers, save_offer
from app.subscriptions.choices import NO_CHOICES, Choices, QuantityRange
from app.subscriptions.offered import written_change

if TYPE_CHECKING:
    from app.wiring import Adapters

SOURCE = "demo"


def tell(adapters: Adapters, story: Story, people: Mapping[str, Any]) -> Told:
    """The story with its link, ready to be printed."""
    with adapters.store.read() as connection:
        book_id = book_of(connection, story.merchant, story.mode)
    untouched = story.then in ("", "buy", "schedule")
    person = person_for(adapters, story.merchant, story.mode, story.person, people, untouched=untouched)
    if story.then == "retire":  # a key of its own: the other links of this book stay good
        _rotate(adapters, book_id)
    terms = Terms(person.number, _offer(adapters, book_id, story), WEEK, ip=story.ip)
    try:
        made = _issue(adapters, book_id, terms, _clock(adapters, story))
    except OfferRefused as error:
        if story.then != "refuse":
            raise
        return Told(story.code, story.title, story.shows, f"refused: {error.code}: {error.message}", "", False)
    url = _then(adapters, story, book_id, made)
    priced = "" if story.then or story.ip else figures(made)  # a link that opens no cart shows no price
    return Told(story.code, story.title, story.shows, priced, url, person.fresh)


def _offer(adapters: Adapters, book_id: int, story: Story) -> Offer:
    """Written out in the link; one with a choice or too long for it is saved, once for all runs of the demo."""
    if story.choose is None and isinstance(story.offer, WrittenOffer):
        return story.offer
    kept = (each for each in list_offers(adapters.store, book_id) if each.name == story.title and each.active)
    known = next(kept, None)
    if known is not None:
        return SavedOffer(known.number)
    change, *more = (written_change(story.offer),) if isinstance(story.offer, WrittenOffer) else story.offer
    number = save_offer(
        adapters.store, adapters.clock, book_id, name=story.title, change=change, more=more, ends_at=None,
        choices=Choices(QuantityRange(*story.choose)) if story.choose else NO_CHOICES,
    )  # fmt: skip
    return SavedOffer(number)


def _clock(adapters: Adapters, story: Story) -> Clock:
    """An expired link was made nine days ago for a week; all others are made now."""
    if story.then != "expire":
        return adapters.clock
    return StoppedClock(adapters.clock.now() - timedelta(days=9))


def _issue(adapters: Adapters, book_id: int, terms: Terms, clock: Clock) -> Issued:
    key = adapters.directory.key_ring().signing_key(book_id)
    return issue(
        adapters.store, clock, key, terms, base_url=adapters.settings.public_url, actor=ACTOR, source=SOURCE
    )  # fmt: skip


def _then(adapters: Adapters, story: Story, book_id: int, made: Issued) -> str:
    store, clock = adapters.store, adapters.clock
    if story.then == "revoke":
        revoke(store, clock, book_id, "link", made.link_id.text, reason="a newer offer was made", actor=ACTOR)
    elif story.then == "retire":
        _rotate(adapters, book_id)
        retire_key(store, clock, book_id, made.url.rpartition("/")[2].partition(".")[0])
    elif story.then == "buy":
        buy(adapters, made.url)
    elif story.then == "schedule":
        _schedule(adapters, made)
    elif story.then == "cut":
        return made.url[:-12]
    return made.url


def _schedule(adapters: Adapters, made: Issued) -> None:
    """One unit less from the next billing date on, as the merchant would enter it."""
    item = made.held.facts.items[0]
    fewer = Change(item.running_number, quantity=item.quantity - 1, effective="next_billing")
    tools = Tools(adapters.store, adapters.gateways, adapters.clock, adapters.bell, adapters.randomness)
    change_by_hand(tools, made.held, Asked((fewer,), ACTOR, "en"))


def _rotate(adapters: Adapters, book_id: int) -> None:
    rotate_key(adapters.store, adapters.clock, adapters.masters, adapters.randomness, book_id, actor=ACTOR)
    adapters.directory.forget()


def figures(made: Issued) -> str:
    """What the cart will say, in one line: due today, next billing date, renewal, and each renewal on a later date."""
    quote = made.quote

    def amount(minor: int) -> str:
        return f"{format_minor(minor, quote.currency)} {quote.currency}"

    told = [f"{amount(quote.due_now)} due today"]
    for minor, what in ((quote.credited, "credited"), (quote.waived, "let off"), (quote.deferred, "put off")):
        if minor:
            told.append(f"{amount(minor)} {what}")
    if quote.next_billing_date is None:
        told.append("no renewal")
    else:
        told += [f"next billing {_day(quote.next_billing_date)}", f"renewal {amount(quote.renewal.amount)}"]
    told += [f"and on {_day(one.date)}, renewal {amount(one.amount)}" for one in quote.later if one.date]
    return ", ".join(told)


def _day(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
