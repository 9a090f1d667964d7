"""Turns plain facts into what the cart's templates print. No query, no clock, no amount of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from app.cart import phrases, sums, words
from app.cart.agreement import Agreement, Terms, agreement, start_now
from app.cart.pen import Pen, email, isolated, link, num
from app.cart.summary import Summary, summarise
from app.cart.sums import ChangeRow, Ledger, Working
from app.cart.views import CardView, CartFacts, CartUrls, DeclineView, PriceChange, Problems, Scene
from app.web.frame import is_address, keep_language, legal_text
from app.web.i18n import Tongue

NO_PROBLEMS = Problems()


@dataclass(frozen=True, slots=True)
class CardChoice:
    """One radio button. ``tone`` colours the line below it: ``""``, ``warn`` or ``bad``."""

    id: str
    ref: str
    name: Markup
    meta: Markup | str
    tone: str
    disabled: bool
    checked: bool


@dataclass(frozen=True, slots=True)
class FieldError:
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    tone: str
    heading: str | Markup
    text: str | Markup


@dataclass(frozen=True, slots=True)
class Box:
    """A consent box: what it says, and what is wrong with it."""

    id: str
    agreement: Agreement
    error: str = ""
    hint: Markup | str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """The decision card. ``currency`` is empty where ``due`` names it. ``add_card_only``: there is nothing to pay with yet, so adding a card is the one main act."""

    action: str
    form_token: str
    language: str
    quote_id: str
    legend: str
    cards: tuple[CardChoice, ...]
    card_error: str
    card_url: str
    card_notice: Notice | None
    add_card_only: bool
    asks_card: bool
    due: str
    currency: str
    then: Markup | str
    then_price: Markup | str
    boxes: tuple[Box, ...]
    button: str
    busy: str
    disabled: bool
    note: str
    no_thanks_url: str
    no_thanks: str


@dataclass(frozen=True, slots=True)
class QuantityField:
    """The shopper's own number. It asks for a new price; it never buys."""

    action: str
    label: str
    value: int
    smallest: int
    largest: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class CartPage:
    title: str
    headline: str
    eyebrow: Markup
    lead: Markup
    who: Markup
    change: tuple[ChangeRow, ...]
    ledgers: tuple[Ledger, ...]
    working: Working | None
    quantity: QuantityField | None
    panel: Panel
    errors: tuple[FieldError, ...] = ()
    notices: tuple[Notice, ...] = ()


def pen_for(scene: Scene, currency: str) -> Pen:
    return Pen(scene.tongue, currency, scene.merchant.timezone)


def summary_of(facts: CartFacts) -> Summary:
    return summarise(facts.subscription.facts, facts.quote, facts.catalog, facts.price_now)


def cart_page(scene: Scene, facts: CartFacts, problems: Problems = NO_PROBLEMS) -> CartPage:
    """The cart in every variant, with what stood in the way of the last press."""
    tongue, summary = scene.tongue, summary_of(facts)
    pen = pen_for(scene, facts.quote.currency)
    errors = field_errors(tongue, facts, summary, problems)
    title = phrases.title(tongue, summary, pen.plain(summary.due))
    if errors or problems.price or problems.page_too_old or problems.provider_silent:
        title = tongue.say("Error: %(title)s", title=title)
    closes = facts.offer.closes_at
    renewal = sums.renewal(pen, summary)
    return CartPage(
        title,
        phrases.headline(tongue, summary),
        phrases.eyebrow(tongue, summary, pen.day_of(closes) if closes else None),
        phrases.lead(pen, summary),
        _who(scene, facts),
        sums.change_rows(pen, summary),
        tuple(ledger for ledger in (sums.today(pen, facts, summary), renewal) if ledger),
        sums.working(pen, facts, summary),
        _quantity(scene, facts, summary, errors),
        panel(scene, facts, summary, errors=errors),
        errors,
        _notices(pen, problems, summary),
    )


def _who(scene: Scene, facts: CartFacts) -> Markup:
    tongue, held = scene.tongue, facts.subscription
    return tongue.tell(
        "Subscription %(reference)s, held by %(email)s. %(not_you)s", reference=isolated(held.reference),
        email=email(held.email), not_you=link(_own(scene, facts.urls.not_you), tongue.say("Not you?")),
    )  # fmt: skip


def _own(scene: Scene, url: str) -> str:
    return keep_language(url, scene.tongue)


def _quantity(scene: Scene, facts: CartFacts, summary: Summary, errors: tuple[FieldError, ...]) -> QuantityField | None:
    choice = facts.offer.quantity
    if choice is None:
        return None
    unit = phrases.unit_of(scene.tongue, summary)
    error = next((error.text for error in errors if error.field == "quantity"), "")
    label = scene.tongue.say("How many %(units)s in all", units=unit.many)
    action = _own(scene, facts.urls.quantity)
    return QuantityField(action, label, choice.chosen, choice.smallest, choice.largest, error)


def field_errors(tongue: Tongue, facts: CartFacts, summary: Summary, problems: Problems) -> tuple[FieldError, ...]:
    """The list at the top of the page, in the page's order; each entry leads to its field."""
    found: list[FieldError] = []
    choice = facts.offer.quantity
    if problems.quantity_wrong and choice:
        text = tongue.say("Enter a whole number, %(smallest)s or more", smallest=choice.smallest)
        if choice.largest is not None:
            text = tongue.say(
                "Enter a whole number from %(smallest)s to %(largest)s",
                smallest=choice.smallest,
                largest=choice.largest,
            )
        found.append(FieldError("quantity", text))
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
    if problems.page_too_old:
        notices.append(
            Notice(
                "warn", tongue.say("This page was open for too long. You have not been charged."),
                tongue.say("Nothing is lost: this is the offer as it stands now. Please check it and agree again."),
            )
        )  # fmt: skip
    if problems.provider_silent:
        heading = tongue.say("Our payment provider is not answering. Nothing was charged.")
        notices.append(
            Notice("warn", heading, tongue.say("Please try again in a few minutes. The offer stays as it is."))
        )
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
    return tongue.tell(
        "%(brand)s ending\u00a0%(digits)s",
        brand=isolated(words.card_brand(card.brand)),
        digits=num(card.last4),
    )


def _card_meta(tongue: Tongue, card: CardView, next_date: date | None) -> tuple[str, Markup]:
    expiry = num(f"{card.exp_month:02d}/{card.exp_year}")
    if not card.usable:
        if card.reason == "expired":
            return "", tongue.tell("Expired %(expiry)s, cannot be used.", expiry=expiry)
        if card.declined_now:
            return "bad", tongue.tell("Declined just now, cannot be used again. Expires %(expiry)s.", expiry=expiry)
        return "", tongue.tell("Declined by the bank, cannot be used. Expires %(expiry)s.", expiry=expiry)
    if card.declined_now:
        return "bad", tongue.tell("Declined just now. Expires %(expiry)s.", expiry=expiry)
    if next_date is not None and (card.exp_year, card.exp_month) < (next_date.year, next_date.month):
        return "warn", tongue.tell("Expires %(expiry)s, before your next billing date.", expiry=expiry)
    if card.default:
        return "", tongue.tell("Expires %(expiry)s. Pays for this subscription.", expiry=expiry)
    return "", tongue.tell("Expires %(expiry)s.", expiry=expiry)


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
        action=_own(scene, urls.buy),
        form_token=facts.form_token,
        language=tongue.language,
        quote_id=facts.quote_id,
        legend=tongue.say("Pay with another card") if decline else tongue.say("Pay with"),
        cards=card_choices(tongue, facts, summary.next_after) if shown else (),
        card_error=wrong.get(first, ""),
        card_url=_own(scene, urls.card),
        card_notice=_card_notice(tongue, facts) if none_usable else None,
        add_card_only=none_usable,
        asks_card=asks_card,
        due=pen.plain(facts.quote.due_now),
        currency=pen.code,
        then=then,
        then_price=then_price,
        boxes=_boxes(scene, facts, summary, pen, urls, wrong) if pays else (),
        button=button,
        busy=tongue.say("Processing"),
        disabled=scene.mode == "preview",
        note=_note(tongue, summary, button),
        no_thanks_url=_own(scene, urls.no_thanks),
        no_thanks=phrases.no_thanks(tongue, summary),
    )


def _note(tongue: Tongue, summary: Summary, button: str) -> str:
    """What the press does to the money, and what it does not."""
    if summary.due:
        return tongue.say("Nothing is charged until you press %(button)s.", button=button)
    return tongue.say("Nothing is charged today.") if summary.rises else tongue.say("Nothing is charged.")


def _then(pen: Pen, summary: Summary) -> tuple[Markup | str, Markup | str]:
    if summary.next_after is None or summary.renewal is None:
        return pen.tongue.say("After that"), pen.tongue.say("No renewal")
    label = pen.tongue.tell("Then from %(date)s", date=pen.short_day(summary.next_after))
    return label, pen.price(summary.renewal, summary.interval())


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
    )


def agreements(scene: Scene, facts: CartFacts) -> tuple[Agreement, ...]:
    """Every box of this cart, to be stored to the letter when the press comes. Empty when nothing has to be agreed to."""
    return _agreements(scene, facts, summary_of(facts))


def _agreements(scene: Scene, facts: CartFacts, summary: Summary) -> tuple[Agreement, ...]:
    if not summary.rises:
        return ()
    language = scene.tongue.language
    first = agreement(language, terms_of(pen_for(scene, facts.quote.currency), summary))
    return (first, start_now(language)) if facts.withdrawal else (first,)


def _boxes(
    scene: Scene, facts: CartFacts, summary: Summary, pen: Pen, urls: CartUrls, wrong: dict[str, str]
) -> tuple[Box, ...]:
    hint = _cancel_hint(scene, summary, pen)
    boxes: list[Box] = []
    for name, agreed in zip(("agree", "start"), _agreements(scene, facts, summary), strict=False):
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


def legal_is_text(scene: Scene, kind: str) -> str | None:
    """The merchant's text of that kind to show on our own page; None when there is none or it lives elsewhere."""
    text = legal_text(scene.merchant, kind, scene.tongue.language)
    return text if text is not None and not is_address(text) else None
