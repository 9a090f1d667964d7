"""What this door needs of the sandbox. It knows no concrete gateway, so it says so here and wiring fits it in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class TestCard(Protocol):
    @property
    def brand(self) -> str: ...

    @property
    def number(self) -> str: ...

    @property
    def shows(self) -> str: ...


class CardPage(Protocol):
    """``status``: ``open`` · ``complete`` · ``expired``."""

    @property
    def status(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def return_url(self) -> str: ...


class CheckPage(Protocol):
    """``amount`` in minor units. ``waiting``: the payment still waits for an answer; ``answers``: the bank takes one."""

    @property
    def waiting(self) -> bool: ...

    @property
    def answers(self) -> bool: ...

    @property
    def merchant(self) -> str: ...

    @property
    def amount(self) -> int: ...

    @property
    def currency(self) -> str: ...

    @property
    def brand(self) -> str: ...

    @property
    def last4(self) -> str: ...

    @property
    def return_url(self) -> str: ...


class HostedPages(Protocol):
    """The sandbox behind its pages. References are unguessable; acting twice acts once."""

    def now(self) -> datetime: ...

    def form_token(self, ref: str) -> str: ...

    def test_cards(self) -> Sequence[TestCard]: ...

    def test_card(self, number: str) -> TestCard | None: ...

    def card_page(self, ref: str) -> CardPage | None: ...

    def add_card(self, ref: str, number: str, exp_month: int, exp_year: int) -> None: ...

    def check_page(self, ref: str) -> CheckPage | None: ...

    def answer_check(self, ref: str, *, approve: bool) -> None: ...
