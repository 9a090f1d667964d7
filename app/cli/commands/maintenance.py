"""``liftlink maintenance``: close the cart for a while, and open it again."""

from __future__ import annotations

from datetime import timedelta

import click

from app.cli.commands.common import say, shown


@click.group()
def maintenance() -> None:
    """Close the cart for a while. Orders that are under way go on to their end."""


@maintenance.command()
@click.option(
    "--minutes", type=click.IntRange(1, 24 * 60), default=30, show_default=True, help="What shoppers are told."
)
def on(minutes: int) -> None:
    """Close: links and carts answer 503 and say when to come back. It stays closed until ``maintenance off``."""
    from app.config import read_settings
    from app.web.maintenance import close_until
    from app.wiring.adapters import make_clock

    settings = read_settings()
    until = make_clock(settings).now() + timedelta(minutes=minutes)
    close_until(settings.maintenance, until)
    say(f"closed; shoppers are told to come back at {shown(until)}")


@maintenance.command()
def off() -> None:
    """Open again, at once."""
    from app.config import read_settings
    from app.web.maintenance import open_again

    say("open again" if open_again(read_settings().maintenance) else "it was open already")
