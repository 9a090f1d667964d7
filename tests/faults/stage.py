"""Where an act plays: its people, their pages and answers, the operator's hands, and the threads that still press."""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from tests.faults.desk import give_back, put_behind
from tests.faults.plan import Plan
from tests.faults.processes import fork
from tests.faults.shopper import Browser, Form, Lost, Page, buy_form, form_in, local
from tests.faults.view import Around, Violation

if TYPE_CHECKING:
    from app.links.claims import Offer
    from tests.faults.world import World

_MARKUP = re.compile(r"<[^>]+>")


@dataclass
class Tab:
    """One open cart page."""

    path: str
    form: Form


class Stage:
    """Where an act plays: its people, pages and answers, and the threads that still press."""

    def __init__(
        self, world: World, plan: Plan, draw: random.Random, sample: Callable[[], None], restart: Callable[[], None],
        work: Callable[..., None], as_operator: Callable[[Callable[[], None]], Callable[[], None]],
        found: Callable[[Violation], None], free_disk: Callable[[], None],
    ) -> None:  # fmt: skip
        self.world, self.plan, self.draw = world, plan, draw
        self.sample, self.restart = sample, restart
        self.work, self.as_operator, self.found = work, as_operator, found
        self.free_disk = free_disk
        self.browser = Browser(world.port)
        self.links: list[str] = []
        self.tabs: list[Tab] = []
        self.answers: list[Page | None] = []
        self.around = Around()
        self.hands: list[int] = []
        """Processes of operators."""
        self.subscription = 0
        self.restored = 0
        self._threads: list[threading.Thread] = []

    # Before anything is pressed

    def invite(self, behaviour: str, links: int = 1) -> None:
        """A person with that card, and so many links for their subscription."""
        self.subscription = self.world.person(behaviour)
        self.links = [self.world.link(self.subscription) for _ in range(links)]

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
        return self._tab(page)

    def _tab(self, page: Page) -> Tab | None:
        form = buy_form(page)
        if form is None:
            return None
        # What the page says of the quote that a press of its button brings along.
        self.around.shown[form.values.get("quote", "")] = unescape(_MARKUP.sub("", page.text))
        return Tab(local(form.action), form)

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
        tab = self._tab(found[1]) if found else None
        tab = tab or self.open_page(local(self.links[0]))
        if tab is None:
            return
        others = [card for card in tab.form.choices if card != tab.form.values.get("card")]
        if others:
            tab.form.values["card"] = others[0]
        self.press(tab)
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
        self.world.bank.let_go()

    def at_the_bank(self) -> None:
        """During repair: an answer that was not given yet."""
        if self.plan.act in ("bank_approves", "bank_refuses", "bank_pressed_twice"):
            self.bank(approve=self.plan.act != "bank_refuses")

    def late(self) -> None:
        """Long after: somebody approves what should be over, and banks decide what is contested."""
        if self.plan.act in ("bank_left", "leave_then_other"):
            self.bank(approve=True)
        if self.plan.act.startswith("dispute"):
            self.world.bank.close_disputes(won=self.plan.act != "dispute_lost")
            self.world.bank.let_go()

    # After the purchase

    def buy_more(self, offer: Offer) -> None:
        """Another change of the same subscription, pressed once and pressed again if it got no answer."""
        self.join()
        self.restart()
        link = self.world.link(self.subscription, offer)
        self.world.let_go()
        tab = self.open_page(local(link))
        if tab is not None:
            self.tabs, self.answers = [tab], []
            self.press_all()
            self.again()

    def until_paid(self) -> bool:
        """A worker goes on until the purchase is paid for; whether it is. Only while no other thread runs here."""
        self.join()
        self.free_disk()
        for number in range(25):
            if self.paid():
                return True
            if number == 0:
                self.restart()
            self.work(1)
        return False

    def pass_time(self, seconds: float) -> None:
        """A worker with all that it does only now and then, and then so much time."""
        self.work(1, passes=True, seconds=seconds)

    def paid(self) -> list[dict[str, Any]]:
        """The attempts that succeeded, the oldest first."""
        (rows,) = self.world.database.rows("SELECT * FROM attempts WHERE state = 'SUCCEEDED' ORDER BY created_at")
        return rows

    def operate(self, amounts: list[int | None]) -> None:
        """An operator for each amount asks at the same moment for that much of the purchase back; None is all of it."""
        paid = self.paid()
        if not paid or self.world.board.stopped:
            return
        self.world.let_go()
        for amount in amounts:
            work = self.as_operator(lambda amount=amount: give_back(self.world, paid[0]["order_id"], amount))  # type: ignore[misc]
            self.hands.append(fork(work, self.world.log))
        self.wait_for_hands(12.0)

    def wait_for_hands(self, seconds: float) -> None:
        """Until they are done or dead; not for one that was stopped."""
        until = time.monotonic() + seconds
        while self.hands and time.monotonic() < until and not self.world.board.stopped:
            self.hands = [pid for pid in self.hands if os.waitpid(pid, os.WNOHANG) == (0, 0)]
            time.sleep(0.003)

    def refund_by_hand(self, amount: int) -> None:
        """Somebody at the gateway's console."""
        for row in self.paid()[:1]:
            self.world.bank.refund_by_hand(row["gw_ref"], amount)
        self.world.bank.let_go()

    def contest(self) -> None:
        for row in self.paid()[:1]:
            self.world.bank.open_dispute(row["gw_ref"])
        self.world.bank.let_go()

    def put_behind(self, **marks: str) -> None:
        """Money is taken at the gateway under our marks, and no row of ours knows of it."""
        self.join()
        put_behind(self, **marks)

    def policy(self, told: Mapping[str, str]) -> None:
        """What the merchant decided, before anything is forked."""
        self.world.policy(told)
