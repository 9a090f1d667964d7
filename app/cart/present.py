"""The cart's page from plain facts. No query, no clock, no amount of its own."""

from __future__ import annotations

from markupsafe import Markup

from app.cart import changing, phrases, sums
from app.cart.card_choices import card_id
from app.cart.choice_form import choice_form, wrong_options, wrong_quantity
from app.cart.page_model import CartPage, FieldError, Notice
from app.cart.panel import panel
from app.cart.pen import Pen, email, isolated, joined, link, pen_for
from app.cart.state_page import maybe_charged
from app.cart.summary import Summary
from app.cart.views import CartFacts, PriceChange, Problems, Scene, summary_of
from app.cart.working import working
from app.web.frame import keep_language
from app.web.i18n import Tongue, local_day

NO_PROBLEMS = Problems()


def cart_page(scene: Scene, facts: CartFacts, problems: Problems = NO_PROBLEMS) -> CartPage:
    """The cart in every variant, with what stood in the way of the last press."""
    tongue, summary = scene.tongue, summary_of(facts)
    pen = pen_for(scene, facts.quote.currency)
    errors = field_errors(tongue, facts, summary, problems)
    title = phrases.title(tongue, summary, pen.plain(summary.due))
    if errors or problems.any_notice:
        title = tongue.say("Error: %(title)s", title=title)
    closes = facts.offer.closes_at
    renewals = [sums.renewal(pen, each) for each in (summary, *summary.later_renewals)]
    return CartPage(
        title,
        phrases.headline(tongue, summary),
        phrases.eyebrow(tongue, summary, pen.day_of(closes) if closes else None),
        phrases.lead(pen, summary),
        _who(scene, facts),
        changing.change_table(pen, summary),
        tuple(ledger for ledger in (sums.today(pen, facts, summary), *renewals) if ledger),
        working(pen, facts, summary),
        choice_form(scene, facts, summary, problems, errors),
        panel(scene, facts, summary, errors=errors),
        _best_dates(pen, facts),
        errors,
        _notices(pen, problems, summary),
    )


def _best_dates(pen: Pen, facts: CartFacts) -> tuple[Markup, ...]:
    """What the change costs when: told once, in figures, without a word of advice."""
    tongue, days, closes = pen.tongue, facts.best_dates, facts.offer.closes_at
    told: list[Markup] = []
    for at, (day, due) in enumerate(days):
        if at == 0:
            told.append(tongue.tell("today %(amount)s", amount=pen.money(due)))
        elif at == len(days) - 1 and day == facts.quote.next_billing_before:
            told.append(tongue.tell("at the renewal %(amount)s", amount=pen.money(due)))
        else:
            told.append(tongue.tell("on %(date)s %(amount)s", date=pen.day(day), amount=pen.money(due)))
    if told and closes is not None and local_day(closes, pen.timezone) < days[-1].day:
        told.append(tongue.tell("this offer is open until %(date)s", date=pen.day_of(closes)))
    return tuple(told)


def _who(scene: Scene, facts: CartFacts) -> Markup:
    tongue, held = scene.tongue, facts.subscription
    return tongue.tell(
        "Subscription %(reference)s, held by %(email)s. %(not_you)s", reference=isolated(held.reference),
        email=email(held.email), not_you=link(keep_language(facts.urls.not_you, scene.tongue), tongue.say("Not you?")),
    )  # fmt: skip


def field_errors(tongue: Tongue, facts: CartFacts, summary: Summary, problems: Problems) -> tuple[FieldError, ...]:
    """The list at the top of the page, in the page's order; each entry leads to its field."""
    found: list[FieldError] = []
    choice = facts.offer.quantity
    if problems.quantity_wrong and choice:
        found.append(FieldError("quantity", wrong_quantity(tongue, choice, problems.quantity_reason)))
    if problems.options_wrong and facts.offer.options:
        found.append(FieldError("options", wrong_options(tongue, problems.options_reason)))
    first = next((card_id(at) for at, card in enumerate(facts.cards) if card.usable), "cards")
    if problems.card_missing:
        found.append(FieldError(first, tongue.say("Choose a card to pay with")))
    if problems.card_unusable:
        found.append(FieldError(first, tongue.say("Choose another card; the one you chose cannot be used")))
    if problems.consent_missing:
        found.append(FieldError("agree", tongue.say("Tick the box to agree to the payment")))
    if problems.start_missing:
        found.append(FieldError("start", tongue.say("Tick the box to start now")))
    return tuple(found)


def _notices(pen: Pen, problems: Problems, summary: Summary) -> tuple[Notice, ...]:
    tongue, notices = pen.tongue, list[Notice]()
    if problems.price:
        heading = tongue.say("The price changed while this page was open")
        notices.append(Notice("warn", heading, _price_changed(pen, problems.price, summary.due)))
    if problems.quantity_gone:
        heading = tongue.say("That quantity is no longer offered. You have not been charged.")
        notices.append(
            Notice("warn", heading, tongue.say("This is the offer as it stands now. Please check it and agree again."))
        )
    if problems.options_gone:
        heading = tongue.say("These options are no longer offered. You have not been charged.")
        notices.append(
            Notice("warn", heading, tongue.say("This is the offer as it stands now. Please check it and agree again."))
        )
    if problems.page_too_old and problems.may_be_bought:
        stands = tongue.say("This is the offer as it stands now. Please check it and agree again.")
        notices.append(
            Notice("warn", tongue.say("This page was open for too long."), joined(maybe_charged(tongue), stands))
        )
    elif problems.page_too_old:
        notices.append(
            Notice(
                "warn", tongue.say("This page was open for too long. You have not been charged."),
                tongue.say("Nothing is lost: this is the offer as it stands now. Please check it and agree again."),
            )
        )  # fmt: skip
    if problems.check_missing:
        heading = tongue.say("One thing is missing before you can buy. You have not been charged.")
        notices.append(Notice("warn", heading, tongue.say("Nothing is lost: show that it is you, then agree again.")))
    if problems.provider_silent:
        heading = tongue.say("Our payment provider is not answering. Nothing was charged.")
        notices.append(
            Notice("warn", heading, tongue.say("Please try again in a few minutes. The offer stays as it is."))
        )
    if problems.provider_refused:
        heading = tongue.say("Our payment provider did not accept this payment. You have not been charged.")
        more = tongue.say("Your bank was not asked. Another card may work; if it does not, please contact us.")
        notices.append(Notice("warn", heading, more))
    return tuple(notices)


def _price_changed(pen: Pen, change: PriceChange, now: int) -> Markup:
    values = {"was": pen.money(change.was), "now": pen.strong(now)}
    if change.reason == "month":
        return pen.tongue.tell(
            "You have not been charged. A new billing month began, so there is one month less to pay for: it was %(was)s, it is now %(now)s. "
            "Please check it and agree again.", **values,
        )  # fmt: skip
    if change.reason == "time":
        return pen.tongue.tell(
            "You have not been charged. A new day began, so there is less time to pay for: it was %(was)s, it is now %(now)s. "
            "Please check it and agree again.", **values,
        )  # fmt: skip
    return pen.tongue.tell(
        "You have not been charged. The offer or your subscription is not what it was: it was %(was)s, it is now %(now)s. "
        "Please check it and agree again.", **values,
    )  # fmt: skip
