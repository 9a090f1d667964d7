"""What a shopper sees of Stripe: the bank's check and Checkout's card page. Plain forms, no script needed."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tests.stripe_server import checkout, payments
from tests.stripe_server.engine import Engine
from tests.stripe_server.state import Row
from tests.stripe_server.wire import Body, StripeError

Page = tuple[int, str, str]
"""Status, body, and where to go instead (empty: nowhere)."""

_FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>body{{font:1rem/1.5 sans-serif;margin:2rem auto;max-width:30rem;padding:0 1rem}}
label,input,button{{display:block;font:inherit;margin:.4rem 0;padding:.4rem}}input{{width:95%}}</style></head>
<body><main><h1>{title}</h1>{inner}</main></body></html>"""
_GONE: Page = (404, _FRAME.format(title="This page is over", inner="<p>Go back to the shop.</p>"), "")


def open_page(engine: Engine, method: str, path: str, form: Body, base: str) -> Page:
    """``/pages/check/ID``, which leads on to ``/pages/issuer/ID`` at another host as the card's bank does, and
    ``/pages/setup/ID``."""
    parts = path.strip("/").split("/")
    if len(parts) != 3 or parts[1] not in ("check", "issuer", "setup"):
        return _GONE
    if parts[1] == "check" and method == "GET":
        return 303, "", f"{base.replace('127.0.0.1', 'localhost')}/pages/issuer/{parts[2]}"
    with engine.state.acting():
        engine.land_due()
        return _setup(engine, parts[2], method, form) if parts[1] == "setup" else _check(engine, parts[2], method, form)


def _check(engine: Engine, ref: str, method: str, form: Body) -> Page:
    check = engine.state.get("checks", ref)
    if check is None:
        return _GONE
    table = "setups" if check["of"].startswith("seti_") else "intents"
    row = engine.state.table(table)[check["of"]]
    if method == "GET":
        told = f"{row['amount']} {row['currency'].upper()}" if table == "intents" else "Keep this card"
        inner = (
            f"<p>{escape(told)}</p><p>{escape(row['description'] or '')}</p><form method='post'>"
            "<button name='answer' value='complete'>Complete</button><button name='answer' value='fail'>Fail</button></form>"
        )
        return 200, _FRAME.format(title="3D Secure 2 test page", inner=inner), ""
    answer(engine, check["of"], approve=form.get("answer") == "complete")
    row = engine.state.table(table)[check["of"]]
    name = "setup_intent" if table == "setups" else "payment_intent"
    back = {name: row["id"], f"{name}_client_secret": row["client_secret"], "source_type": "card"}
    if table == "setups":
        back = {**back, "redirect_status": "succeeded" if row["status"] == "succeeded" else "failed"}
    return 303, "", _with_query(row["_return_url"] or "about:blank", back)


def answer(engine: Engine, ref: str, *, approve: bool) -> Row:
    """The bank hears what the shopper says; the object afterwards."""
    table = "setups" if ref.startswith("seti_") else "intents"
    with engine.state.acting():
        engine.land_due()
        row = engine.state.table(table)[ref]
        does = checkout.answer_setup if table == "setups" else payments.answer_check
        does(engine.inside(row), row, approve=approve)
        return engine.state.table(table)[ref]


def _setup(engine: Engine, ref: str, method: str, form: Body) -> Page:
    session = engine.state.get("sessions", ref)
    if session is None or session["status"] != "open":
        return _GONE
    if method == "GET":
        return 200, _card_form(session, ""), ""
    if form.get("leave"):
        return 303, "", _filled(session["cancel_url"] or session["success_url"], session)
    month, _, year = str(form.get("expiry", "")).replace(" ", "").partition("/")
    if not (month.isdigit() and year.isdigit()):
        return 200, _card_form(session, "Your card's expiration date is incomplete."), ""
    given = {
        "number": form.get("number", ""),
        "exp_month": int(month),
        "exp_year": 2000 + int(year) % 100,
        "cvc": form.get("cvc"),
    }
    try:
        fill(engine, session, given)
    except StripeError as error:
        return 200, _card_form(session, error.body["error"]["message"]), ""
    return 303, "", _filled(session["success_url"], session)


def fill(engine: Engine, session: Row, given: Body) -> Row:
    with engine.state.acting():
        checkout.fill_session(engine.inside(session), session, given)
        return session


def _card_form(session: Row, wrong: str) -> str:
    said = (session["custom_text"].get("submit") or {}).get("message", "")
    inner = f"<p>{escape(said)}</p>" + (f"<p role='alert'>{escape(wrong)}</p>" if wrong else "") + (
        "<form method='post'><label>Card number <input name='number' inputmode='numeric' autocomplete='cc-number'></label>"
        "<label>Expiration <input name='expiry' placeholder='MM / YY'></label><label>CVC <input name='cvc' inputmode='numeric'></label>"
        "<button>Save card</button><button name='leave' value='yes'>Back</button></form>"
    )  # fmt: skip
    return _FRAME.format(title="Save your card", inner=inner)


def _filled(url: str, session: Row) -> str:
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *more.items()])))
