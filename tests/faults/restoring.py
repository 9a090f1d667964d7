"""An older copy of the database is put back while the gateway's ledger goes on (I49): judged in acts of their own.

Whoever restores starts the servers with another ``LIFTLINK_RESTORE_EPOCH``. From then on nothing may be charged until the
gateway's list was read twice; then every capture that the copy does not know is an orphan, and I1 to I3 hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from app.charging.gate import open_or_close
from tests.faults.banks import ACCOUNT
from tests.faults.shopper import local
from tests.faults.view import Violation

if TYPE_CHECKING:
    from tests.faults.stage import Stage

MUTATIONS = ("create_payment", "confirm_payment", "refund")
LOOKS = 12


def two_people(stage: Stage) -> None:
    """Each with a link of their own."""
    stage.invite("visa_ok")
    first = stage.links
    stage.invite("visa_ok")
    stage.links = first + stage.links


def _restore(stage: Stage) -> None:
    """One purchase before the copy was made, one after it: paid, and lost here."""
    if _buy_and_copy(stage):
        _second(stage)
        _go_back(stage)


def _restore_unfinished(stage: Stage) -> None:
    """The copy holds an attempt without a payment; all that came of it is lost."""
    stage.tabs = stage.tabs[:1]
    stage.press_all()
    stage.join()
    stage.world.server.kill()
    _note_start(stage)
    stage.world.database.copy()
    stage.restart()
    stage.again()
    stage.until_paid()
    _go_back(stage)


def _restore_pressed_again(stage: Stage) -> None:
    """After the restore the buyer presses the button of a page whose purchase was paid and lost."""
    if not _buy_and_copy(stage):
        return
    _second(stage)
    tabs = list(stage.tabs)
    _go_back(stage)
    if stage.draw.random() < 0.5:
        stage.world.bank.expire_keys()
        stage.world.let_go()
    stage.restart()
    stage.tabs, stage.answers = tabs, []
    stage.press_all()


def _buy_and_copy(stage: Stage) -> bool:
    stage.tabs = stage.tabs[:1]
    stage.press_all()
    stage.again()
    if not stage.until_paid():
        return False
    _note_start(stage)
    stage.world.server.kill()
    stage.world.database.copy()
    stage.restart()
    return True


def _second(stage: Stage) -> None:
    """Another purchase, by the other person, until it is paid."""
    paid = len(stage.paid())
    tab = stage.open_page(local(stage.links[1]))
    if tab is not None:
        stage.tabs, stage.answers = [tab], []
        stage.press_all()
    for _ in range(10):
        if len(stage.paid()) > paid:
            return
        stage.work(1)


def _note_start(stage: Stage) -> None:
    """As every start does."""
    a = stage.world.adapters
    open_or_close(a.store, a.clock, "before")
    stage.world.let_go()


def _go_back(stage: Stage) -> None:
    """Everything is switched off, the copy put back, and started under another epoch; then workers until charging opens."""
    world, a = stage.world, stage.world.adapters
    stage.join()
    world.server.kill()
    world.let_go()
    had = _ids(stage)
    world.database.put_back()
    stage.around.lost |= had - _ids(stage)
    noticed = open_or_close(a.store, a.clock, "after") == "restore_epoch"
    world.let_go()
    before = len(_mutations(stage))
    stage.restart()
    page = stage.open_page(local(stage.links[0]))
    if page is not None:
        stage.press(page)
        stage.join()
    looked = moved = 0
    while not _is_open(stage) and looked < LOOKS:
        # Compared once so far, or not at all: nothing may have moved.
        moved = len(_mutations(stage)) - before
        stage.pass_time(_until_next_look(stage))
        looked += 1
    stage.restored += 1
    for each in judge_gate(noticed=noticed, moved=moved, looked=looked, is_open=_is_open(stage)):
        stage.found(each)


def judge_gate(*, noticed: bool, moved: int, looked: int, is_open: bool) -> Iterator[Violation]:
    """``moved``: calls that reached the gateway while charging was closed; ``looked``: how often it was compared until then."""
    if not noticed:
        yield Violation("I49", "the restore was not noticed")
    if moved:
        yield Violation("I49", f"the gateway was asked to act {moved} times while charging was closed")
    if looked < 2:
        yield Violation("I49", f"charging opened after {looked} looks at the gateway")
    if not is_open:
        yield Violation("I49", f"charging is still closed after {looked} looks")


def _mutations(stage: Stage) -> list[str]:
    return [each.key for each in stage.world.bank.ledger()[1] if each.verb in MUTATIONS]


def _is_open(stage: Stage) -> bool:
    """The gate of the account that sells; those without a key stay closed."""
    return not _closed(stage)


def _closed(stage: Stage) -> list[dict[str, Any]]:
    (rows,) = stage.world.database.rows(
        f"SELECT next_at FROM gateway_watch WHERE gate = 'CLOSED' AND account = '{ACCOUNT}'"
    )
    return rows


def _until_next_look(stage: Stage) -> float:
    """Seconds until a closed account is compared again: gateways differ in how late a lost call may act."""
    rows = _closed(stage)
    now = stage.world.clock.now().timestamp()
    return max([45.0, *(row["next_at"] / 1_000_000 - now + 1 for row in rows)])


def _ids(stage: Stage) -> set[str]:
    attempts, refunds = stage.world.database.rows("SELECT id FROM attempts", "SELECT id FROM refunds")
    return {row["id"] for row in attempts + refunds}


RESTORED: dict[str, Callable[[Stage], None]] = {
    "restore": _restore,
    "restore_unfinished": _restore_unfinished,
    "restore_pressed_again": _restore_pressed_again,
}
