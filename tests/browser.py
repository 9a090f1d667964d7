"""The system's Chromium through Playwright. A process can drive one at a time, so a test run shares its own (``browser``)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

MISSING = "there is no Chromium: run tests/setup-system, or apt-get install chromium"
NAMES = (
    os.environ.get("LIFTLINK_TEST_CHROMIUM", ""),
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
"""In the order of ``tests/setup-system``."""
CHROMIUM = next((found for name in NAMES if name and (found := shutil.which(name))), None)
QUIET = (
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
    "--disable-sync", "--no-first-run", "--no-default-browser-check", "--disable-features=Translate,OptimizationHints,MediaRouter",
)  # fmt: skip
"""No traffic of the browser's own: what is measured and logged is ours. It opens only our own pages, so it needs no sandbox."""


@contextmanager
def next_page(page: Page) -> Generator[None]:
    """What is done within leads to another page, which has loaded when this ends.

    A click returns before its navigation does, or even before it began: whoever looks straight after it may see the page that
    is being left, or a document half-way between the two.
    """
    with page.expect_navigation(wait_until="load"):
        yield


@contextmanager
def browsing() -> Generator[Browser]:
    """A headless browser while the block runs."""
    if CHROMIUM is None:
        raise RuntimeError(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        try:
            yield browser
        finally:
            browser.close()
