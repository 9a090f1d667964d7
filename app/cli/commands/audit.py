"""``liftlink audit``: prove that every invariant holds that the database and the gateway's ledger can show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.commands.common import json_option, note, opened, print_json, say

if TYPE_CHECKING:
    from app.charging.audit import Finding


@click.command()
@click.option("--all", "every", is_flag=True, help="Go on after the first broken invariant.")
@json_option
def audit(every: bool, as_json: bool) -> int:
    """Check all books against their rules and against the gateway's own ledger. Changes nothing.

    Prints one line per invariant with how many rows were looked at. Stops with exit code 1 at the first that is broken, or
    that cannot be checked because the gateway does not answer, and names the row.
    """
    from app.charging.audit import run

    made: list[Finding] = []
    with opened() as adapters:
        for finding in run(adapters.store, adapters.gateways, adapters.clock):
            made.append(finding)
            if not as_json:
                _print(finding)
            if not finding.holds and not every:
                break
    held = all(finding.holds for finding in made)
    if as_json:
        print_json({"holds": held, "invariants": [_facts(finding) for finding in made]})
    elif held:
        say(f"All {len(made)} checks hold.")
    else:
        failed = sum([not finding.holds for finding in made])
        note(f"liftlink: {failed} of {len(made)} checks made failed [audit_failed]")
    return 0 if held else 1


def _print(finding: Finding) -> None:
    verdict = "ok" if finding.holds else "NOT CHECKED" if not finding.broken else "BROKEN"
    say(f"{finding.invariant:<7} {verdict:<7} {finding.checked:>7}  {finding.title}")
    if finding.unread:
        say(f"        the gateway did not answer: {finding.unread}")
    for broken in finding.broken:
        say(f"        {broken.row}: {broken.what}")


def _facts(finding: Finding) -> dict[str, object]:
    return {
        "invariant": finding.invariant,
        "title": finding.title,
        "holds": finding.holds,
        "checked": finding.checked,
        "broken": [{"row": broken.row, "what": broken.what} for broken in finding.broken],
        "unread": finding.unread,
    }
