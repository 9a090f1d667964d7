"""``liftlink subscription``: what a customer holds, what a change would cost, making one, and what happened so far."""

from __future__ import annotations

from typing import Any

import click

from app.cli.commands.common import ACTOR, chosen_book, opened, print_json, say
from app.cli.commands.subscription_change import change, quote, schedule
from app.cli.commands.subscription_terms import find, on_subscription


@click.group()
def subscription() -> None:
    """Subscriptions, by our number (1048 or QM-1048) or by your own reference: look, price, change, undo."""


@subscription.command()
@on_subscription
def show(ref: str, merchant: str | None, mode: str, as_json: bool) -> None:
    """Print how a subscription stands: items and lots, next billing, renewal, balance, scheduled change, cards, ledger."""
    from app.cli.commands.subscription_facts import standing_facts
    from app.cli.commands.subscription_reading import standing
    from app.cli.commands.subscription_show import print_standing

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        with adapters.store.read() as connection:
            held = find(connection, book.id, ref)
            found = standing(connection, held, adapters.clock.now())
    if as_json:
        print_json(standing_facts(found))
    else:
        print_standing(found)


@subscription.command()
@click.option(
    "--ledger", "with_ledger", is_flag=True, help="Also the rows of what was paid for, which credit comes from."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many of each, the newest."
)
@on_subscription
def history(ref: str, with_ledger: bool, limit: int, merchant: str | None, mode: str, as_json: bool) -> None:
    """Print what happened to a subscription: changes with before and after, scheduled ones, orders; who and when."""
    from app.cli.commands.subscription_history import history_facts, print_history
    from app.cli.commands.subscription_past import past

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        with adapters.store.read() as connection:
            held = find(connection, book.id, ref)
            found = past(connection, held, limit, with_ledger=with_ledger)
    if as_json:
        print_json(history_facts(held, found))
    else:
        print_history(held, found)


@subscription.command()
@on_subscription
def undo(ref: str, merchant: str | None, mode: str, as_json: bool) -> int:
    """Take back the change that waits for the next billing date. The subscription stays as it is."""
    from app.cli.commands.subscription_facts import told_scheduled
    from app.kit.errors import LiftlinkError
    from app.subscriptions.undoing import undo_change

    with opened() as adapters:
        book = chosen_book(adapters, merchant, mode)
        with adapters.store.read() as connection:
            held = find(connection, book.id, ref)
        waiting = held.scheduled
        if waiting is None or not undo_change(
            adapters.store, adapters.clock, book.id, held.id, actor=ACTOR, order_id=waiting.order_id
        ):
            raise LiftlinkError("nothing_scheduled", f"no change of {held.reference} waits for its next billing date")
    facts: dict[str, Any] = {"subscription": held.reference, "undone": told_scheduled(held)}
    if as_json:
        print_json(facts)
        return 0
    say(f"{held.reference}: the change scheduled for {facts['undone']['on']} is undone. Nothing else has changed.")
    return 0


for command in (quote, change, schedule):
    subscription.add_command(command)
