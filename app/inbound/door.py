"""``POST /notices/<gateway>/<merchant>/<mode>``: verified over the raw bytes, kept once, answered at once.

200   kept now, or kept before
400   malformed · unsigned · bad_signature · too_old · wrong_account · wrong_mode
404   not_found: no such address, or no secret is configured for it; never "accept"
405   any other method        413   too_large        429   too_many_refused
"""

from __future__ import annotations

import json
from collections.abc import Callable

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.charging.noticing import Kept, NoticeAddress, is_storable, keep_notice, notice_address
from app.gateways.port import GatewayError, Notice, NoticeRefused, OpenGateway
from app.kit.bell import Bell
from app.kit.clock import Clock
from app.models.store import Store
from app.web.limits import Ceiling

PREFIX = "/notices"
LARGEST_NOTICE = 256 * 1024
"""Bytes. Notices are a few thousand; whoever sends more is not a gateway."""
_TITLES = {
    "malformed": "This is not a notice",
    "unsigned": "The notice is not signed",
    "bad_signature": "The signature does not match",
    "too_old": "The signature is too old, or from the future",
    "wrong_account": "The notice is about another account",
    "wrong_mode": "The notice is of the other mode, live or test",
    "not_found": "There is nothing here",
    "too_large": "The notice is too large",
    "too_many_refused": "Too many refused notices came from here",
}
_log = structlog.get_logger(__name__)

Opened = Callable[[str], OpenGateway | None]
"""The opened gateway of that name, None where this installation does not have it."""


class _Door:
    """The view, with what it was handed. ``ceiling`` counts refusals: guessing is slow, genuine notices never are."""

    def __init__(self, opened: Opened, store: Store, clock: Clock, bell: Bell, ceiling: Ceiling | None) -> None:
        self._opened, self._store, self._clock, self._bell = opened, store, clock, bell
        self._ceiling = ceiling

    def take(self, gateway: str, merchant: str, mode: str) -> Response:
        body = _raw_body()
        place = self._find(gateway, merchant, mode)
        refused = None
        if body is not None and place is not None:
            refused = self._verified(*place, body)
            if isinstance(refused, Notice):  # kept whatever else came from there: behind a proxy all have one address
                return self._keep(place[0], refused, body)
        # Counted per address of ours: who guesses at one merchant's is not told to wait at another's.
        sender = f"{request.remote_addr} {place[0].book_id if place else ''}"
        wait = self._ceiling.wait_for(sender) if self._ceiling else 0
        if wait:
            return _problem(429, "too_many_refused", {"Retry-After": str(wait)})
        if body is None:
            return self._refuse(sender, 413, "too_large")
        if place is None or refused is None:
            return self._refuse(sender, 404, "not_found")
        _log.warning("notice_refused", book=place[0].book_id, gateway=gateway, code=refused.code)
        if refused.code == "no_secret":  # said as if nothing were here
            return self._refuse(sender, 404, "not_found")
        return self._refuse(sender, 400, refused.code)

    def _find(self, gateway: str, merchant: str, mode: str) -> tuple[NoticeAddress, OpenGateway] | None:
        opened = self._opened(gateway)
        if opened is None:
            return None
        with self._store.read() as conn:
            at = notice_address(conn, gateway, merchant, mode)
        return None if at is None else (at, opened)

    def _verified(self, at: NoticeAddress, opened: OpenGateway, body: bytes) -> Notice | NoticeRefused:
        """The notice, if this merchant's account in this mode signed it and it is about that account in that mode (I21)."""
        try:
            secrets = [each for each in opened.notice_secrets(at.account, livemode=at.livemode) if each]
            if not secrets:
                return NoticeRefused("no_secret")
            gateway = opened.at(at.account, livemode=at.livemode)
        except GatewayError as error:
            _log.error("notice_gateway_unusable", book=at.book_id, gateway=at.gateway, code=error.code)
            return NoticeRefused("no_secret")
        notice = gateway.read_notice(dict(request.headers), body, secrets, self._clock.now())
        if isinstance(notice, NoticeRefused):
            return notice
        if notice.account != at.account:
            return NoticeRefused("wrong_account")
        if notice.livemode != at.livemode:
            return NoticeRefused("wrong_mode")
        return notice if is_storable(notice) else NoticeRefused("malformed")

    def _keep(self, at: NoticeAddress, notice: Notice, body: bytes) -> Response:
        kept = keep_notice(self._store, self._clock, at, notice, body)
        if kept is Kept.DIFFERS:
            _log.error("notice_id_reused", book=at.book_id, gateway=at.gateway, event_id=notice.id)
        if kept is Kept.NEW:
            self._bell.ring()
        return Response('{"received":true}', 200, mimetype="application/json")

    def _refuse(self, sender: str, status: int, code: str) -> Response:
        if self._ceiling:
            self._ceiling.take(sender)
        return _problem(status, code)


def inbound_blueprint(opened: Opened, store: Store, clock: Clock, bell: Bell, ceiling: Ceiling | None) -> Blueprint:
    """The door. ``ceiling`` None: refusals are not counted."""
    door = _Door(opened, store, clock, bell, ceiling)
    blueprint = Blueprint("inbound", __name__, url_prefix=PREFIX)
    blueprint.post("/<gateway>/<merchant>/<mode>", endpoint="notice")(door.take)
    return blueprint


def _raw_body() -> bytes | None:
    """The bytes as they came, before any parsing; None when they are more than a notice has."""
    # One more than is allowed: a body without a length is cut off there without a word.
    request.max_content_length = LARGEST_NOTICE + 1
    try:
        body = request.get_data(cache=False, parse_form_data=False)
    except RequestEntityTooLarge:
        return None
    except ClientDisconnected:
        return b""
    return body if len(body) <= LARGEST_NOTICE else None


def _problem(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    said = {"type": "about:blank", "title": _TITLES.get(code, code), "status": status, "code": code}
    return Response(json.dumps(said), status, headers, mimetype="application/problem+json")
