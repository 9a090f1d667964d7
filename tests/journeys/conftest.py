"""One server and one browser for each process of the run; each story brings a person of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.server import World, serving

PATIENCE = 15_000
"""Milliseconds that a page may take for what it is to show: other processes want the machine too."""
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[World]:
    with serving(tmp_path_factory.mktemp("world"), empty_database) as world:
        yield world


@pytest.fixture
def context_with(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """``context_with(java_script_enabled=False)``: a browser profile that knows nothing yet."""
    opened: list[BrowserContext] = []

    def make(**how: Any) -> BrowserContext:
        opened.append(browser.new_context(**how))
        opened[-1].set_default_timeout(PATIENCE)
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


@pytest.fixture
def plain(context_with: Callable[..., BrowserContext]) -> Page:
    """A browser without scripts, for ways that no script of ours knows."""
    return context_with(java_script_enabled=False).new_page()
