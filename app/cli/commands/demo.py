"""``liftlink demo``: a believable merchant, one link a story, and the server to click them at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from textwrap import wrap
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from app.cli.commands.common import json_option, note, print_json, say
from app.cli.commands.demo_clock import DemoClock, demo_clock, note_demo_clock
from app.cli.commands.demo_stories import STORIES
from app.cli.commands.demo_story import Told
from app.cli.commands.subscription_quote import width
from app.kit.errors import LiftlinkError

if TYPE_CHECKING:
    from app.config import Settings
    from app.wiring import Adapters

FIRST_YEAR = 2026
ZONE = "America/Los_Angeles"
MORNING = (9, 14)
"""When the demo's July 1 begins, in the merchant's zone."""
EVENING = 20
"""A demo that is loaded later than this hour begins a new July 1, so that the day does not end under the reader."""
PORTS_TRIED = 10
PENDING_SECONDS = 30.0
"""How long the slow bank takes, so that its page can be read."""


class DemoError(LiftlinkError):
    """``demo_refuses_production`` · ``demo_needs_sandbox``."""


@click.command()
@click.option("--no-serve", is_flag=True, help="Load and print only.")
@click.option("--port", type=int, help="The port to serve on. Default: LIFTLINK_PORT, or the next free one.")
@json_option
def demo(no_serve: bool, port: int | None, as_json: bool) -> None:
    """Load a believable merchant, print one link for each story, and serve the pages.

    Run it again as often as you like: the data stays, every story gets a new link, and a story whose subscription was
    bought or changed gets a fresh customer. The demo's clock starts on July 1, whatever day it is.
    """
    from app import migrations
    from app.config import read_settings
    from app.models.store import Store
    from app.wiring import open_services
    from app.wiring.log import configure_log

    settings = _settings(port, serving=not no_serve)
    store = Store(settings.database)
    migrations.upgrade(store.engine)
    _set_clock(settings, store)
    store.close()
    configure_log(settings.model_copy(update={"log_level": "warning"}))  # what the stories bought is no news
    adapters = open_services(settings)
    try:
        told = _tell(adapters)
        today = adapters.clock.now()
    finally:
        adapters.close()
    if as_json:
        print_json([asdict(story) for story in told])
    else:
        _print(told, today, settings)
    if no_serve:
        return
    from app.cli.commands.serve import start

    sys.stdout.flush()
    start(read_settings(settings.model_dump()))


def _settings(port: int | None, *, serving: bool) -> Settings:
    from app.cli.commands.serve import check_port
    from app.config import read_settings

    given: dict[str, object] = {"sandbox_processing_seconds": PENDING_SECONDS}
    settings = read_settings(given)
    if settings.production:
        raise DemoError("demo_refuses_production", "LIFTLINK_ENVIRONMENT is production: the demo is not loaded beside real customers")  # fmt: skip
    if settings.gateway != "sandbox":
        raise DemoError(
            "demo_needs_sandbox", f"LIFTLINK_GATEWAY is {settings.gateway}: the demo's cards are the sandbox's"
        )
    given["port"] = port or settings.port
    if serving and port is None:
        given["port"] = _free_port(settings)
    elif serving:
        check_port(settings.host, port or settings.port)
    if "public_url" not in settings.model_fields_set:
        given["public_url"] = f"http://{settings.host}:{given['port']}"
    return read_settings(given)


def _free_port(settings: Settings) -> int:
    from app.cli.commands.serve import ServeError, check_port

    for port in range(settings.port, settings.port + PORTS_TRIED):
        try:
            check_port(settings.host, port)
        except ServeError as error:
            if error.code != "port_taken" or port == settings.port + PORTS_TRIED - 1:
                raise
            continue
        if port != settings.port:
            note(f"port {settings.port} is taken; this demo uses {port}")
        return port
    raise AssertionError("the last port is free or raises")


def _set_clock(settings: Settings, store: object) -> None:
    """The demo's clock only goes forward: later today it goes on, on another day it begins the next year's July 1."""
    if settings.start_at is not None:
        return
    real = datetime.now(UTC)
    noted = demo_clock(settings.demo_clock)
    year = FIRST_YEAR
    if noted is not None and _has_demo(store):
        local = noted.now(real).astimezone(ZoneInfo(ZONE))
        if (local.month, local.day) == (7, 1) and local.hour < EVENING:
            return
        year = local.year + ((local.month, local.day) >= (7, 1))
    start = datetime(year, 7, 1, *MORNING, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    note_demo_clock(settings.demo_clock, DemoClock(start, real))


def _has_demo(store: object) -> bool:
    from app.accounts.merchants import merchant_codes
    from app.models.store import Store

    if not isinstance(store, Store):
        return False
    with store.read() as connection:
        return "quillmark" in merchant_codes(connection)


def _tell(adapters: Adapters) -> list[Told]:
    from app.cli.commands.demo_links import tell
    from app.cli.commands.demo_load import load_merchants, read_data

    load_merchants(adapters)
    people = read_data("people.json")
    return [tell(adapters, story, people) for story in STORIES]


def _print(told: Sequence[Told], now: datetime, settings: Settings) -> None:
    local = now.astimezone(ZoneInfo(ZONE))
    day = f"{local:%B} {local.day}, {local.year}"
    click.secho(
        f"Quillmark CRM. The demo's day is {day}: its clock is moved, so that the figures are the same on any day.",
        bold=True,
    )
    for number, story in enumerate(told, 1):
        say()
        click.echo(click.style(f"{number:>2}. {story.title}", bold=True) + click.style(f"  [{story.story}]", dim=True))
        for line in wrap(story.shows, width() - 4):
            say(f"    {line}")
        if story.figures:
            click.secho(f"    {story.figures}", fg="green")
        if story.url:
            say(f"    {story.url}")
    say()
    if any(story.fresh for story in told):
        say("Stories that had been used up have a fresh customer.")
    say(f"Mail is written to {settings.outbox}. Cards for the gateway's page are listed on it.")
    say()
