"""The group ``liftlink`` and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from app.cli.commands.audit import audit
from app.cli.commands.database import db
from app.cli.commands.demo import demo
from app.cli.commands.importing import import_files
from app.cli.commands.keys import keys
from app.cli.commands.link import link
from app.cli.commands.maintenance import maintenance
from app.cli.commands.merchants import merchant
from app.cli.commands.offer import offer
from app.cli.commands.queue import queue
from app.cli.commands.reconcile import reconcile
from app.cli.commands.refund import refund
from app.cli.commands.serve import serve
from app.cli.commands.settings import settings
from app.cli.commands.subscription import subscription
from app.cli.commands.worker import worker
from app.kit.errors import LiftlinkError

DONE, REFUSED, MISUSED, INTERRUPTED = 0, 1, 2, 130


@click.group(
    name="liftlink",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Without database and settings: quote, schedule, link inspect (each with --help).",
)
def group() -> None:
    """Signed one-click upgrade links with a hosted cart for subscription businesses."""


for command in (
    maintenance,
    merchant,
    import_files,
    subscription,
    link,
    offer,
    refund,
    audit,
    reconcile,
    queue,
    keys,
    serve,
    worker,
    demo,
    db,
    settings,
):
    group.add_command(command)


def run_group(argv: Sequence[str]) -> int:
    """Runs the command: 0 done, 1 refused (the line names the code), 2 asked wrongly, 130 interrupted."""
    from sqlalchemy.exc import DBAPIError

    try:
        result = group.main(args=[*argv], prog_name="liftlink", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else DONE
    except click.ClickException as error:
        error.show()
        return MISUSED
    except LiftlinkError as error:
        print(f"liftlink: {_named(error)} [{error.code}]", file=sys.stderr)
        return REFUSED
    except DBAPIError as error:
        # Never the statement: its values are customers' data.
        print(
            f"liftlink: the database does not answer as it should: {error.orig} [database_unavailable]", file=sys.stderr
        )
        return REFUSED
    except BrokenPipeError:
        # The reader, such as `head`, has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (click.Abort, KeyboardInterrupt):
        print("liftlink: interrupted", file=sys.stderr)
        return INTERRUPTED


def _named(error: LiftlinkError) -> str:
    """The message, behind the field it is about if it does not name it itself."""
    field = error.details.get("field")
    if not isinstance(field, str) or field in error.message:
        return error.message
    return f"{field}: {error.message}"
