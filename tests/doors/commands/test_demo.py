"""The demo: every story has its link, the figures are those of July 1, and a second run starts stories anew."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.cli.commands.demo_buy import buy
from app.cli.commands.demo_clock import DemoClock, demo_clock, note_demo_clock
from app.cli.commands.demo_load import filled
from app.cli.commands.demo_stories import STORIES
from app.config import read_settings
from app.wiring import open_services
from tests.doors.commands.conftest import Commands

# Where each story's link leads first: 303 to a cart, or the page that says why not.
OPENS = {
    "expired": 410, "revoked": 410, "wrong-ip": 403, "key-retired": 410, "cut": 404, "refused": None,
}  # fmt: skip
# What its page then answers, where the link itself still leads to a cart.
SHOWS = {**OPENS, "scheduled": 409}
KINDS = {
    "reference": "5.00 USD due today, next billing January 1, 2027, renewal 50.00 USD",
    "extended-seat": "60.00 USD due today, next billing July 1, 2027, renewal 80.00 USD",
    "upgrade": "30.00 USD due today, next billing January 1, 2027, renewal 100.00 USD",
    "fixed-price": "9.00 USD due today, next billing January 1, 2027, renewal 40.00 USD",
    "difference": "120.00 USD due today, next billing January 1, 2027, renewal 320.00 USD",
    "monthly-to-yearly": "196.27 USD due today, next billing July 1, 2027, renewal 200.00 USD",
    "keep-day": "72.71 USD due today, next billing June 15, 2027, renewal 80.00 USD",
    "support": "12.00 USD due today, next billing January 1, 2027, renewal 104.00 USD",
    "guests": "21.00 USD due today, next billing January 1, 2027, renewal 272.00 USD",
    "signatures": "45.00 USD due today, next billing January 1, 2027, renewal 210.00 USD",
    "texts": "15.00 USD due today, next billing January 1, 2027, renewal 80.00 USD",
    "three-seats": "48.00 USD due today, next billing January 1, 2027, renewal 200.00 USD",
    "three-periods": "10.00 USD due today, next billing January 1, 2027, renewal 60.00 USD",
    "choose": "30.00 USD due today, next billing January 1, 2027, renewal 100.00 USD",
    "several-items": "65.00 USD due today, next billing January 1, 2027, renewal 160.00 USD, "
    "and on April 1, 2027, renewal 120.00 USD",
    "new-item": "60.00 USD due today, next billing January 1, 2027, renewal 200.00 USD",
    "downgrade-later": "0.00 USD due today, next billing January 1, 2027, renewal 80.00 USD",
    "downgrade-now": "0.00 USD due today, 30.00 USD credited, next billing January 1, 2027, renewal 40.00 USD",
    "early-renewal": "120.00 USD due today, next billing August 1, 2027, renewal 120.00 USD",
    "balance": "8.00 USD due today, next billing January 1, 2027, renewal 80.00 USD",
    "minimum": "0.00 USD due today, 0.33 USD let off, next billing July 4, 2026, renewal 120.00 USD",
    "tax": "21.00 USD due today, next billing January 1, 2027, renewal 80.00 USD",
    "trial": "200.00 USD due today, next billing July 1, 2027, renewal 200.00 USD",
    "euros": "60.00 EUR due today, next billing January 1, 2027, renewal 216.00 EUR",
}
"""What each kind of change comes to on July 1, worked out by hand."""


def told(run: Commands) -> dict[str, dict[str, Any]]:
    outcome = run("demo", "--no-serve", "--json")
    assert outcome.code == 0, outcome.err
    return {story["story"]: story for story in outcome.json}


@pytest.fixture
def stories(run: Commands, loaded_demo: Path) -> dict[str, dict[str, Any]]:
    """The demo as it was loaded a moment ago, in this test's own folder."""
    shutil.copytree(loaded_demo, run.folder, dirs_exist_ok=True)
    return {story["story"]: story for story in json.loads((run.folder / "told.json").read_text())}


def test_every_story_is_told_once(stories: dict[str, dict[str, Any]]):
    assert list(stories) == [story.code for story in STORIES]
    assert all(len(story["url"]) <= 200 for story in stories.values())


def test_the_figures_are_those_of_july_1(stories: dict[str, dict[str, Any]]):
    figures = {code: story["figures"] for code, story in stories.items()}
    assert {code: figures[code] for code in KINDS} == KINDS
    assert next(iter(figures)) == "reference"
    assert figures["nothing-due"].startswith("0.00 USD due today")
    assert figures["refused"].startswith("refused: subscription_not_active")


def test_every_price_rule_has_a_story_whose_page_says_it(stories: dict[str, dict[str, Any]]):
    says = {
        "upgrade": "already paid",
        "fixed-price": "One price for the change, whatever time is left",
        "difference": "The new price of a full period less the old one",
        "minimum": "0.33",
    }
    client = create_app().test_client()
    for code, sentence in says.items():
        page = client.get(stories[code]["url"].split("8000", 1)[1], follow_redirects=True)
        assert sentence in page.text, code


def test_each_link_leads_where_its_story_says(stories: dict[str, dict[str, Any]]):
    client = create_app().test_client()
    seen = {
        code: client.get(story["url"].split("8000", 1)[1]).status_code if story["url"] else None
        for code, story in stories.items()
    }
    assert seen == {code: OPENS.get(code, 303) for code in stories}


def test_every_story_opens_as_the_page_that_it_tells_of(stories: dict[str, dict[str, Any]]):
    client = create_app().test_client()
    seen = {
        code: client.get(story["url"].split("8000", 1)[1], follow_redirects=True).status_code if story["url"] else None
        for code, story in stories.items()
    }
    assert seen == {code: SHOWS.get(code, 200) for code in stories}


@pytest.mark.parametrize(
    "code",
    [
        "fixed-price",
        "difference",
        "minimum",
        "guests",
        "signatures",
        "texts",
        "several-items",
        "new-item",
        "downgrade-later",
        "downgrade-now",
        "early-renewal",
        "balance",
    ],
)
def test_what_a_story_offers_can_be_bought(stories: dict[str, dict[str, Any]], code: str):
    adapters = open_services(read_settings())
    buy(adapters, stories[code]["url"])
    adapters.close()
    page = create_app().test_client().get(stories[code]["url"].split("8000", 1)[1], follow_redirects=True)
    assert "on July 1, 2026" in page.text
    assert "Buy now" not in page.text


def test_several_items_tell_what_renews_on_which_day(stories: dict[str, dict[str, Any]]):
    def page(path: str) -> str:
        shown = create_app().test_client().get(path, follow_redirects=True)
        return " ".join(re.sub(r"<[^>]+>", "", shown.text).split())

    agreed = "and $160.00 every year from January 1, 2027, and $120.00 every year from April 1, 2027 plus any tax"
    cart = page(stories["several-items"]["url"].split("8000", 1)[1])
    assert "In addition, $120.00 a year is due from April 1, 2027." in cart
    assert agreed in cart
    adapters = open_services(read_settings())
    done = page(buy(adapters, stories["several-items"]["url"]))
    adapters.close()
    assert agreed in done
    assert re.search(r"Also renews ?April 1, 2027 ?\$120.00 plus any tax, then every year until you cancel", done)


def test_the_used_link_shows_what_was_bought(stories: dict[str, dict[str, Any]]):
    client = create_app().test_client()
    page = client.get(stories["used"]["url"].split("8000", 1)[1], follow_redirects=True)
    assert page.status_code == 200
    assert "Bought on July 1, 2026" in page.get_data(as_text=True)


def test_the_french_story_speaks_french_with_tax_inside(stories: dict[str, dict[str, Any]]):
    client = create_app().test_client()
    page = client.get(stories["euros"]["url"].split("8000", 1)[1], follow_redirects=True).get_data(as_text=True)
    assert '<html lang="fr"' in page
    assert "60,00\u00a0€" in page
    assert "Commander avec obligation de paiement" in page


def test_a_second_run_keeps_what_is_unused_and_replaces_what_was_bought(
    run: Commands, stories: dict[str, dict[str, Any]]
):
    adapters = open_services(read_settings())
    buy(adapters, stories["reference"]["url"])
    adapters.close()
    again = told(run)
    assert again["reference"]["fresh"]
    assert again["reference"]["figures"] == stories["reference"]["figures"]
    assert not again["upgrade"]["fresh"]
    assert again["upgrade"]["url"] != stories["upgrade"]["url"]


def test_on_another_day_it_is_july_1_again_and_time_has_not_gone_back(
    run: Commands, stories: dict[str, dict[str, Any]]
):
    path = run.folder / "demo-clock"
    noted = demo_clock(path)
    assert noted is not None
    note_demo_clock(path, DemoClock(noted.start, noted.real - timedelta(days=3)))
    again = told(run)
    assert again["reference"]["figures"] == "5.00 USD due today, next billing January 1, 2028, renewal 50.00 USD"
    later = demo_clock(path)
    assert later is not None
    assert later.start > noted.start
    assert later.start.astimezone(UTC).date().isoformat() == "2027-07-01"


@pytest.mark.usefixtures("stories")
def test_printed_for_people_it_names_the_day_and_holds_no_colour_when_piped(run: Commands):
    printed = run("demo", "--no-serve").out
    assert "The demo's day is July 1, 2026" in printed
    assert "\x1b" not in printed
    links = [line.strip() for line in printed.splitlines() if line.strip().startswith("http")]
    assert len(links) == len(STORIES) - 1
    assert all(" " not in link for link in links)


def test_it_is_never_loaded_beside_real_customers(run: Commands, monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "ENVIRONMENT": "production", "SECRET": "k3J-vT9q_wZ1xB7mN5cR8yL2dF6gH4sA0pQ", "GATEWAY": "stripe",
        "PUBLIC_URL": "https://pay.example",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"LIFTLINK_{name}", value)
    refused = run("demo", "--no-serve")
    assert (refused.code, "[demo_refuses_production]" in refused.err) == (1, True)


def test_years_and_copies_are_filled_in():
    row = {
        "number": 1048,
        "reference": "a{copy}",
        "exp_year": "{year+2}",
        "start": "{year}-01-01",
        "list": ["{year-1}"],
    }
    assert filled(row, 2026, "") == {
        "number": 1048, "reference": "a", "exp_year": 2028, "start": "2026-01-01", "list": [2025],
    }  # fmt: skip
    assert filled(row, 2027, "-2") == {
        "reference": "a-2", "exp_year": 2029, "start": "2027-01-01", "list": [2026],
    }  # fmt: skip


def test_the_demos_clock_goes_on_at_the_usual_pace():
    start, real = datetime(2026, 7, 1, 16, 14, tzinfo=UTC), datetime(2026, 11, 22, 10, tzinfo=UTC)
    clock = DemoClock(start, real)
    assert clock.now(real + timedelta(hours=2)) == start + timedelta(hours=2)
