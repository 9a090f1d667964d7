"""What people do in an iteration. An act is one entry of ``ACTS``: renewals, the API, campaigns and notices add theirs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.plan import Plan
from tests.faults.shopper import Browser, Form, Lost, Page, buy_form, form_in, local

if TYPE_CHECKING:
    from tests.faults.world import World


@dataclass
class Tab:
    """One open cart page."""

    path: str
    form: Form


class Stage:
    """Where an act plays: its people, pages and answers, and the threads that still press."""

    def __init__(
        self, world: World, plan: Plan, draw: random.Random, sample: Callable[[], None], restart: Callable[[], None]
    ) -> None:
        self.world, self.plan, self.draw = world, plan, draw
        self.sample, self.restart = sample, restart
        self.browser = Browser(world.port)
        self.links: list[str] = []
        self.tabs: list[Tab] = []
        self.answers: list[Page | None] = []
        self._threads: list[threading.Thread] = []
        self._bank_answered = False

    # Before anything is pressed

    def invite(self, behaviour: str, links: int = 1) -> None:
        """A person with that card, and so many links for their subscription."""
        number = self.world.person(behaviour)
        self.links = [self.world.link(number) for _ in range(links)]

    def open_pages(self) -> None:
        """Every tab shows its cart; nothing is pressed yet."""
        for number in range(max(self.plan.tabs, len(self.links))):
            link = local(self.links[number % len(self.links)])
            tab = self.open_page(link)
            if tab is not None:
                self.tabs.append(tab)

    def open_page(self, link: str) -> Tab | None:
        try:
            _, page = self.browser.follow(link)
        except Lost:
            return None
        form = buy_form(page)
        return Tab(local(form.action), form) if form is not None else None

    # Pressing

    def press_all(self, wait: float = 12.0) -> None:
        """Every tab at once, each over a socket of its own; a press that hangs is left to its thread."""
        gate = threading.Barrier(len(self.tabs)) if self.tabs else None
        for tab in self.tabs:
            self.press(tab, gate)
        self._wait(wait)

    def press(self, tab: Tab, gate: threading.Barrier | None = None) -> None:
        place = len(self.answers)
        self.answers.append(None)

        def work() -> None:
            if gate is not None:
                gate.wait(5)
            try:
                self.answers[place] = self.browser.post(tab.path, tab.form.values)
            except Lost:
                return

        self._start(work)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        self._start(lambda: (time.sleep(seconds), work()))  # type: ignore[func-returns-value,arg-type,return-value]

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    @property
    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _wait(self, seconds: float) -> None:
        """Until all have their answer; at once when somebody was stopped."""
        until = time.monotonic() + seconds
        while self.is_busy and time.monotonic() < until and not self.world.board.stopped:
            time.sleep(0.003)

    def join(self, seconds: float = 12.0) -> None:
        for thread in self._threads:
            thread.join(seconds)

    # Afterwards

    def again(self) -> None:
        """Whoever got no answer presses the same button again, at a server that was started again."""
        if self.world.board.stopped:
            return
        self.join()
        self.restart()
        for tab, answer in zip(list(self.tabs), list(self.answers), strict=False):
            if answer is None:
                self.press(tab)
        self._wait(12.0)

    def outcome_page(self) -> tuple[str, Page] | None:
        """The page that the newest answer leads to."""
        for answer in reversed(self.answers):
            if answer is not None and answer.status == 303:
                try:
                    return self.browser.follow(local(answer.location))
                except Lost:
                    return None
        return None

    def other_card(self) -> None:
        """From whatever page is there now to the Buy form with the next card."""
        if self.world.board.stopped:
            return
        self.join()
        self.restart()
        found = self.outcome_page()
        form = buy_form(found[1]) if found else None
        if form is None:
            tab = self.open_page(local(self.links[0]))
            form = tab.form if tab else None
        if form is None:
            return
        others = [card for card in form.choices if card != form.values.get("card")]
        if others:
            form.values["card"] = others[0]
        self.press(Tab(local(form.action), form))
        self._wait(12.0)

    def leave_bank(self) -> None:
        """ "Pay another way" on the page that waits for the bank."""
        if self.world.board.stopped:
            return
        self.join()
        self.restart()
        found = self.outcome_page()
        form = form_in(found[1], "/leave") if found else None
        if form is None:
            return
        try:
            self.answers.append(self.browser.post(local(form.action), form.values))
        except Lost:
            return

    def bank(self, *, approve: bool) -> None:
        """The shopper answers at the bank, whatever state our side is in."""
        for each in self.world.bank.ledger()[0]:
            if each.status == "requires_action":
                self.world.bank.answer(each.ref, approve=approve)
                self._bank_answered = True
        self.world.bank.let_go()

    def at_the_bank(self) -> None:
        """During repair: an answer that was not given yet."""
        if self.plan.act in ("bank_approves", "bank_refuses", "bank_pressed_twice"):
            self.bank(approve=self.plan.act != "bank_refuses")

    def late(self) -> None:
        """Long after: somebody approves what should be over."""
        if self.plan.act in ("bank_left", "leave_then_other"):
            self.bank(approve=True)


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
}
