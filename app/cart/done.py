"""The confirmation: what was charged, what has changed, what comes next, and what was agreed to."""

from __future__ import annotations

from datetime import date, timedelta

from markupsafe import Markup

from app.cart import done_words, phrases, sums, words
from app.cart.card_choices import card_name
from app.cart.pen import Pen, code, email, isolated, joined, link, num, strong
from app.cart.state_page import Action, Fact, StatePage, offered, product
from app.cart.summary import Summary
from app.cart.views import OrderView, ProofView, Scene
from app.charging.remains import Returned
from app.web.i18n import local_day


def confirmation(scene: Scene, order: OrderView, *, check_url: str = "") -> tuple[StatePage, tuple[Markup, ...]]:
    """S-22, S-23 and S-24: the page and its list of next steps."""
    tongue, summary = scene.tongue, order.summary
    pen = Pen(tongue, order.currency, scene.merchant.timezone)
    headline = done_words.done_headline(tongue, summary)
    actions = offered(product(scene))
    if not order.applied:
        headline = tongue.say("Paid. We are switching it on")
        actions = offered(Action(tongue.say("Check again"), check_url, main=True), product(scene, main=False))
    page = StatePage(
        headline, _lead(pen, order), "ok", "ok", actions=actions, facts_heading=tongue.say("Your order"),
        facts=tuple(_facts(scene, pen, order)),
    )  # fmt: skip
    return page, tuple(_next_steps(scene, pen, order))


def _lead(pen: Pen, order: OrderView) -> Markup:
    tongue = pen.tongue
    mail = tongue.tell("A receipt is on its way to %(address)s.", address=email(order.email))
    if not order.applied:
        mail = tongue.tell(
            "You need not pay again. Your receipt goes to %(address)s as soon as the change is made.",
            address=email(order.email),
        )
    elif not order.amount:
        mail = tongue.tell("A confirmation is on its way to %(address)s.", address=email(order.email))
    if not order.amount:
        charged = tongue.tell("Nothing was due, so nothing was charged.")
    elif order.card is None:
        charged = tongue.tell("We charged %(amount)s.", amount=pen.strong(order.amount))
    else:
        charged = tongue.tell(
            "We charged %(amount)s to your %(card)s.",
            amount=pen.strong(order.amount),
            card=card_name(tongue, order.card),
        )
    return joined(charged, *_went_back(pen, order), mail)


def _went_back(pen: Pen, order: OrderView) -> list[Markup]:
    """One sentence for all that arrived, for all that is on its way, and for what did not arrive."""
    tongue, told = pen.tongue, list[Markup]()
    if amount := sum(each.amount for each in order.returned if not each.stays and each.at is not None):
        told.append(tongue.tell("%(amount)s of it was given back to you.", amount=pen.strong(amount)))
    if amount := sum(each.amount for each in order.returned if not each.stays and each.at is None):
        told.append(tongue.tell("%(amount)s of it is on its way back to you.", amount=pen.strong(amount)))
    if amount := sum(each.amount for each in order.returned if each.stays == "asked"):
        told.append(
            tongue.tell("%(amount)s of it was to go back to you. We are looking into it.", amount=pen.strong(amount))
        )
    if amount := sum(each.amount for each in order.returned if each.stays == "balance"):
        told.append(tongue.tell("%(amount)s of it stands on your balance.", amount=pen.strong(amount)))
    return told


def _facts(scene: Scene, pen: Pen, order: OrderView) -> list[Fact]:
    tongue, summary = scene.tongue, order.summary
    facts = [Fact(tongue.say("Order number"), code(order.number))]
    if order.amount:
        facts.append(_paid(scene, pen, order))
    if order.returned:
        facts.append(Fact(tongue.say("Given back"), Markup("<br>").join(_return(pen, each) for each in order.returned)))
    facts += _adjustments(pen, order)
    facts.append(
        Fact(
            tongue.say("What changed"), done_words.done_line(tongue, summary, applied=order.applied), _held(pen, order)
        )
    )
    facts.append(_renewal(pen, summary, tongue.say("Next billing date")))
    facts += [_renewal(pen, each, tongue.say("Also renews")) for each in summary.later_renewals]
    if order.consent_texts:
        quoted = Markup("<br>").join(tongue.tell("“%(text)s”", text=text) for text in order.consent_texts)
        facts.append(Fact(tongue.say("You agreed to"), quoted))
    if order.proof is not None:
        facts.append(Fact(tongue.say("You showed that it is you"), _proved(pen, order.proof)))
    return facts


def _proved(pen: Pen, proof: ProofView) -> Markup:
    values = {"date": pen.day_of(proof.at), "time": pen.clock(proof.at)}
    if proof.way == "card":
        return pen.tongue.tell("You entered the card again on %(date)s at %(time)s.", **values)
    return pen.tongue.tell(
        "You entered the code that we emailed to %(address)s, on %(date)s at %(time)s.",
        address=email(proof.email),
        **values,
    )


def _paid(scene: Scene, pen: Pen, order: OrderView) -> Fact:
    tongue = scene.tongue
    amount = strong(num(f"{pen.plain(order.amount)} {pen.code}".rstrip()))
    when: Markup = amount
    if order.paid_at is not None:
        when = tongue.tell(
            "%(amount)s on %(date)s at %(time)s",
            amount=amount,
            date=pen.day_of(order.paid_at),
            time=pen.clock(order.paid_at),
        )
    told: list[Markup] = []
    if scene.merchant.statement_name:
        told.append(
            tongue.tell("Your card statement will show %(name)s.", name=isolated(scene.merchant.statement_name))
        )
    if order.summary.tax_included:
        told.append(tongue.tell("Includes %(tax)s VAT.", tax=pen.money(order.tax)))
    else:
        told.append(tongue.tell("Sales tax: %(tax)s.", tax=pen.money(order.tax)))
    return Fact(tongue.say("Paid"), when, Markup(" ").join(told))


def _return(pen: Pen, back: Returned) -> Markup:
    if back.stays == "asked":
        return pen.tongue.tell("%(amount)s, being looked into", amount=pen.money(back.amount))
    if back.stays:
        return pen.tongue.tell("%(amount)s, on your balance", amount=pen.money(back.amount))
    if back.at is None:
        return pen.tongue.tell("%(amount)s, on its way back to you", amount=pen.money(back.amount))
    return pen.tongue.tell("%(amount)s on %(date)s", amount=pen.money(back.amount), date=pen.day_of(back.at))


def _adjustments(pen: Pen, order: OrderView) -> list[Fact]:
    """What was taken from the balance or added to it, let off or put off: as the cart told it before."""
    tongue, quote = pen.tongue, order.quote
    if quote is None:
        return []
    facts: list[Fact] = []
    if quote.balance_used:
        facts.append(Fact(tongue.say("Your balance"), pen.money(quote.balance_used)))
    if quote.waived:
        why = tongue.say("The seller does not collect amounts this small")
        facts.append(Fact(tongue.say("Too small to charge"), pen.money(quote.waived), why))
    if quote.deferred:
        why = tongue.say("Too small to charge by itself, so it is collected together with the renewal")
        facts.append(Fact(tongue.say("Moved to your next renewal"), pen.money(quote.deferred), why))
    if quote.refunded:
        back = phrases.given_back(pen, quote.refunded, order.summary.back)
        facts.append(Fact(tongue.say("Given back"), back, phrases.back_by(tongue)))
    if quote.credited:
        credit = tongue.tell("Credit of %(amount)s, taken off your next renewal", amount=pen.strong(quote.credited))
        facts.append(Fact(tongue.say("Your balance"), credit))
    elif quote.unbounded_total < 0 and not quote.refunded:
        facts.append(Fact(tongue.say("Unused credit, not paid out"), pen.money(-quote.unbounded_total)))
    return facts


def _held(pen: Pen, order: OrderView) -> Markup:
    summary = order.summary
    values = {"reference": isolated(order.subscription_reference), "plan": summary.product_after}
    if summary.paid_through is None:
        return pen.tongue.tell("Subscription %(reference)s, %(plan)s", **values)
    if summary.trial:
        return pen.tongue.tell(
            "Subscription %(reference)s, %(plan)s, on trial through %(date)s",
            **values,
            date=pen.day(summary.paid_through),
        )
    return pen.tongue.tell(
        "Subscription %(reference)s, %(plan)s, paid through %(date)s", **values, date=pen.day(summary.paid_through)
    )


def _renewal(pen: Pen, summary: Summary, label: str) -> Fact:
    tongue = pen.tongue
    if summary.next_after is None or summary.renewal is None:
        return Fact(label, tongue.say("No renewal"))
    values = {"amount": pen.strong(summary.renewal)}
    if summary.interval() is None or summary.discounted_renewals:
        # A price that ends names its interval itself, as on the cart: ``$60.00 a year for 2 renewals, then $80.00 a year``.
        values = {"amount": phrases.renewal_price(pen, summary)}
        if summary.tax_included:
            after = tongue.tell("%(amount)s, tax included, until you cancel", **values)
        else:
            after = tongue.tell("%(amount)s plus any tax, until you cancel", **values)
    elif summary.tax_included:
        after = tongue.tell(
            "%(amount)s, tax included, then %(every)s until you cancel", **values, every=_every(pen, summary)
        )
    else:
        after = tongue.tell(
            "%(amount)s plus any tax, then %(every)s until you cancel", **values, every=_every(pen, summary)
        )
    rows = [
        tongue.tell("%(label)s %(amount)s", label=_row(pen, summary, at), amount=pen.money(row.amount))
        for at, row in enumerate(summary.rows)
    ]
    note = Markup(", ").join(rows) if len(rows) > 1 else ""
    return Fact(label, Markup("%s<br>%s") % (pen.strong_day(summary.next_after), after), note)


def _row(pen: Pen, summary: Summary, at: int) -> str:
    """``First seat``, then ``second seat``: one sentence, one capital. A product's name stays as it is written."""
    row = summary.rows[at]
    label = sums.row_label(pen.tongue, summary, row)
    return label[:1].lower() + label[1:] if at and row.first and summary.by_position else label


def _every(pen: Pen, summary: Summary) -> str:
    interval = summary.interval()
    return words.every(pen.tongue, interval) if interval else ""


def _next_steps(scene: Scene, pen: Pen, order: OrderView) -> list[Markup]:
    tongue, merchant, summary = scene.tongue, scene.merchant, order.summary
    steps: list[Markup] = []
    own = merchant.next_step.get(tongue.language) or merchant.next_step.get("en")
    if own and order.applied:
        steps.append(Markup("%s") % own)
    reminder = _reminder(scene, order)
    if reminder is not None and summary.next_after is not None:
        steps.append(
            tongue.tells(
                "We email you a reminder on %(date)s, %(count)s day before the renewal.",
                "We email you a reminder on %(date)s, %(count)s days before the renewal.",
                (summary.next_after - reminder).days, date=pen.day(reminder),
            )
        )  # fmt: skip
    if summary.next_after is not None:
        cancel = joined(tongue.say("cancel in your account"))
        if merchant.account_url:
            cancel = link(merchant.account_url, cancel)
        steps.append(
            tongue.tell(
                "To stop renewals, %(cancel)s before %(date)s.", cancel=cancel, date=pen.day(summary.next_after)
            )
        )
    if merchant.help_email:
        help_link = link(f"mailto:{merchant.help_email}", merchant.help_email)
        steps.append(
            tongue.tell("Changed your mind? Write to %(address)s and quote your order number.", address=help_link)
        )
    return steps


def _reminder(scene: Scene, order: OrderView) -> date | None:
    """The reminder's day, where the merchant sends one and it is still to come."""
    days, renews = scene.merchant.reminder_days, order.summary.next_after
    if not days or renews is None or order.paid_at is None:
        return None
    day = renews - timedelta(days=days)
    return day if day > local_day(order.paid_at, scene.merchant.timezone) else None
