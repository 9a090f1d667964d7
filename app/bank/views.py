"""Two pages of somebody else's site, as it were. GET shows, POST acts at the sandbox and goes back with 303."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request
from jinja2 import Environment
from werkzeug.wrappers import Response as AnyResponse

from app.bank.forms import CardForm, read_card_form
from app.bank.hosted import CardPage, CheckPage, HostedPages
from app.kit.money import format_minor
from app.web.headers import content_policy

PREFIX = "/sandbox"
BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}
_EMPTY = CardForm("", 0, 0, {}, "", "")


class _Door:
    """The views, with what they were handed."""

    def __init__(self, hosted: HostedPages, environment: Environment) -> None:
        self._hosted = hosted
        self._environment = environment

    def show_card(self, ref: str) -> Response:
        page = self._card_page(ref)
        return self._gone(page) if page.status == "expired" else self._card(ref, page, _EMPTY, 200)

    def keep_card(self, ref: str) -> AnyResponse:
        page = self._card_page(ref)
        self._check_token(ref)
        if page.status == "expired":
            return self._gone(page)
        if page.status == "open":
            form = read_card_form(request.form, self._hosted)
            if form.errors:
                return self._card(ref, page, form, 422)
            self._hosted.add_card(ref, form.number, form.exp_month, form.exp_year)
        return redirect(page.return_url, 303)

    def show_check(self, ref: str) -> Response:
        page = self._check_page(ref)
        return self._page(
            "bank/check.html",
            page.return_url,
            200,
            page=page,
            amount=f"{format_minor(page.amount, page.currency)} {page.currency}",
            card=f"{BRANDS[page.brand]} ending {page.last4}",
            token=self._hosted.form_token(ref),
        )

    def answer_check(self, ref: str) -> AnyResponse:
        page = self._check_page(ref)
        self._check_token(ref)
        answer = request.form.get("answer")
        if answer not in ("approve", "refuse"):
            abort(400)
        self._hosted.answer_check(ref, approve=answer == "approve")
        return redirect(page.return_url, 303)

    def _card(self, ref: str, page: CardPage, form: CardForm, status: int) -> Response:
        return self._page(
            "bank/card.html",
            page.return_url,
            status,
            page=page,
            form=form,
            token=self._hosted.form_token(ref),
            cards=[(_grouped(card.number), BRANDS[card.brand], card.shows) for card in self._hosted.test_cards()],
        )

    def _gone(self, page: CardPage) -> Response:
        return self._page("bank/gone.html", page.return_url, 410, page=page)

    def _card_page(self, ref: str) -> CardPage:
        return self._hosted.card_page(ref) or abort(404)

    def _check_page(self, ref: str) -> CheckPage:
        return self._hosted.check_page(ref) or abort(404)

    def _check_token(self, ref: str) -> None:
        """The form came from the page: its token is derived from a reference nobody can guess."""
        given = request.form.get("token", "").encode()
        if not hmac.compare_digest(given, self._hosted.form_token(ref).encode()):
            abort(403)

    def _page(self, template: str, return_url: str, status: int, **values: object) -> Response:
        html = self._environment.get_template(template).render(**values)
        # Browsers hold form-action against the redirect after the POST as well, so the way back is named.
        policy = content_policy([_origin(return_url)] if _origin(return_url) else [])
        return Response(html, status, {"Content-Security-Policy": policy}, mimetype="text/html")


def bank_blueprint(hosted: HostedPages, environment: Environment) -> Blueprint:
    """The door, for sandbox mode only. ``environment`` finds ``bank/*.html`` and knows ``asset(name)``."""
    door = _Door(hosted, environment)
    blueprint = Blueprint("bank", __name__, url_prefix=PREFIX)
    blueprint.get("/card/<ref>", endpoint="card")(door.show_card)
    blueprint.post("/card/<ref>", endpoint="keep_card")(door.keep_card)
    blueprint.get("/check/<ref>", endpoint="check")(door.show_check)
    blueprint.post("/check/<ref>", endpoint="answer_check")(door.answer_check)
    return blueprint


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else ""


def _grouped(number: str) -> str:
    """As printed on a card: four by four, American Express 4-6-5."""
    if len(number) == 15:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))
