"""What a shopper's browser does, without a browser: links, forms, presses, over real sockets that may die under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit

PATIENCE = 20.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Lost(Exception):
    """The connection ended without an answer."""


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    location: str
    text: str


class Browser:
    """One shopper at one server address. Redirects are followed only when asked."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str) -> Page:
        return self._ask("GET", path)

    def post(self, path: str, form: Mapping[str, str]) -> Page:
        return self._ask("POST", path, urlencode(form), FORM)

    def follow(self, path: str) -> tuple[str, Page]:
        """The page at the end of the redirects, and its path."""
        page = self.get(path)
        for _ in range(5):
            if page.status not in (302, 303) or not page.location:
                break
            path = local(page.location)
            page = self.get(path)
        return path, page

    def _ask(self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> Page:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Page(answer.status, answer.getheader("Location", ""), answer.read().decode(errors="replace"))
        except (OSError, HTTPException) as error:
            raise Lost(type(error).__name__) from None
        finally:
            connection.close()


def local(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass
class Form:
    """A form as its page sends it untouched; ``choices`` are the cards one may choose."""

    action: str
    values: dict[str, str]
    choices: list[str]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), {}, []))
        elif tag == "input" and self.found and given.get("name") and "disabled" not in given:
            form, kind = self.found[-1], given.get("type")
            if kind == "radio" and given["name"] == "card":
                form.choices.append(given.get("value", ""))
            if kind not in ("radio", "checkbox") or "checked" in given:
                form.values[given["name"]] = given.get("value", "")


def form_in(page: Page, ends: str) -> Form | None:
    """The form of that page whose action ends so."""
    reader = _Forms()
    reader.feed(page.text)
    for form in reader.found:
        if form.action.split("?")[0].endswith(ends):
            return form
    return None


def buy_form(page: Page) -> Form | None:
    """The Buy form with its box ticked."""
    form = form_in(page, "/buy")
    if form is not None:
        form.values["agree"] = "1"
    return form
