"""``liftlink reconcile``: everything that the worker does, once and to its end, and the comparison with the gateway."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from app.cli.commands.common import json_option, note, opened, print_json, print_table, say

if TYPE_CHECKING:
    from app.jobs.reconciling import Reconciled

JOBS = {
    "leases": "rows held by a clock that was far ahead, freed",
    "expirer": "deadlines and ends of validity",
    "hasten": "payments looked at before their time, since the gateway answers again",
    "sweep": "payments that were due",
    "inbox": "notices of the gateway",
    "refunds": "refunds that were due",
    "orphans": "payments that no attempt accounts for",
    "setups": "card pages that were due",
    "outbox": "mails sent",
    "janitor": "undecided payments, looked at whatever their back-off says",
    "leftovers": "unconfirmed payments of yesterday, cancelled",
    "compare": "differences between the gateway's books and ours",
}


SECONDS = 300.0
SECONDS_OF_A_RESTORE = 3600.0
"""The second comparison comes some twenty minutes after the first, and both may take their time."""


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(1, 24 * 3600),
    help=f"Begin nothing after that.  [default: {SECONDS:.0f}, with --wait {SECONDS_OF_A_RESTORE:.0f}]",
)
@click.option(
    "--wait", is_flag=True, help="After a restore: go on, within --seconds, until the second comparison opens charging."
)
@json_option
def reconcile(seconds: float | None, wait: bool, as_json: bool) -> int:
    """Bring payments, refunds, notices and mails to rest, and compare with the gateway.

    Safe at any time, beside running servers and again and again. Exit code 0: nothing is left to do but what waits for a
    person (liftlink queue list); 1: a list or payment could not be read, a job failed, charging is closed, or time was up.
    """
    from app.charging.desk import count_matters
    from app.jobs.reconciling import reconcile as run
    from app.wiring.reconciling import reconcile_tools

    seconds = seconds or (SECONDS_OF_A_RESTORE if wait else SECONDS)
    with opened() as adapters:
        done = run(reconcile_tools(adapters), seconds=seconds, wait=wait)
        with adapters.store.read() as connection:
            people = count_matters(connection, adapters.clock.now())
    if as_json:
        print_json({"done": done.is_done, **asdict(done), "for_a_person": people})
    else:
        _show(done, people)
    return 0 if done.is_done else 1


def _show(done: Reconciled, people: int) -> None:
    rows = [[name, done.failed.get(name, done.jobs.get(name, 0)), what] for name, what in JOBS.items()]
    print_table(["job", "done", "what"], rows)
    compared = done.compared
    say(
        f"compared {compared.accounts} accounts, {compared.listed} payments listed, {compared.differed} differed, "
        f"{compared.refunds} refunds and {compared.disputes} disputes taken in"
    )
    if people:
        say(f"{people} wait for a person: liftlink queue list")
    for name, error in done.failed.items():
        note(f"{name} failed: {error}; the log says more")
    if done.unread:
        note(f"{done.unread} accounts could not be read whole; they are compared again later")
    if done.undecided:
        note(f"{done.undecided} payments or disputes could not be decided; they are tried again")
    for each in done.closed:
        mode = "live" if each.livemode else "test"
        note(f"charging is closed at {each.gateway} {each.account} ({mode}) until it was compared again")
    if not done.in_time:
        note("time was up before everything was at rest: run it again")
