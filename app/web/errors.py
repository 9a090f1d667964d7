"""Error pages in the shopper's look. They say first whether money was taken, and never show a trace.

A route that is about to charge says so with `payment_begins`; one that cannot have charged says `nothing_charged`. An
error in a GET or HEAD cannot have charged either, since those change nothing. A database that is away is no mistake of ours:
503 and when to come back, and no word about money, since what was bought before nobody can look up now.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
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
AWAY_SECONDS: Final = 30
"""After this a client may ask again that met a database which is away."""


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """How far the request got. ``begun`` False: surely nothing was charged."""

    begun: bool
    reference: str = ""
    check_url: str = ""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What the template prints. ``state`` names the page: ``missing`` ``method`` ``busy`` ``failed`` ``unknown`` ``closed`` ``refused``,
    and of a database that is away: ``away``, or ``unclear`` where a payment had begun."""

    state: str
    status: int
    reference: str
    wait_minutes: int = 0
    retry_url: str = ""


def nothing_charged() -> None:
    """From here on an error in this request may say "Nothing was charged"."""
    g.payment_step = PaymentStep(begun=False)


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
    if step is None and request.method not in _SAFE:
        step = PaymentStep(True)
    if is_away:
        if step and step.begun:
            return ErrorPage("unclear", 503, step.reference or request_id(), retry_url=step.check_url)
        return ErrorPage("away", 503, request_id(), retry_url=request.path if request.method in _SAFE else "")
    if error is None or (error.code or 500) in {500, 502, 504}:
        if step and step.begun:
            return ErrorPage("unknown", 500, step.reference or request_id(), retry_url=step.check_url)
        return ErrorPage("failed", 500, request_id(), retry_url=request.path if request.method in _SAFE else "")
    status = error.code or 500
    if isinstance(error, (ServiceUnavailable, TooManyRequests)):
        seconds = error.retry_after if isinstance(error.retry_after, int) else 0
        state = "closed" if isinstance(error, ServiceUnavailable) else "busy"
        return ErrorPage(
            state, status, request_id(), -(-seconds // 60), request.path if request.method in _SAFE else ""
        )
    named = {404: "missing", 405: "method"}
    return ErrorPage(named.get(status, "refused"), status, request_id())


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
