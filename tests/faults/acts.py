"""What people do in an iteration. An act is one entry of ``ACTS``: renewals, the API and campaigns add theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.links.claims import WrittenOffer
from tests.faults.restoring import RESTORED, two_people
from tests.faults.stage import Stage

FEWER_SEATS = WrittenOffer(1, "crm-seat", 1)
PRICE = 500
"""What the purchase of most acts costs."""


@dataclass(frozen=True, slots=True)
class Act:
    """``prepare`` makes people and links in the parent, before the server is forked; ``play`` presses."""

    prepare: Callable[[Stage], None]
    play: Callable[[Stage], None]


def _with(card: str, links: int = 1) -> Callable[[Stage], None]:
    return lambda stage: stage.invite(card, links)


def _plain(stage: Stage) -> None:
    stage.press_all()
    stage.sample()
    stage.again()


def _press_again(stage: Stage) -> None:
    _plain(stage)
    if not stage.world.board.stopped:
        stage.press_all()


def _other_card(stage: Stage) -> None:
    _plain(stage)
    stage.other_card()


def _bank(stage: Stage) -> None:
    stage.press_all()
    stage.sample()
    if stage.draw.random() < 0.5:
        stage.bank(approve=stage.plan.act == "bank_approves")
    stage.again()
    stage.outcome_page()


def _bank_twice(stage: Stage) -> None:
    """The button of a page that was open before, while the bank asks."""
    stage.press_all()
    stage.again()
    if not stage.world.board.stopped:
        stage.press_all()
    stage.sample()
    stage.bank(approve=True)


def _leave(stage: Stage) -> None:
    stage.press_all()
    stage.again()
    stage.leave_bank()
    if stage.draw.random() < 0.4:
        stage.bank(approve=True)
    stage.other_card()


def _gone(stage: Stage) -> None:
    """They press, close the browser, and never come back."""
    stage.press_all()
    stage.sample()


def _bought(stage: Stage) -> bool:
    """The purchase with all that befalls it, and then a worker until it is paid."""
    _plain(stage)
    return not stage.world.board.stopped and stage.until_paid()


def _refund(*amounts: int | None) -> Callable[[Stage], None]:
    """Operators ask at the same moment."""

    def play(stage: Stage) -> None:
        if _bought(stage):
            stage.operate(list(amounts))
            stage.sample()

    return play


def _refund_and_by_hand(stage: Stage) -> None:
    """Both give back what only one of them may."""
    if _bought(stage):
        stage.operate([PRICE // 2 + 50])
        if not stage.world.board.stopped:
            stage.refund_by_hand(PRICE // 2 - 50)


def _by_hand(stage: Stage) -> None:
    if _bought(stage):
        stage.refund_by_hand(stage.draw.choice((PRICE, 120)))
        stage.sample()


def _contested(stage: Stage) -> None:
    """Contested; at times the bank decides before anybody here looked."""
    if _bought(stage):
        stage.contest()
        if stage.draw.random() < 0.3:
            stage.late()
        stage.sample()


def _contested_then_refund(stage: Stage) -> None:
    """Somebody asks for a refund while the dispute is open, whether or not we know of it."""
    if _bought(stage):
        stage.contest()
        if stage.draw.random() < 0.5:
            stage.world.bank.notices_told(0.5)
            stage.work(2)
        stage.operate([None])
        stage.sample()


def _orphan(stage: Stage) -> None:
    """Of an order that nobody here knows of."""
    _plain(stage)
    if not stage.world.board.stopped:
        stage.put_behind(order="an0rderthat1s10st", attempt="an0rderthat1s10st.1")


def _orphan_of_open(stage: Stage) -> None:
    """The bank's page was left, the order is open, and another payment that names it was captured."""
    stage.press_all()
    stage.again()
    stage.leave_bank()
    if not stage.world.board.stopped:
        stage.put_behind()
        if stage.draw.random() < 0.5:
            stage.other_card()


def _negative(stage: Stage) -> None:
    """A seat is bought and given up again: the money of the first goes back to its card."""
    if _bought(stage):
        stage.buy_more(FEWER_SEATS)
        stage.sample()


def _refunding(stage: Stage) -> None:
    stage.policy({"negative": "refund"})
    stage.invite("visa_ok")


def _orphans_refunded(stage: Stage) -> None:
    stage.policy({"orphan_capture": "refund"})
    stage.invite("visa_ok")


ACTS: dict[str, Act] = {
    "plain": Act(_with("visa_ok"), _plain),
    "press_again": Act(_with("visa_ok"), _press_again),
    "two_links": Act(_with("visa_ok", links=2), _plain),
    "declined_then_other": Act(_with("visa_insufficient_funds"), _other_card),
    "bank_approves": Act(_with("visa_3ds"), _bank),
    "bank_refuses": Act(_with("visa_3ds"), _bank),
    "bank_left": Act(_with("visa_3ds"), _plain),
    "bank_pressed_twice": Act(_with("visa_3ds"), _bank_twice),
    "leave_then_other": Act(_with("visa_3ds"), _leave),
    "processing": Act(_with("visa_processing"), _plain),
    "processing_declined": Act(_with("visa_processing_declined"), _other_card),
    "gone": Act(_with("visa_ok"), _gone),
    "refund_full": Act(_with("visa_ok"), _refund(None)),
    "refund_part": Act(_with("visa_ok"), _refund(200)),
    "refund_race": Act(_with("visa_ok"), _refund(300, 300)),
    "refund_and_by_hand": Act(_with("visa_ok"), _refund_and_by_hand),
    "refund_by_hand": Act(_with("visa_ok"), _by_hand),
    "dispute_won": Act(_with("visa_ok"), _contested),
    "dispute_lost": Act(_with("visa_ok"), _contested),
    "dispute_then_refund": Act(_with("visa_ok"), _contested_then_refund),
    "orphan": Act(_with("visa_ok"), _orphan),
    "orphan_refunded": Act(_orphans_refunded, _orphan),
    "orphan_of_open_order": Act(_with("visa_3ds"), _orphan_of_open),
    "negative": Act(_refunding, _negative),
    **{name: Act(two_people, play) for name, play in RESTORED.items()},
}
