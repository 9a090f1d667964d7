"""The two-way comparison (section 9 of the protocol): the gateway's list against our attempts, and our attempts against it.

What only the list can show: money that no row of ours knows, rows whose object is gone, and whatever a lost notice would
have told: refunds made by hand, disputes. Where both sides agree nothing is asked; each difference is looked at on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from app.charging.compare_account import Busy, Reading, read_account
from app.charging.compared import Compared
from app.charging.desk import is_given_up
from app.charging.gate import Account, accounts_of, closed_accounts, was_used
from app.charging.namesakes import by_account
from app.charging.observing import Watch
from app.charging.watching import AGAIN, Watched, begin_watching, due_accounts, is_unwatched, put_down, take
from app.gateways.port import GatewayError, Gateways
from app.kit.clock import Clock
from app.models.outages import is_outage
from app.models.store import Store

_log = structlog.get_logger(__name__)


def compare(
    store: Store,
    gateways: Gateways,
    clock: Clock,
    *,
    by: str,
    only: Iterable[Account] | None = None,
    since: datetime | None = None,
    stops: Callable[[], bool] = lambda: False,
) -> Compared:
    """Compare these accounts now, or all; one without a key that was never used has nothing to compare. ``since``: list further back than from the last whole comparison. ``stops``:
    asked before each call; once true, what was compared is kept and the rest is left to whoever comes next.

    One account that cannot be read stops no other; its watermark stays where it was.
    """
    with store.write() as conn:
        begin_watching(conn, clock.now())
        accounts = list(only) if only is not None else accounts_of(conn)
    done = Compared()
    with store.read() as conn:
        groups = by_account(conn, gateways, [each for each in accounts if _is_compared(conn, gateways, each)])
    for names in groups:
        done += _one(Watch(store, gateways, clock, by), names, since, stops)
    return done


def compare_due(
    store: Store, gateways: Gateways, clock: Clock, *, by: str, stops: Callable[[], bool] = lambda: False
) -> Compared:
    """Compare the accounts whose day is over, or whose gate is closed. For the worker, every minute."""
    now = clock.now()
    with store.read() as conn:
        due = [each for each in due_accounts(conn, now) if _is_compared(conn, gateways, each)]
        unwatched = is_unwatched(conn)
    if unwatched:
        with store.write() as conn:
            begin_watching(conn, now)
    return compare(store, gateways, clock, by=by, only=due, stops=stops) if due else Compared()


def _one(watch: Watch, names: Sequence[Account], since: datetime | None, stops: Callable[[], bool]) -> Compared:
    """One account under all its names: its lists are read once, and each name's watermark and gate move on."""
    began, account, again = watch.clock.now(), names[0], AGAIN
    held = [] if stops() else _take(watch, names, began)
    if not held:
        return Compared(busy=1)
    done, late = Compared(unread=1), None
    try:
        gateway = watch.gateways.of(account.gateway, account.account, livemode=account.livemode)
        begins = [each.since for each in held]
        reading = Reading(watch, held, gateway, began, began, stops)
        done = read_account(reading, min(begins if since is None else [since, *begins]))
        late = None if done.unread else gateway.capabilities.late_effect_max
    except Busy:
        done, again = Compared(busy=1), timedelta(0)
    except GatewayError as error:
        _log.warning("not_compared", gateway=account.gateway, account=account.account, code=error.code)
    except Exception as error:
        if is_outage(error):
            raise  # it could not even be put down; the lease ends by itself
        _log.exception("compare_failed", gateway=account.gateway, account=account.account)
    with watch.store.write() as conn:
        opened = [put_down(conn, each, watch.by, began, watch.clock.now(), late, again=again) for each in held]
    if done.busy:
        return done
    opens = [each.account for each, did in zip(held, opened, strict=True) if did]
    for each in opens:
        _log.warning("charging_opened", gateway=each.gateway, account=each.account, livemode=each.livemode)
    shut = [each for each in held if each.gate == "CLOSED" and each.account not in opens]
    return done + Compared(accounts=len(held), opened=len(opens), closed=len(shut))


def still_closed(conn: Connection, gateways: Gateways) -> list[Account]:
    """The accounts whose gate is closed and that comparisons open."""
    return [each for each in closed_accounts(conn) if _is_compared(conn, gateways, each)]


def _is_compared(conn: Connection, gateways: Gateways, account: Account) -> bool:
    """Not one that has no key and was never used, such as the live book of an installation that has a test key only, nor one
    that its book left and a person gave up: nobody waits for it, and it stays due until there is a key."""
    try:
        gateways.of(account.gateway, account.account, livemode=account.livemode)
    except GatewayError:
        return was_used(conn, account) and not is_given_up(conn, account)
    return True


def _take(watch: Watch, names: Sequence[Account], at: datetime) -> list[Watched]:
    """The account under our lease by all its names, or by none."""
    try:
        with watch.store.write() as conn:
            held = [take(conn, each, watch.by, at) for each in names]
            if None in held:
                raise Busy
            return [each for each in held if each is not None]
    except Busy:
        return []
