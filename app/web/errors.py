"""Error pages in the shopper's look. They say first whether money was taken, and never show a trace.

A route that is about to charge says so with `payment_begins`. "Nothing was charged" is printed only where a route looked and said
`nothing_charged`; one that charges nothing itself, but did not look whether the shopper bought before, says `charges_nothing`.
Whoever said nothing is not known to have charged nothing, and a page of a purchase then says where to read what happened.
A database that is away is no mistake of ours: 503 and when to come back, and no word about money, since what was bought before
nobody can look up now.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, ServiceUnavailable, TooManyRequests

from app.kit.ids import base32
from app.models.outages import is_outage, outage_code
from app.web.frame import MerchantView, frame_for
from app.web.i18n import Tongue
from app.web.pages import Pages

LOG: Final = logging.getLogger("liftlink.web")
_SAFE: Final = {"GET", "HEAD", "OPTIONS"}
PURCHASE: Final = ("/u/", "/order/", "/cart/", "/done/", "/bank-back/", "/card-back/")
"""Pages of a shopper, who may have bought a moment ago."""
AWAY_SECONDS: Final = 30
"""After this a client may ask again that met a database which is away."""


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """How far the request got. ``begun`` False: it charges nothing; ``is_looked_up``: and nothing was charged before."""

    begun: bool
    reference: str = ""
    check_url: str = ""
    is_looked_up: bool = False


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What the template prints. ``state`` names the page: ``missing`` ``method`` ``busy`` ``failed`` ``unknown`` ``closed`` ``refused``,
    ``away`` of a database that is away, and ``unclear`` where a payment had begun and nobody is asking the bank.

    ``is_uncharged``: nothing was charged, for certain; ``may_be_bought``: nobody knows, and it is a page of a purchase.
    """

    state: str
    status: int
    reference: str
    wait_minutes: int = 0
    retry_url: str = ""
    is_uncharged: bool = False
    may_be_bought: bool = False


def nothing_charged() -> None:
    """From here on an error in this request says "Nothing was charged": the database has shown it."""
    g.payment_step = PaymentStep(begun=False, is_looked_up=True)


def charges_nothing() -> None:
    """This request charges nothing; whether one before it did, nobody has looked."""
    g.payment_step = PaymentStep(begun=False)


def is_looked_up() -> bool:
    """Whether this request knows that nothing was charged."""
    step: PaymentStep | None = g.get("payment_step")
    return step is not None and step.is_looked_up


def payment_begins(reference: str, check_url: str) -> None:
    """From here on nobody knows until the row says so: an error shows the reference and "Check again"."""
    g.payment_step = PaymentStep(True, reference, check_url)


def request_id() -> str:
    """This request's own reference (``RQ-…``): in the log, in the header ``X-Request-Id`` and on error pages."""
    found: str | None = g.get("request_id")
    if found is None:
        found = g.request_id = "RQ-" + base32(secrets.randbits(50), 10)
    return found


def error_page(error: HTTPException | None, *, is_away: bool = False) -> ErrorPage:
    """The page for an HTTP error, or for an unexpected one (None), or for a database that ``is_away``."""
    step: PaymentStep | None = g.get("payment_step")
    is_safe = request.method in _SAFE
    again = request.path if is_safe else ""
    begun = step if step is not None and step.begun else None
    if is_away or error is None or (error.code or 500) in {500, 502, 504}:
        begun = begun or (PaymentStep(True) if step is None and not is_safe else None)
        doubt, status = ("unclear", 503) if is_away else ("unknown", 500)
        if begun is not None:
            return ErrorPage(doubt, status, begun.reference or request_id(), retry_url=begun.check_url)
        if is_away:
            return ErrorPage("away", 503, request_id(), retry_url=again)
        return _told(step, ErrorPage("failed", 500, request_id(), retry_url=again))
    status = error.code or 500
    wait = 0
    if isinstance(error, (ServiceUnavailable, TooManyRequests)):
        wait = -(-error.retry_after // 60) if isinstance(error.retry_after, int) else 0
    if begun is not None:
        return ErrorPage("unclear", status, begun.reference or request_id(), wait, begun.check_url)
    if isinstance(error, (ServiceUnavailable, TooManyRequests)):
        state = "closed" if isinstance(error, ServiceUnavailable) else "busy"
        return _told(step, ErrorPage(state, status, request_id(), wait, again))
    named = {404: "missing", 405: "method"}
    return _told(step, ErrorPage(named.get(status, "refused"), status, request_id()))


def _told(step: PaymentStep | None, page: ErrorPage) -> ErrorPage:
    """With what is known of the money."""
    is_uncharged = step is not None and step.is_looked_up
    return replace(page, is_uncharged=is_uncharged, may_be_bought=not is_uncharged and is_of_purchase(request.path))


def is_of_purchase(path: str) -> bool:
    """Whether who asks for that page may have bought before."""
    return path.startswith(PURCHASE)


def render_error(
    pages: Pages, tongue: Tongue, page: ErrorPage, merchant: MerchantView | None = None, *, here: str
) -> str:
    """The page's HTML; without a merchant in the neutral look. ``here`` is the path that was asked for."""
    frame = frame_for(merchant, tongue, pages.languages, here=here)
    return pages.render("errors/error.html", tongue, page=page, frame=frame, merchant=merchant)


def register_errors(
    app: Flask, pages: Pages, *, merchant_of: Callable[[], MerchantView | None] = lambda: None,
    tongue_of: Callable[[MerchantView | None], Tongue] | None = None, apart: Callable[[str], bool] = lambda _path: False,
    machines: Callable[[str], bool] = lambda _path: False,
) -> None:  # fmt: skip
    """Answer every error of the HTML doors. ``apart(path)`` is true for doors that word their own errors (the API).

    ``machines(path)`` is true where no person asks: a database that is away is told there in a few words.
    """

    def tongue_here(merchant: MerchantView | None) -> Tongue:
        if tongue_of is not None:
            return tongue_of(merchant)
        locales = [merchant.locale] if merchant else []
        return pages.languages.choose(request.args.get("lang"), locales, request.accept_languages.values())

    def shown(error: HTTPException | None, *, is_away: bool = False) -> Response:
        merchant = merchant_of()
        page = error_page(error, is_away=is_away)
        response = Response(
            render_error(pages, tongue_here(merchant), page, merchant, here=request.path),
            page.status,
            mimetype="text/html",
        )
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        if is_away:
            response.headers["Retry-After"] = str(AWAY_SECONDS)
        if page.wait_minutes and error is not None:
            response.headers["Retry-After"] = str(getattr(error, "retry_after", ""))
        return response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response | HTTPException:
        if apart(request.path) or (error.code or 0) < 400 or error.response is not None:
            return error
        return shown(error)

    @app.errorhandler(Exception)
    def any_error(error: Exception) -> Response:
        if is_outage(error):
            LOG.error("the database is away", extra={"request_id": request_id(), "error": outage_code(error)})
            return _in_few_words() if apart(request.path) or machines(request.path) else shown(None, is_away=True)
        LOG.error("request failed", exc_info=error, extra={"request_id": request_id()})
        return shown(None)

    @app.before_request
    def name_lines() -> None:
        # Whatever this request has logged from here on says which one it was, deep below as well.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id())

    @app.after_request
    def name_request(response: Response) -> Response:
        response.headers.add("X-Request-Id", request_id())
        return response


def _in_few_words() -> Response:
    said = {"type": "about:blank", "title": "The service is away for a moment", "status": 503, "code": "unavailable"}
    headers = {"Retry-After": str(AWAY_SECONDS)}
    return Response(json.dumps(said), 503, headers, mimetype="application/problem+json")
