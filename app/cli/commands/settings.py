"""``liftlink settings``: every setting with what it is now, and the page ``docs/settings.md``."""

from __future__ import annotations

import click

from app.cli.commands.common import json_option, note, print_json, print_table, say

INTRODUCTION = """# Settings

Every setting of Liftlink, made from `app/config.py` by `liftlink settings --markdown`; a test compares the two.

A setting is read once at start, from the first of these that has it: the environment, the file `settings.env` in the
instance folder (`LIFTLINK_PORT=8080`, one a line), its default. A wrong value stops the start and is named. A gateway
called `x` is also handed every variable of the environment (not of the file) that begins with `LIFTLINK_X_`; those of
Stripe are in [stripe.md](stripe.md).
"""


@click.command()
@click.option("--markdown", is_flag=True, help="Print the page docs/settings.md.")
@json_option
def settings(markdown: bool, as_json: bool) -> None:
    """Show every setting, its value here and what it does. Secrets are never shown."""
    from app.config import described, read_settings, variable, warnings_for

    if markdown:
        say(settings_page())
        return
    now = read_settings()
    rows: list[tuple[str, str, str]] = []
    for name, _default, description in described():
        field = name.removeprefix(variable("")).lower()
        value = getattr(now, field)
        if field == "secret":
            value = f"{len(value)} given" if value else "none given"
        elif isinstance(value, tuple):
            value = ",".join(value)  # pyright: ignore[reportUnknownArgumentType]
        rows.append((name, "" if value is None else str(value), description.replace("`", "")))
    if as_json:
        print_json({name: value for name, value, _ in rows})
    else:
        print_table(["setting", "value", "what it does"], rows)
    for warning in warnings_for(now):
        note(f"warning: {warning}")


def settings_page() -> str:
    """``docs/settings.md`` as it should be."""
    from app.config import described

    lines = [INTRODUCTION, "| setting | default | what it does |", "| --- | --- | --- |"]
    for name, default, description in described():
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{name}` | {shown} | {description} |")
    return "\n".join(lines)
