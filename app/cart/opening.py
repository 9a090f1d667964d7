"""Opening: mailed links, the classic upgrade address, fresh links by mail, legal texts."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress

from flask import Response, g, redirect, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import NotFound

from app.cart.door import (
    Answer,
    cart_token,
    check_link_form,
    even_pace,
    link_form_token,
    now_seconds,
    scene_for,
    tongue_here,
    valid_days,
)
from app.cart.pages import render_ask_link, render_legal, render_link_sent
from app.checkout.opening import open_link
from app.links.errors import LinkError
from app.links.legacy import LegacyParameters, check_legacy, parse_legacy
from app.links.links import read_link
from app.links.sessions import read_cart, read_visit
from app.links.signing import ReadLink
from app.models.links import count_person
from app.offers.fresh import mail_fresh_link, mail_link_for_code
from app.subscriptions.facts import load
from app.subscriptions.offered import OfferError, offered
from app.web.brand import brand_css
from app.web.errors import charges_nothing
from app.web.frame import keep_language, with_query
from app.web.services import for_book, services

_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
# Mail scanners, link previews and libraries by the names they give themselves; whoever pretends is caught by not loading
# the page's styles.
_MACHINE = re.compile(
    r"bot|crawl|spider|preview|scan|proofpoint|mimecast|safelinks|barracuda|facebookexternalhit|slack|whatsapp|curl|wget|"
    r"python|okhttp|java/|go-http|headless|monitor|check",
    re.IGNORECASE,
)


def open_mailed_link(token: str) -> Answer:
    """``/u/<token>``: check the link and go on to its cart. Unknown query parameters are ignored, known UTM kept."""
    link = read_link(token, services().directory.key_ring(), now_seconds())
    return _to_cart(link)


def _to_cart(link: ReadLink) -> Answer:
    world = services()
    for_book(link.book)
    g.cart_book, g.link_claims = link.book, link.claims  # for the page of a refusal
    language = request.args.get("lang", "")
    session = open_link(
        world.store, world.clock, world.randomness, link, address=request.remote_addr, machine=_is_machine(),
        utm={name: value[:100] for name in _UTM if (value := request.args.get(name))},
        language=language if language in world.pages.languages.enabled else "",
    )  # fmt: skip
    target = f"/cart/{cart_token(session, link.book)}"
    return redirect(with_query(target, lang=session.language) if session.language else target, 303)


def _is_machine() -> bool:
    headers = request.headers
    purpose = f"{headers.get('Purpose', '')} {headers.get('Sec-Purpose', '')}"
    return (
        request.method == "HEAD" or "prefetch" in purpose or bool(_MACHINE.search(headers.get("User-Agent") or "bot"))
    )


def person_seen(ticket: str) -> Answer:
    """The brand's styles under an address of this visit: a browser that loads them shows the page to somebody.

    Scanners fetch pages; few load what a page links to. Only counters are written, and the styles come whatever happens.
    """
    world = services()
    opened = read_visit(ticket, world.directory.own_ring(), now_seconds())
    if request.method == "GET" and not _is_machine() and _first_time(opened.value.visit):
        with suppress(DBAPIError), world.store.write_if_free() as connection:
            count_person(connection, opened.book, opened.value.link_id.text)
    css = brand_css(for_book(opened.book).brand_colour)
    return Response(css, mimetype="text/css", headers={"Cache-Control": "private, max-age=3600"})


_seen: OrderedDict[bytes, None] = OrderedDict()
MOST_SEEN = 10_000


def _first_time(visit: bytes) -> bool:
    """Whether this process meets the visit for the first time: loading styles again is no further person."""
    if visit in _seen:
        return False
    _seen[visit] = None
    while len(_seen) > MOST_SEEN:
        _seen.popitem(last=False)
    return True


def send_fresh_link(token: str) -> Answer:
    """Mail a new link to the address on file. The answer is the same whether or not there was anything to send."""
    return _send_fresh(token, any_link(token), f"/u/{token}/sent")


def send_fresh_link_for_cart(token: str) -> Answer:
    """The same from a cart whose link ended while it was open."""
    return _send_fresh(token, link_of_cart(token), f"/cart/{token}/sent")


def _send_fresh(token: str, link: ReadLink, sent: str) -> Answer:
    check_link_form(token, link.book)
    world = services()
    tongue = tongue_here(for_book(link.book).locale)
    charges_nothing()
    with even_pace():
        mail_fresh_link(
            world.store, world.clock, world.directory.key_ring(), link, base_url=world.public_url,
            language=tongue.language,
        )  # fmt: skip
        world.bell.ring()
    return redirect(keep_language(sent, tongue), 303)


def fresh_link_sent(token: str) -> Answer:
    return _fresh_sent(any_link(token))


def fresh_link_sent_for_cart(token: str) -> Answer:
    return _fresh_sent(link_of_cart(token))


def _fresh_sent(link: ReadLink) -> Answer:
    return render_link_sent(scene_for(link.book), valid_days=valid_days(link))


def any_link(token: str) -> ReadLink:
    """The link whatever became of it, as long as a key of ours signed it."""
    try:
        return read_link(token, services().directory.key_ring(), now_seconds())
    except LinkError as error:
        if error.link is None:
            raise
        return error.link


def link_of_cart(token: str) -> ReadLink:
    """The link that a cart was opened from, whatever became of either."""
    directory = services().directory
    links = directory.key_ring()
    try:
        opened = read_cart(token, directory.own_ring(), now_seconds(), links)
    except LinkError as error:
        if error.link is None:
            raise
        return error.link
    key = links.key(opened.value.link_kid)
    if key is None:
        raise LinkError("link_bad_signature")
    return ReadLink(opened.value.claims, key)


def open_classic_address() -> Answer:
    """``/order/upgrade?LICENSE=…&TOKEN=…``: the token decides, the other parameters must say the same."""
    parameters = parse_legacy(request.args.items(multi=True))
    if parameters.token is None:
        return _ask_for_link(parameters)
    link = read_link(parameters.token, services().directory.key_ring(), now_seconds())
    _compare(parameters, link)
    return _to_cart(link)


def _compare(parameters: LegacyParameters, link: ReadLink) -> None:
    world = services()
    with world.store.read() as connection:
        held = load(connection, link.book, link.claims.subscription, by_customer=link.claims.customer)
        if held is None:
            raise LinkError("link_malformed")
        names = {held.reference, str(held.number), held.external_ref or "", held.delivered_code or ""} - {""}
        try:
            change = offered(connection, link.book, link.claims.offer, world.clock.now()).change
        except OfferError:
            change = None
    check_legacy(
        parameters, link.claims, also_named=names, product=change.product if change else None,
        options=(change.options or ()) if change else None,
    )  # fmt: skip


def _book_here() -> int | None:
    return services().directory.book_at(request.host, "live")


def _books_here() -> list[int]:
    """The live book, and where only the sandbox charges also the test book, so that the address can be tried out."""
    world = services()
    modes = ("live", "test") if world.sandbox else ("live",)
    return [book for mode in modes if (book := world.directory.book_at(request.host, mode)) is not None]


def _ask_for_link(parameters: LegacyParameters) -> Answer:
    """Without a token nothing is known: the page only offers to mail a link, and knows no merchant but a single one."""
    book_id = _book_here()
    if book_id is None or not parameters.license:
        raise LinkError("link_malformed")
    hidden = {"LICENSE": parameters.license[:64], "UPGRADEPROD": (parameters.product or "")[:64]}
    form_token = link_form_token(hidden["LICENSE"], book_id)
    return render_ask_link(scene_for(book_id), action="/order/upgrade/fresh", hidden=hidden, form_token=form_token)


def send_link_for_classic() -> Answer:
    """The same answer for every subscription code, known or not."""
    world = services()
    book_id = _book_here()
    if book_id is None:
        raise NotFound
    form: Mapping[str, str] = request.form
    check_link_form(form.get("LICENSE", ""), book_id)
    charges_nothing()
    with even_pace():
        for each in _books_here():
            mail_link_for_code(
                world.store, world.clock, world.directory.key_ring(), each, form.get("LICENSE", ""),
                form.get("UPGRADEPROD", ""), base_url=world.public_url, language=tongue_here(None).language,
            )  # fmt: skip
        world.bell.ring()
    return redirect(keep_language("/order/upgrade/sent", tongue_here(None)), 303)


def classic_sent() -> Answer:
    book_id = _book_here()
    if book_id is None:
        raise NotFound
    return render_link_sent(scene_for(book_id))


def legal(merchant: str, kind: str) -> Answer:
    """S-29: the merchant's own words. ``?back=`` is a path of ours, nothing else."""
    facts = services().directory.merchant_named(merchant)
    if facts is None:
        raise NotFound
    back = request.args.get("back", "")
    if not re.fullmatch(r"/(cart|done)/[0-9A-Za-z._-]+(\?lang=[a-z]{2})?", back):
        back = ""
    return render_legal(scene_for(facts.book_id), kind, back=back)
