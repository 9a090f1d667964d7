"""Asks for pages and checks every one it gets: valid HTML, one heading that starts the title, unique ids, labelled fields,
no inline style or script, and the headers that keep a token from leaking. House rules then cost nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from werkzeug.test import TestResponse

XHTML = "{http://www.w3.org/1999/xhtml}"

# The two titles that the drawings word otherwise than their headings: in a list of tabs the money comes first.
TITLES_OF_THEIR_OWN = (
    ("Payment declined, nothing was charged", "Your bank declined the payment"),
    ("This offer link has expired", "This link has expired"),
    ("Paiement refusé, rien n’a été débité", "Votre banque a refusé le paiement"),
    ("Ce lien d’offre a expiré", "Ce lien a expiré"),
)
ERROR_MARKS = ("Error: ", "Erreur\u00a0: ")


@lru_cache(maxsize=64)
def parsed(html: str) -> Element:
    """The document, or an ``AssertionError`` that names the first fault of its HTML.

    Kept, because a test asks the same page several questions and reading it anew is half of what such a test costs.
    """
    parser = html5lib.HTMLParser(strict=False)
    document = parser.parse(html)
    assert not parser.errors, [(place, code, found) for place, code, found in parser.errors[:5]]
    return document


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def elements(document: Element, *names: str) -> Iterator[Element]:
    for element in document.iter():
        if isinstance(element.tag, str) and element.tag.removeprefix(XHTML) in names:
            yield element


def check_page(html: str) -> Element:
    """Every rule that holds for all pages; gives the document back for more questions."""
    document = parsed(html)
    check_heading(document)
    check_ids(document)
    check_fields(document)
    check_no_inline(document, html)
    check_one_main_button(document)
    return document


def check_heading(document: Element) -> None:
    headings = [text_of(heading) for heading in elements(document, "h1")]
    assert len(headings) == 1, headings
    title = text_of(next(elements(document, "title")))
    for mark in ERROR_MARKS:
        title = title.removeprefix(" ".join(mark.split()) + " ")
    own = any(title.startswith(start) and headings[0] == heading for start, heading in TITLES_OF_THEIR_OWN)
    arabic = document.get("lang") == "ar"
    assert own or arabic or title.startswith(headings[0]), (title, headings[0])
    assert document.get("lang"), "a page says its language"
    assert document.get("dir") in {"ltr", "rtl"}, "a page says its direction"


def check_ids(document: Element) -> None:
    ids = [element.get("id", "") for element in document.iter() if element.get("id")]
    assert not [name for name, count in Counter(ids).items() if count > 1], ids
    for element in document.iter():
        for attribute in ("aria-describedby", "aria-labelledby", "for", "aria-controls"):
            for name in (element.get(attribute) or "").split():
                assert name in ids, f"{attribute}={name} leads nowhere"
        target = element.get("href") or ""
        if target.startswith("#") and len(target) > 1:
            assert target[1:] in ids, f"{target} leads nowhere"


def check_fields(document: Element) -> None:
    labelled = {label.get("for") for label in elements(document, "label")}
    for field in elements(document, "input", "select", "textarea"):
        if field.get("type") not in {"hidden", "submit"}:
            assert field.get("id") in labelled, f"the field {field.get('name')} has no label"
        assert "autofocus" not in field.attrib
    for box in elements(document, "input"):
        if box.get("type") == "checkbox":
            # Options show what one has or picked; nothing that is agreed to or bought on top is ever ticked.
            is_option = box.get("name") == "option"
            assert is_option or "checked" not in box.attrib, "a box is never ticked beforehand"
    for button in elements(document, "button", "a"):
        assert text_of(button) or button.get("aria-label"), "a control without a name"


def check_no_inline(document: Element, html: str) -> None:
    assert not list(elements(document, "style")), "styles live in files"
    for script in elements(document, "script"):
        assert script.get("src", "").startswith("/static/"), "scripts live in our own files"
        assert not text_of(script)
    for element in document.iter():
        assert "style" not in element.attrib, f"inline style on {element.tag}"
        assert not [name for name in element.attrib if name.startswith("on")], f"inline handler on {element.tag}"
    for sheet in elements(document, "link"):
        assert sheet.get("href", "").startswith(("/static/", "/brand/", "/look/", "data:,")), sheet.get("href")
    assert "http-equiv" not in html, "no refresh behind the shopper's back"


def check_one_main_button(document: Element) -> None:
    main = [
        element for element in elements(document, "a", "button") if "btn--main" in (element.get("class") or "").split()
    ]
    assert len(main) <= 1, [text_of(element) for element in main]


def check_headers(response: TestResponse) -> None:
    headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; "), policy
    assert "'unsafe" not in policy
    for part in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy, policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Request-Id"]
    assert "Set-Cookie" not in headers, "a shopper needs no cookie"


class PageClient:
    """Flask's test client that trusts no page. It keeps no cookie, as a mail program's web view keeps none."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client(use_cookies=False)

    def get(self, path: str, status: int = 200, **options: Any) -> TestResponse:
        """The answer to GET, its page checked; the status must be the one named. HEAD is asked too and must agree."""
        response = self._checked(self._client.get(path, **options), status)
        head = self._client.head(path, **options)
        assert head.status_code == response.status_code, "HEAD answers like GET"
        assert not head.data
        return response

    def post(self, path: str, data: dict[str, Any], status: int = 303, **options: Any) -> TestResponse:
        """The answer to a form, its page checked if it is one."""
        return self._checked(self._client.post(path, data=data, **options), status)

    def follow(self, response: TestResponse, status: int = 200) -> TestResponse:
        """The page that a 303 leads to."""
        assert response.status_code == 303, response.status_code
        return self.get(response.headers["Location"], status)

    def _checked(self, response: TestResponse, status: int) -> TestResponse:
        shown = response.get_data(as_text=True)[:600] if response.mimetype == "text/html" else ""
        assert response.status_code == status, f"{response.status_code} instead of {status}: {shown}"
        if response.mimetype == "text/html" and status != 303:
            check_page(response.get_data(as_text=True))
        check_headers(response)
        return response


def form_values(html: str, action_ends: str) -> dict[str, str]:
    """What a browser would send for the untouched form whose action ends so: hidden fields, chosen radios, typed values."""
    document = parsed(html)
    for form in elements(document, "form"):
        if (form.get("action") or "").split("?")[0].endswith(action_ends):
            return {
                field.get("name", ""): field.get("value", "") for field in elements(form, "input") if _is_sent(field)
            }
    raise AssertionError(f"no form posts to …{action_ends}")


def _is_sent(field: Element) -> bool:
    if "disabled" in field.attrib or not field.get("name"):
        return False
    return field.get("type") not in {"radio", "checkbox"} or "checked" in field.attrib
