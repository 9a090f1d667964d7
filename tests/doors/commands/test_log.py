"""What commands and servers print of money: on the standard error, from the configured level on, and scrubbed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from app.charging import telling
from app.charging.telling import Sum
from app.config import read_settings
from app.wiring.log import OURS, configure_log

TOKEN = "tkhv.IgwD6QQYakU82QcQAQIBAgPoY3JtLXNlYXQ.SbEKuAyMbW9OuFCTdrZl58jf9UZ0sijtid7NuItRvFg"


@pytest.fixture(autouse=True)
def _loggers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(telling, "_log", structlog.get_logger(telling.__name__))
    yield
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


def test_a_line_about_money_goes_to_the_standard_error_without_secrets(capsys: pytest.CaptureFixture[str]):
    configure_log(read_settings())
    why = f"{TOKEN} of ann@example.com, 4242424242424242, key sk_live_abcDEF123"
    telling.tell_person(1, "attempt", "ord1.1", why, of=Sum("stripe", 12500, "USD"))
    said = capsys.readouterr()
    assert said.out == ""
    for part in ("put_before_a_person", "ord1.1", "12500", "USD", "stripe", "UP-"):
        assert part in said.err
    for secret in (TOKEN, TOKEN[-20:], "ann@", "4242", "abcDEF123"):
        assert secret not in said.err


def test_a_level_that_is_set_later_is_kept_by_those_who_spoke_before(capsys: pytest.CaptureFixture[str]):
    logger = structlog.get_logger("app.spoke_before")
    configure_log(read_settings({"log_level": "warning"}))
    logger.info("seeded")
    configure_log(read_settings())
    logger.info("served")
    said = capsys.readouterr().err
    assert "seeded" not in said
    assert "served" in said
