"""One server and one browser for the whole run; each story brings a person of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.server import World, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
    "--disable-sync", "--no-first-run", "--no-default-browser-check", "--disable-features=Translate,OptimizationHints,MediaRouter",
]  # fmt: skip
"""No traffic of the browser's own: what is measured and logged is ours. It opens only our own pages, so it needs no sandbox."""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[World]:
    with serving(tmp_path_factory.mktemp("world"), empty_database) as world:
        yield world


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("there is no Chromium: run tests/setup-system, or apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def context_with(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """``context_with(java_script_enabled=False)``: a browser profile that knows nothing yet."""
    opened: list[BrowserContext] = []

    def make(**how: Any) -> BrowserContext:
        opened.append(browser.new_context(**how))
        opened[-1].set_default_timeout(15_000)
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture(params=["script", "no script"])
def page(request: pytest.FixtureRequest, context_with: Callable[..., BrowserContext]) -> Page:
    """A page of a browser with scripts, and one of a browser without."""
    return context_with(java_script_enabled=request.param == "script").new_page()


@pytest.fixture
def scripted(context_with: Callable[..., BrowserContext]) -> Page:
    return context_with().new_page()
