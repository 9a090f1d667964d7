"""``liftlink queue``: what no machine may decide, and what a person decides about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from app.cli.commands.common import (
    ACTOR,
    chosen_merchant,
    json_option,
    merchant_option,
    opened,
    print_json,
    print_table,
    say,
    shown,
)
from app.kit.money import format_minor

if TYPE_CHECKING:
    from app.charging.desk import Matter
    from app.charging.observing import Watch
    from app.wiring import Adapters

ACTS = {
    "adopt": "The money is there and belongs to the order: book it. A refund that came back: to the customer's balance.",
    "cancel": "No money was taken: make sure of it at the gateway and let go. For what is dead: take it off the queue.",
    "refund": "Give the money back at the gateway; the order ends. For a failed refund: ask for it again.",
    "release": "Let the machine look at it again.",
}


@click.group()
def queue() -> None:
    """Payments, refunds, disputes and messages that wait for a person."""


@queue.command("list")
@merchant_option
@json_option
def list_(merchant: str | None, as_json: bool) -> int:
    """List what waits, the longest first. Exit code 1 when something does."""
    from app.charging.desk import matters

    with opened() as adapters, adapters.store.read() as connection:
        books = _books(adapters, merchant)
        found = [each for each in matters(connection, adapters.clock.now()) if books is None or each.book_id in books]
    if as_json:
        print_json([_told(each) for each in found])
    elif found:
        rows = [[each.id, shown(each.since), each.order, _amount(each), each.why] for each in found]
        print_table(["name", "since", "order", "amount", "why"], rows)
    else:
        say("nothing waits for a person")
    return 1 if found else 0


@queue.command("show")
@click.argument("name")
@json_option
def show_(name: str, as_json: bool) -> None:
    """Show all that is known of NAME, and what the gateway says now."""
    from app.charging.desk_acts import show

    with opened() as adapters:
        known = show(_watch(adapters), name)
    matter: Matter = known["matter"]
    if as_json:
        print_json({**known, "matter": _told(matter)})
        return
    facts = {
        "what": matter.kind, "since": shown(matter.since), "why": matter.why, "order": matter.order,
        "payment": matter.payment, "amount": _amount(matter), "the gateway says": known["gateway_says"],
        "you may": ", ".join(matter.may) or "nothing before the gateway answers", **_facts(matter),
    }  # fmt: skip
    print_table(["fact", "value"], [[each, value] for each, value in facts.items() if value != ""])
    if known["log"]:
        say()
        rows = [
            [shown(row["at"]), row["from_state"], row["to_state"], row["cause"], row["actor"]] for row in known["log"]
        ]
        print_table(["at", "from", "to", "why", "by"], rows)


@queue.command()
@click.argument("name")
@click.option("--adopt", "act", flag_value="adopt", help=ACTS["adopt"])
@click.option("--cancel", "act", flag_value="cancel", help=ACTS["cancel"])
@click.option("--refund", "act", flag_value="refund", help=ACTS["refund"])
@click.option("--release", "act", flag_value="release", help=ACTS["release"])
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept with the decision.")
@json_option
def resolve(name: str, act: str | None, reason: str, as_json: bool) -> None:
    """Decide about NAME. Only what the gateway's truth allows is done; the gateway is asked first."""
    from app.charging.desk_acts import resolve as decide

    if act is None:
        raise click.UsageError("say what: --adopt, --cancel, --refund or --release")
    with opened() as adapters:
        done = decide(_watch(adapters), name, act, actor=ACTOR, reason=reason)
        adapters.bell.ring()
    if as_json:
        print_json({"name": name, "act": act, "done": done})
    else:
        say(done)


def _watch(adapters: Adapters) -> Watch:
    from app.charging.drive import driver_name
    from app.charging.observing import Watch

    return Watch(adapters.store, adapters.gateways, adapters.clock, driver_name("person", adapters.randomness))


def _books(adapters: Adapters, merchant: str | None) -> set[int] | None:
    """The merchant's two books; None for everybody's."""
    from app.accounts.merchants import book_of

    if merchant is None:
        return None
    code = chosen_merchant(adapters, merchant)
    with adapters.store.read() as connection:
        return {book_of(connection, code, mode) for mode in ("live", "test")}


def _told(matter: Matter) -> dict[str, Any]:
    return {name: value for name, value in asdict(matter).items() if name not in ("key", "book_id")}


def _amount(matter: Matter) -> str:
    if matter.amount is None or not matter.currency:
        return ""
    return _money(matter.amount, matter.currency)


def _money(amount: int, currency: str) -> str:
    return f"{format_minor(amount, currency)} {currency}"


def _facts(matter: Matter) -> dict[str, Any]:
    """As a person reads them; ``--json`` has them as they are kept."""
    told = {name: value for name, value in matter.facts.items() if value is not None}
    if "livemode" in told:
        told["mode"] = "live" if told.pop("livemode") else "test"
    if matter.currency:
        sums = {name: told[name] for name in ("amount", "captured", "refunded") if isinstance(told.get(name), int)}
        told |= {name: _money(value, matter.currency) for name, value in sums.items()}
        told.pop("currency", None)
    return told
