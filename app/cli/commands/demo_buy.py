"""Buys what a demo's link offers, through the pages, as a shopper would: the way in that has all the checks."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from app.wiring import Adapters


class _Form(HTMLParser):
    """The decision card's fields, with the boxes ticked and the chosen card kept."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._inside = (given.get("action") or "").endswith("/buy")
            self.action = (given.get("action") or "") if self._inside else self.action
        elif tag == "input" and self._inside and (given.get("type") != "radio" or "checked" in given):
            self.fields[given.get("name") or ""] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def buy(adapters: Adapters, url: str) -> str:
    """Opens the link, ticks the boxes and presses the button; the path of the order's page. ``LookupError`` when the pages did not go that way."""
    from app.wiring import build_app

    app = build_app(adapters.settings.model_dump() | {"log_level": "warning"})
    with app.test_client() as shopper:
        cart = shopper.get(urlsplit(url).path, follow_redirects=True)
        form = _Form()
        form.feed(cart.get_data(as_text=True))
        answer = shopper.post(form.action, data=form.fields) if form.action else cart
        if answer.status_code != 303:
            raise LookupError(f"the demo's purchase ended with {answer.status}")
        return answer.headers["Location"]
