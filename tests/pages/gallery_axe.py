"""Axe over the whole gallery: WCAG 2 A to 2.2 AA and best practices, light and dark, at 320, 375 and 1280 pixels; no
sideways scroll at any width, nor with widened text; no console message; within budget on the wire.

``python -m tests.pages.gallery_axe [--quick] [STATE ...]``: ``--quick`` takes one width a theme.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pages.browser import browsing, serving
from tests.pages.gallery_app import gallery_app, names

WIDTHS = (320, 375, 1280)
OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
# WCAG 1.4.12: a reader may widen the text this far without losing anything.
WIDENED = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }"
SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass
class Walk:
    """What was found on the way."""

    pages: int = 0
    faults: list[str] = field(default_factory=list)
    where: str = ""

    def look(self, page: Page, url: str, axe: Axe, *, widen: bool) -> None:
        page.goto(url)
        self.pages += 1
        for violation in axe.run(page, options=OPTIONS).response["violations"]:
            targets = [" ".join(map(str, node["target"])) for node in violation["nodes"][:3]]
            self.faults.append(f"{self.where}: {violation['id']}: {violation['help']} at {targets}")
        if page.evaluate(SCROLLS):
            self.faults.append(f"{self.where}: scrolls sideways")
        if widen:
            # Through the debugger's own channel: the page's policy rightly refuses foreign styles.
            page.evaluate(
                "css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets = [sheet]; }",
                WIDENED,
            )
            if page.evaluate(SCROLLS):
                self.faults.append(f"{self.where}: scrolls sideways with widened text")


def walk(
    browser: Browser, address: str, states: list[str], widths: tuple[int, ...], languages: tuple[str, ...]
) -> Walk:
    found, axe = Walk(), Axe()
    for scheme in ("light", "dark"):
        for width in widths:
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.on("pageerror", lambda error: found.faults.append(f"{found.where}: script: {error}"))
            for language in languages:
                for name in states:
                    found.where = f"{language} {name} {scheme} {width}"
                    found.look(page, f"{address}/{language}/{name}", axe, widen=width == 320)
            context.close()
    return found


def main(arguments: list[str]) -> int:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    quick = "--quick" in arguments
    chosen = [name for name in arguments if not name.startswith("-")] or names()
    with serving(gallery_app()) as address, browsing() as browser:
        walks = [walk(browser, address, chosen, (320,) if quick else WIDTHS, ("en",))]
        if not quick:
            # Words get longer and turn round; colours and structure stay, so the narrowest width is enough.
            walks.append(walk(browser, address, chosen, (320,), ("fr", "ar")))
    faults = [fault for found in walks for fault in found.faults]
    for fault in faults:
        print(fault)
    print(f"{sum(found.pages for found in walks)} pages looked at, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
