"""What a change is called, in the shopper's nouns: the heading, the first paragraph, the way out, what has become of it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from app.billing.facts import Interval
from app.cart import naming, words
from app.cart.pen import Pen, joined, strong, words_of_card
from app.cart.summary import CardBack, Summary
from app.cart.words import UnitWords
from app.web.i18n import Tongue


def unit_of(tongue: Tongue, summary: Summary) -> UnitWords:
    return words.unit_words(summary.unit, tongue.language)


def headline(tongue: Tongue, summary: Summary) -> str:
    """``Add a second seat``: a fact in the shopper's words."""
    unit = unit_of(tongue, summary)
    if summary.kind == "more":
        added = summary.quantity_after - summary.quantity_before
        thing = words.a_nth(tongue, unit, summary.quantity_after) if added == 1 else words.counted(tongue, unit, added)
        return tongue.say("Add %(thing)s", thing=thing)
    if summary.kind == "fewer":
        gone = summary.quantity_before - summary.quantity_after
        return tongue.say("Remove %(thing)s", thing=words.spelled(tongue, unit, gone))
    if summary.kind == "extras":
        return naming.extras_headline(tongue, summary)
    if summary.kind in {"item", "fewer_items"} and summary.items:
        return naming.item_headline(tongue, summary.items[0])
    if summary.kind == "product":
        return tongue.say("Change to %(plan)s", plan=summary.product_after)
    if summary.kind == "renewal":
        return tongue.say("Renew early")
    if summary.kind == "interval":
        return _interval_headline(tongue, summary)
    if summary.kind == "date":
        return tongue.say("Move your next billing date")
    return tongue.say("Change your subscription")


def _interval_headline(tongue: Tongue, summary: Summary) -> str:
    if summary.interval_after == "1year":
        return tongue.say("Change to yearly billing")
    if summary.interval_after == "1month":
        return tongue.say("Change to monthly billing")
    return tongue.say("Change how often you are billed")


def title(tongue: Tongue, summary: Summary, due: str) -> str:
    """``Add a second seat for $5.00 today``."""
    if summary.due:
        return tongue.say("%(headline)s for %(due)s today", headline=headline(tongue, summary), due=due)
    return tongue.say("%(headline)s, nothing due today", headline=headline(tongue, summary))


def offer_name(tongue: Tongue, summary: Summary) -> str:
    if summary.kind in {"more", "fewer"}:
        return tongue.say("%(unit)s offer", unit=words.capital(unit_of(tongue, summary).one))
    if summary.kind == "product":
        return tongue.say("Plan offer")
    if summary.kind in {"extras", "item", "fewer_items"}:
        return tongue.say("Add-on offer")
    if summary.kind == "renewal":
        return tongue.say("Renewal offer")
    return tongue.say("Offer")


def eyebrow(tongue: Tongue, summary: Summary, until: Markup | None) -> Markup:
    """``Seat offer, open until July 8, 2026``."""
    name = offer_name(tongue, summary)
    if until is None:
        return escape(name)
    return tongue.tell("%(offer)s, open until %(date)s", offer=name, date=until)


def lead(pen: Pen, summary: Summary) -> Markup:
    """The three facts, in one paragraph: due today, next billing date, renewal; with what renews on other days."""
    if summary.effective_on is None:
        return joined(_today(pen, summary), _later(pen, summary), *further(pen, summary))
    own = summary.own_renewal
    others = [each for each in (summary, *summary.later_renewals) if each != own]
    return joined(_today(pen, summary), _later(pen, own), *_in_addition(pen, others))


def given_back(pen: Pen, amount: int, back: Sequence[CardBack]) -> Markup:
    """A sentence for each card that money goes back to; ``amount`` alone where the cards are not known."""
    tongue = pen.tongue
    if not back:
        return tongue.tell("We give back %(amount)s to the card that you paid with.", amount=pen.strong(amount))
    return joined(*(
        tongue.tell(
            "We give back %(amount)s to your %(card)s.", amount=pen.strong(one.amount),
            card=words_of_card(tongue, one.brand, one.last4),
        )
        for one in back
    ))  # fmt: skip


def back_by(tongue: Tongue) -> str:
    """When money that goes back is there."""
    return tongue.say("It is sent at once; banks take up to ten days to show it.")


def further(pen: Pen, summary: Summary) -> list[Markup]:
    """A sentence for each further day and interval at which more renews than what the earliest next date brings."""
    return _in_addition(pen, summary.later_renewals)


def _in_addition(pen: Pen, renewals: Sequence[Summary]) -> list[Markup]:
    return [
        pen.tongue.tell(
            "In addition, %(price)s is due from %(date)s.", price=renewal_price(pen, each), date=pen.strong_day(day)
        )
        for each in renewals
        if (day := each.next_after)
    ]


def moves(summary: Summary) -> bool:
    """The next billing date becomes another one."""
    return summary.next_before is not None and summary.next_before != summary.next_after


def _today(pen: Pen, summary: Summary) -> Markup:
    tongue = pen.tongue
    if not summary.due:
        nothing = tongue.tell("<strong>Nothing is due today.</strong>")
        if summary.refunded:
            nothing = joined(nothing, given_back(pen, summary.refunded, summary.back), back_by(tongue))
        if summary.credited:
            credit = tongue.tell(
                "A credit of %(amount)s is taken off your next renewal.", amount=pen.strong(summary.credited)
            )
            return joined(nothing, credit)
        return nothing
    if summary.early:
        return tongue.tell(
            "Pay %(due)s today and renew early. The time that is left is kept.", due=pen.strong(summary.due)
        )
    if moves(summary):
        return tongue.tell("Pay %(due)s today.", due=pen.strong(summary.due))
    if summary.kind == "extras" and all(extra.kind == "once" for extra in summary.extras if extra.is_new):
        return tongue.tell("Pay %(due)s today, once.", due=pen.strong(summary.due))
    if summary.flat:
        return tongue.tell("Pay %(due)s today for this change.", due=pen.strong(summary.due))
    return tongue.tell(
        "Pay %(due)s today for the rest of %(period)s.", due=pen.strong(summary.due),
        period=this_period(tongue, summary.own_renewal.interval()),
    )  # fmt: skip


def _later(pen: Pen, summary: Summary) -> Markup:
    tongue = pen.tongue
    if summary.next_after is None or summary.renewal is None:
        if summary.paid_through is None:
            return tongue.tell("Your subscription does not renew.")
        return tongue.tell(
            "Your subscription does not renew and runs through %(date)s.", date=pen.strong_day(summary.paid_through)
        )
    price = renewal_price(pen, summary)
    date = pen.strong_day(summary.next_after)
    if summary.effective_on is not None:
        return tongue.tell(
            "Until %(day)s everything stays as it is. The change is made on that day, and your subscription then renews at %(price)s.",
            day=pen.strong_day(summary.effective_on), price=price,
        )  # fmt: skip
    if moves(summary) and summary.next_before:
        return tongue.tell(
            "Your next billing date moves from %(before)s to %(date)s; from then on your subscription renews at %(price)s.",
            before=pen.day(summary.next_before), date=date, price=price,
        )  # fmt: skip
    together = summary.kind in {"more", "fewer"} and len(summary.rows) > 1 and not summary.discounted_renewals
    if together and not any(row.option or row.item != summary.item for row in summary.rows):
        seats = words.all_of(tongue, unit_of(tongue, summary), summary.quantity_after)
        return tongue.tell("From %(date)s %(seats)s renew together at %(price)s.", date=date, seats=seats, price=price)
    return tongue.tell("From %(date)s your subscription renews at %(price)s.", date=date, price=price)


def renewal_price(pen: Pen, summary: Summary) -> Markup:
    """``$50.00 a year``; with a discount that ends, ``$40.00 a year for 2 renewals, then $50.00 a year``."""
    price = strong(pen.price(summary.renewal or 0, summary.interval()))
    if not summary.discounted_renewals:
        return price
    return pen.tongue.tells(
        "%(price)s for %(count)s renewal, then %(later)s", "%(price)s for %(count)s renewals, then %(later)s",
        summary.discounted_renewals, price=price, later=strong(later_price(pen, summary)),
    )  # fmt: skip


def later_price(pen: Pen, summary: Summary) -> Markup:
    """What renewals cost once the discounts have ended; ``up to`` that much where they end one after the other."""
    price = pen.price(summary.renewal_later, summary.interval())
    return pen.tongue.tell("up to %(price)s", price=price) if summary.ends_apart else price


def this_period(tongue: Tongue, interval: Interval | None) -> str:
    if interval is not None and interval.count == 1 and interval.unit == "year":
        return tongue.say("this billing year")
    if interval is not None and interval.count == 1 and interval.unit == "month":
        return tongue.say("this billing month")
    return tongue.say("this billing period")


def period_ends(pen: Pen, interval: Interval | None, day: Markup) -> Markup:
    """``Your billing year ends on December 31, 2026``."""
    if interval is not None and interval.count == 1 and interval.unit == "year":
        return pen.tongue.tell("Your billing year ends on %(date)s", date=day)
    if interval is not None and interval.count == 1 and interval.unit == "month":
        return pen.tongue.tell("Your billing month ends on %(date)s", date=day)
    return pen.tongue.tell("Your billing period ends on %(date)s", date=day)


def no_thanks(tongue: Tongue, summary: Summary) -> str:
    """``No thanks, keep one seat``."""
    if summary.kind in {"more", "fewer"}:
        kept = words.spelled(tongue, unit_of(tongue, summary), summary.quantity_before)
        return tongue.say("No thanks, keep %(thing)s", thing=kept)
    if summary.kind == "product":
        return tongue.say("No thanks, keep %(thing)s", thing=summary.product_before)
    return tongue.say("No thanks, keep my subscription as it is")


def keeps_until(tongue: Tongue, summary: Summary) -> str:
    """``you keep both seats until then``."""
    if summary.kind in {"more", "fewer"} and summary.effective_on is None:
        seats = words.all_of(tongue, unit_of(tongue, summary), summary.quantity_after)
        return tongue.say("you keep %(seats)s until then", seats=seats)
    return tongue.say("your subscription runs until then")
