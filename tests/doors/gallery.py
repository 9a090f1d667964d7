"""Every state of the shopper's pages from fixed facts: the reference case, without a database, a clock or a request.

``states(pages, tongue)`` maps a name (``S-1a``) to the rendered page. The page tests, the pictures and axe walk over it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.billing import quote as price
from app.billing.facts import Change, Entitlement, Interval, Item, Lot, Span, Subscription
from app.billing.result import Eligibility
from app.billing.rulebook import (
    FeatureFacts,
    OptionFacts,
    Policy,
    ProductFacts,
    Scale,
    TaxRate,
)
from app.billing.standing import standing_renewal, standing_renewals
from app.cart import pages as door
from app.cart.consent_boxes import agreements
from app.cart.link_states import FreshLink
from app.cart.pages import Rendered
from app.cart.refusals import REASONS, Standing
from app.cart.scheduled_pages import Waiting
from app.cart.summarising import summarise
from app.cart.views import (
    BankCheck,
    CardView,
    CartFacts,
    CartUrls,
    CheckView,
    CodeView,
    DeclineView,
    OfferView,
    OrderView,
    PriceChange,
    Problems,
    ProofView,
    QuantityChoice,
    Scene,
    SubscriptionView,
    summary_of,
)
from app.charging.remains import Returned
from app.web.assets import Assets
from app.web.errors import ErrorPage, render_error
from app.web.frame import MerchantView
from app.web.i18n import Languages, Tongue
from app.web.pages import Pages

ROOT = Path(__file__).parents[2]
YEAR = Interval("year", 1)
ZONE = "America/Los_Angeles"


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    from zoneinfo import ZoneInfo

    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


AT = local(2026, 7, 1, 14, 14)
CLOSES = local(2026, 7, 8, 23, 59)

MERCHANT = MerchantView(
    code="quillmark",
    name="Quillmark CRM",
    legal_name="Quillmark Software, Inc.",
    legal_address="210 Alder Street, Portland, OR 97205",
    help_email="help@quillmark.example",
    help_phone="+1 503 555 0142",
    account_url="https://app.quillmark.example/account",
    product_url="https://app.quillmark.example/seats",
    brand_colour="#0e5a73",
    terms={"en": "You buy a subscription.\n\nIt renews until you cancel.", "fr": "Vous achetez un abonnement."},
    refunds={"en": "https://quillmark.example/refunds"},
    privacy={"en": "https://quillmark.example/privacy"},
    next_step={
        "en": "Invite your new teammate from Settings, Seats.",
        "fr": "Invitez votre collègue depuis Réglages, Sièges.",
    },
    statement_name="QUILLMARK CRM",
    timezone=ZONE,
    prefix="QM",
    reminder_days=30,
)

SUPPORT = OptionFacts("24-hour support", {"1year": 1200})
SIGNATURE = OptionFacts("E-signature", {"1year": 600}, per="subscription")
CATALOG = {
    "crm-seat": ProductFacts(
        "CRM Standard", {"1year": 4000}, {"support": SUPPORT, "esign": SIGNATURE}, unit_name="seat", quantity_max=50
    ),
    "crm-pro": ProductFacts("CRM Pro", {"1year": 10000, "1month": 1000}, {"support": SUPPORT}, unit_name="seat"),
    "crm-team": ProductFacts(
        "CRM Team",
        {"1year": 24000, "1month": 2500},
        {"support": SUPPORT, "users": OptionFacts("Users", {"1year": 2400}, per="subscription", scale=Scale(5, 50))},
        features={
            "esign": FeatureFacts("E-signatures", "limit", {"1year": 500}, included=10, cap=200, step=10),
            "sso": FeatureFacts("Single sign-on", "onoff", {"1year": 6000}),
            "sms": FeatureFacts("SMS credits", "usage", price=300, step=100),
        },
    ),
    "crm-backup": ProductFacts("CRM Backup", {"1year": 1800}),
}

CARDS = (
    CardView("pm_1", "visa", "4242", 8, 2028, default=True),
    CardView("pm_2", "mastercard", "5454", 11, 2026),
    CardView("pm_3", "amex", "0005", 5, 2026, usable=False, reason="expired"),
)
URLS = CartUrls(
    buy="/cart/T0KEN/buy", card="/cart/T0KEN/card", not_you="/cart/T0KEN/not-you", no_thanks="/cart/T0KEN/no-thanks",
    quantity="/cart/T0KEN/quantity", cart="/cart/T0KEN",
)  # fmt: skip


CODE = "/cart/T0KEN/code"


def held(options: tuple[str, ...] = ()) -> Subscription:
    """One seat at 40.00 a year since January 1."""
    lots = [Lot(1, "crm-seat", 1, 4000)]
    lots += [
        Lot(2 + at, code, 1, CATALOG["crm-seat"].options[code].prices["1year"], "option")
        for at, code in enumerate(options)
    ]
    year = Span(local(2026, 1, 1), local(2027, 1, 1))
    rows = tuple(Entitlement(1, lot.number, year.start, year.end, lot.unit_price) for lot in lots)
    return Subscription("USD", (Item(1, "crm-seat", YEAR, year, 1, tuple(lots), options, entitlements=rows),))


def facts(
    change: Change | tuple[Change, ...], *, tax: TaxRate | None = None, negative: str = "refuse", at: datetime = AT,
    subscription: Subscription | None = None, rules: dict[str, object] | None = None, **more: object,
) -> CartFacts:  # fmt: skip
    """A cart for that change, priced by the engine itself; ``rules`` are the rest of the policy."""
    subscription = subscription or held()
    policy = Policy(
        timezone=ZONE, tax=tax or TaxRate(0, False, "Oregon"), negative=negative, catalog=CATALOG, **(rules or {})
    )
    made = price(subscription, change, policy, at)
    base = CartFacts(
        subscription=SubscriptionView("QM-1048", "dana@brightwell.example", subscription),
        quote=made,
        quote_id="q_7d1c",
        form_token="prototype",
        cards=CARDS,
        offer=OfferView("LK-58T2-9QKD", CLOSES),
        urls=URLS,
        catalog=CATALOG,
        price_now=standing_renewal(subscription, policy),
        taxes=policy.taxes,
        later_now=standing_renewals(subscription, policy) if len(subscription.items) > 1 else (),
    )
    return replace(base, **more)


SEAT = Change(1, quantity=2, unit_price=1000)
PRO = Change(1, product="crm-pro", options=("support",))


def carts() -> dict[str, tuple[CartFacts, Problems, str]]:
    """Name → facts, problems, mode."""
    seat, none = facts(SEAT), Problems()
    blocked = tuple(card._replace(usable=False, reason=card.reason or "blocked") for card in CARDS)
    vat = TaxRate(200_000, True, "Deutschland")
    return {
        "S-1a": (seat, none, "live"),
        "S-1b": (facts(PRO, subscription=held(("support", "esign"))), none, "live"),
        "S-1c": (facts(Change(1, options=("support", "esign"))), none, "live"),
        "S-1d": (facts(Change(1, quantity=4), offer=OfferView("LK-58T2-9QKD", CLOSES, QuantityChoice(4, 2, 50))), none, "live"),
        "S-1e": (facts(replace(SEAT, alignment="reset")), none, "live"),
        "S-1f": (facts(Change(1, quantity=3, unit_price=0), subscription=held()), none, "live"),
        "S-1f-rises": (_rising(seat), none, "live"),
        "S-1g": (facts(Change(1, quantity=1), negative="zero", subscription=_three()), none, "live"),
        "S-1h": (facts(SEAT, tax=vat, withdrawal=True), none, "live"),
        "S-1i": (facts(SEAT, cards=blocked), none, "live"),
        "S-1i-none": (facts(SEAT, cards=()), none, "live"),
        "S-1j-test": (seat, none, "test"),
        "S-1j-preview": (seat, none, "preview"),
        "S-1-no-renewal": (facts(SEAT, subscription=replace(held(), auto_renewal=False)), none, "live"),
        "S-1-eleventh": (facts(Change(1, quantity=11), subscription=_ten()), none, "live"),
        "S-1-by-day": (facts(SEAT, at=local(2026, 7, 12)), none, "live"),
        "S-2": (seat, Problems(consent_missing=True, card_missing=True), "live"),
        "S-2-quantity": (
            facts(SEAT, offer=OfferView("LK-58T2-9QKD", CLOSES, QuantityChoice(2, 2, 50))),
            Problems(quantity_wrong=True, quantity_typed="60"), "live",
        ),
        "S-2-quantity-same": (
            facts(SEAT, offer=OfferView("LK-58T2-9QKD", CLOSES, QuantityChoice(2, 1, 50))),
            Problems(quantity_wrong=True, quantity_typed="1", quantity_reason="same_target"), "live",
        ),
        "S-3-quantity": (
            facts(SEAT, offer=OfferView("LK-58T2-9QKD", CLOSES, QuantityChoice(2, 2, 5))), Problems(quantity_gone=True), "live",
        ),
        "S-2-start": (facts(SEAT, tax=vat, withdrawal=True), Problems(start_missing=True), "live"),
        "S-3": (facts(SEAT, at=local(2026, 8, 1, 9)), Problems(consent_missing=True, price=PriceChange(500, "month")), "live"),
        "S-3-other": (facts(SEAT), Problems(price=PriceChange(417)), "live"),
        "S-4": (seat, Problems(page_too_old=True), "live"),
        "S-4-nobody-looked": (seat, Problems(page_too_old=True, may_be_bought=True), "live"),
        "S-1k-code": (facts(SEAT, check=CheckView(CODE, "prototype")), none, "live"),
        "S-1k-card": (facts(SEAT, check=CheckView("", "prototype", takes_card=True)), none, "live"),
        "S-1k-either": (facts(SEAT, check=CheckView(CODE, "prototype", takes_card=True)), none, "live"),
        "S-1k-missing": (facts(SEAT, check=CheckView(CODE, "prototype")), Problems(check_missing=True), "live"),
        "S-1k-entered": (facts(SEAT, cards=(CARDS[0]._replace(usable=False, reason="again"), *CARDS[1:])), none, "live"),
        "S-7-cart": (facts(SEAT, cards=(), email_changed=True), none, "live"),
        "S-provider": (seat, Problems(provider_silent=True), "live"),
        "S-provider-refused": (seat, Problems(provider_refused=True), "live"),
    }  # fmt: skip


def _rising(cart: CartFacts) -> CartFacts:
    """Nothing due today, more at the renewal: as a change at the next billing date will be."""
    made = cart.quote._replace(lines=(), charge=0, subtotal=0, unbounded_total=0, due_now=0)
    return replace(cart, quote=made)


def _three() -> Subscription:
    year = Span(local(2026, 1, 1), local(2027, 1, 1))
    return Subscription("USD", (Item(1, "crm-seat", YEAR, year, 1, (Lot(1, "crm-seat", 3, 4000),)),))


def _ten() -> Subscription:
    year = Span(local(2026, 1, 1), local(2027, 1, 1))
    return Subscription("USD", (Item(1, "crm-seat", YEAR, year, 1, (Lot(1, "crm-seat", 10, 4000),)),))


def order(scene: Scene, change: Change = SEAT, **more: object) -> OrderView:
    cart = facts(change)
    base = OrderView(
        number="UP-7F3K-2041", state="PAID", outcome="paid", amount=cart.quote.due_now, tax=cart.quote.tax, currency="USD",
        email="dana@brightwell.example", subscription_reference="QM-1048",
        summary=summarise(cart.subscription.facts, cart.quote, CATALOG, cart.price_now), paid_at=AT, card=CARDS[0],
        consent_texts=tuple(box.text for box in agreements(scene, cart)),
    )  # fmt: skip
    return replace(base, **more)


def declines() -> dict[str, tuple[CartFacts, DeclineView]]:
    refused = tuple(card._replace(declined_now=card.ref == "pm_1", default=False) for card in CARDS)
    off = (refused[0]._replace(usable=False, reason="declined"), *refused[1:])
    cart = facts(SEAT, cards=refused)
    base = DeclineView("generic", "yes", 500, AT, "PF-93QD-4TTM")
    return {
        "S-9-failed": (cart, replace(base, text="bank_check", bank_check="failed")),
        "S-9-left": (cart, replace(base, text="bank_check", bank_check="left")),
        "S-11": (cart, base),
        "S-11-funds": (cart, replace(base, text="insufficient_funds")),
        "S-11-unusable": (replace(cart, cards=off), replace(base, text="card_unusable", retry="no")),
        "S-11-never": (replace(cart, cards=off), replace(base, retry="never")),
        "S-11-check": (cart, replace(base, text="bank_check")),
        "S-11-only": (facts(SEAT, cards=refused[:1]), base),
    }


def code_view(state: str, **more: object) -> CodeView:
    base = CodeView(
        state, 5, True, "dana@brightwell.example", f"{CODE}/check", CODE, "/cart/T0KEN", "", "prototype"
    )  # fmt: skip
    return base._replace(**more)


def new_pages(languages: tuple[str, ...] = ("en", "fr", "ar")) -> Pages:
    return Pages(ROOT / "templates", Assets(ROOT / "static"), Languages(languages))


def states(pages: Pages, tongue: Tongue, merchant: MerchantView = MERCHANT) -> dict[str, Callable[[], Rendered]]:
    """Every state by name, each to be rendered when called."""
    from tests.doors.gallery_changes import changes
    from tests.doors.gallery_changes import problems as problems_of_options

    scene = Scene(pages, tongue, merchant, "/cart/T0KEN")
    code, mail = "LK-58T2-9QKD", "dana@brightwell.example"
    fresh = FreshLink("/link/new", "prototype", mail)
    summary = summarise(held(), facts(SEAT).quote, CATALOG, 4000)
    later = order(
        scene, replace(SEAT, effective="next_billing"), amount=0, card=None, outcome="registered", schedule="PENDING"
    )
    found: dict[str, Callable[[], Rendered]] = {}
    for name, made in changes().items():
        found[name] = lambda c=made: door.render_cart(scene, c, Problems())
    for name, (made, wrong) in problems_of_options().items():
        found[name] = lambda c=made, p=wrong: door.render_cart(scene, c, p)
    for name, (cart, problems, mode) in carts().items():
        found[name] = lambda c=cart, p=problems, m=mode: door.render_cart(replace(scene, mode=m), c, p)
    for name, (cart, decline) in declines().items():
        found[name] = lambda c=cart, d=decline: door.render_declined(scene, c, d)
    cart = facts(SEAT)
    check = BankCheck("/sandbox/bank/1?state=signed", "get")
    card = {"add": URLS.card, "change_email": "/cart/T0KEN/email", "back": URLS.cart}
    found |= {
        "S-5": lambda: door.render_not_you(scene, email=mail, back=URLS.cart, reference=code),
        "S-6": lambda: door.render_card(scene, cart, **card),
        "S-6-silent": lambda: door.render_card(scene, cart, **card, silent=True),
        "S-6-error": lambda: door.render_card(scene, cart, **card, email_error=True, typed="dana@"),
        "S-7": lambda: door.render_card(scene, cart, **card, email_changed=True),
        "S-8": lambda: door.render_bank_check(
            scene, check, amount=500, currency="USD", reference=code, leave="/done/T0KEN/leave", form_token="prototype"
        ),
        "S-8-returned": lambda: door.render_bank_check(
            scene,
            check,
            amount=500,
            currency="USD",
            reference=code,
            leave="/done/T0KEN/leave",
            form_token="prototype",
            returned=True,
        ),
        "S-10": lambda: door.render_pending(
            scene, reference="UP-7F3K-2041", check="/done/T0KEN", email=mail, poll="/done/T0KEN/state"
        ),
        "S-12": lambda: door.render_too_many(scene, opens_at=local(2026, 7, 1, 15), reference=code),
        "S-13": lambda: door.render_busy(scene, reference=code),
        "S-13-paying": lambda: door.render_busy(scene, reference=code, waiting=Waiting(since=AT, summary=summary)),
        "S-13-scheduled": lambda: door.render_busy(
            scene, reference=code, waiting=Waiting(local(2027, 1, 1).date(), None, later.summary, "/done/T0KEN")
        ),
        "S-13-by-hand": lambda: door.render_busy(scene, reference=code, waiting=Waiting(local(2027, 1, 1).date())),
        "S-17-scheduled": lambda: door.render_used(
            scene, later, resend="/link/receipt", form_token="prototype", see="/done/T0KEN"
        ),
        "S-17-undone": lambda: door.render_used(
            scene, replace(later, schedule="UNDONE"), resend="/link/receipt", form_token="prototype", see="/done/T0KEN"
        ),
        "S-24-scheduled": lambda: door.render_done(scene, later, undo="/done/T0KEN/undo"),
        "S-24-undo": lambda: door.render_undo(
            scene, later, action="/done/T0KEN/undo", form_token="prototype", back="/done/T0KEN"
        ),
        "S-24-undone": lambda: door.render_done(scene, replace(later, schedule="UNDONE")),
        "S-24-carried-out": lambda: door.render_done(scene, replace(later, schedule="APPLIED")),
        "S-14": lambda: door.render_unpaid(
            scene,
            count=2,
            total=8000,
            currency="USD",
            pay_url="https://app.quillmark.example/pay",
            closes_at=CLOSES,
            reference=code,
        ),
        "S-16": lambda: door.render_expired(
            scene, fresh, reference=code, closed_at=CLOSES, summary=summary, is_uncharged=True
        ),
        "S-16-stranger": lambda: door.render_expired(
            scene, replace(fresh, email=None), reference=code, closed_at=None, summary=None, is_uncharged=False
        ),
        "S-16-regular": lambda: door.render_expired(
            scene, replace(fresh, regular_price=True), reference=code, closed_at=CLOSES, summary=None, is_uncharged=True
        ),
        "S-17-nothing-due": lambda: door.render_used(
            scene, order(scene, amount=0, card=None, outcome="nocharge"), resend="/link/receipt", form_token="prototype"
        ),
        "S-17": lambda: door.render_used(scene, order(scene), resend="/link/receipt", form_token="prototype"),
        **{
            f"S-18-{why}": lambda w=why: door.render_gone(
                scene, w, None if w == "revoked" else fresh, reference=code, is_uncharged=w in {"revoked", "replaced"}
            )
            for why in ("revoked", "replaced", "wrong_ip", "key_retired")
        },
        **{
            f"S-19-{why}": lambda w=why: door.render_closed(scene, w, at=CLOSES, reference=code)
            for why in ("not_started", "paused", "sold_out", "closed")
        },
        "S-20": lambda: door.render_bad_link(pages, tongue, here="/u/x"),
        "S-20-known": lambda: door.render_bad_link(pages, tongue, here="/u/x", merchant=merchant),
        "S-21": lambda: door.render_link_sent(scene, email=mail),
        "S-21-stranger": lambda: door.render_link_sent(scene),
        "S-22": lambda: door.render_done(scene, order(scene)),
        "S-22-plan": lambda: door.render_done(scene, order(scene, PRO)),
        "S-22-options": lambda: door.render_done(scene, order(scene, Change(1, options=("support", "esign")))),
        **{
            name.replace("S-1", "S-22"): lambda c=made: door.render_done(
                scene, order(scene, amount=c.quote.due_now, tax=c.quote.tax, summary=summary_of(c), quote=c.quote)
            )
            for name, made in changes().items()
            if name in {"S-1-several", "S-1-new-item", "S-1e-keep-day", "S-1e-early", "S-1g-deferred", "S-1g-refund"}
        },
        **{
            f"S-22-proved-by-{way}": lambda w=way: door.render_done(scene, order(scene, proof=ProofView(w, AT, mail)))
            for way in ("code", "card")
        },
        "S-22-receipt": lambda: door.render_receipt_sent(scene, email=mail),
        "S-23": lambda: door.render_done(scene, order(scene, applied=False), check="/done/T0KEN"),
        "S-24": lambda: door.render_done(
            scene,
            order(
                scene, Change(1, quantity=3, unit_price=0), amount=0, card=None, outcome="nocharge", consent_texts=()
            ),
        ),
        **{
            f"S-37-{name}": lambda v=view: door.render_code(scene, v)
            for name, view in {
                "none": code_view("none"),
                "sent": code_view("sent"),
                "last": code_view("sent", more=False),
                "either": code_view("sent", card="/cart/T0KEN/card"),
                "wrong": code_view("sent", left=1, wrong=True),
                "over": code_view("over", wrong=True),
                "stopped": code_view("stopped", more=False),
                "day": code_view("stopped", more=False, again=AT),
            }.items()
        },
        "S-26": lambda: door.render_kept(scene, summary=summary, closes_at=CLOSES, show_again=URLS.cart),
        "S-29": lambda: door.render_legal(scene, "terms", back=URLS.cart),
        "S-ask": lambda: door.render_ask_link(scene, action="/order/upgrade", hidden={"LICENSE": "1"}, form_token="x"),
        "S-given-back": lambda: door.render_given_back(
            scene, order(scene, state="CANCELLED"), Returned(500, local(2026, 7, 2, 9))
        ),
        "S-going-back": lambda: door.render_given_back(scene, order(scene, state="CANCELLED"), Returned(500, None)),
        "S-in-doubt": lambda: door.render_in_doubt(scene, order(scene, state="EXPIRED"), check="/done/T0KEN"),
        "S-ended": lambda: door.render_not_completed(scene, order(scene, state="EXPIRED"), back=URLS.cart),
    }
    now = Standing("CRM Standard", "seat", 2, local(2027, 1, 1).date(), ((5000, YEAR),), "USD", local(2028, 1, 1))
    for reason in REASONS:
        found[f"S-15-{reason}"] = lambda r=reason: door.render_refused(
            scene, Eligibility(False, r), reference=code, now=now
        )
    for state, status in (
        ("missing", 404),
        ("method", 405),
        ("busy", 429),
        ("failed", 500),
        ("unknown", 500),
        ("closed", 503),
        ("away", 503),
        ("unclear", 503),
    ):
        error = ErrorPage(
            state,
            status,
            "RQ-4T7M2KQ9PX",
            3,
            "/cart/T0KEN" if state in {"failed", "unknown", "closed", "away", "unclear"} else "",
            may_be_bought=True,
        )
        found[f"E-{state}"] = lambda e=error: Rendered(
            render_error(pages, tongue, e, merchant, here="/cart/T0KEN"), e.status
        )
        found[f"E-{state}-nobody"] = lambda e=error: Rendered(
            render_error(pages, tongue, e, None, here="/cart/T0KEN"), e.status
        )
        if state not in {"unknown", "away", "unclear"}:
            known = replace(error, is_uncharged=True, may_be_bought=False)
            found[f"E-{state}-known"] = lambda e=known: Rendered(
                render_error(pages, tongue, e, merchant, here="/cart/T0KEN"), e.status
            )
    return found
