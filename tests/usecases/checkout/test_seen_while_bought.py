"""A cart is read in several statements, and another tab may buy between two of them: what is told is never of two moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.checkout.errors import CheckoutRefused
from app.subscriptions import facts
from tests.usecases.checkout.till import Till

Between = Callable[[Callable[[], object]], None]


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Between:
    """``between(act)``: from now on ``act`` falls between the next two statements that load a subscription, once."""
    honest = facts.read_holdings

    def before_the_holdings(act: Callable[[], object]) -> None:
        acts = [act]

        def late(*scope: Any) -> Any:
            if acts:
                acts.pop()()
            return honest(*scope)

        monkeypatch.setattr(facts, "read_holdings", late)

    return before_the_holdings


def refusal(act: Callable[[], object]) -> CheckoutRefused:
    with pytest.raises(CheckoutRefused) as refused:
        act()
    return refused.value


def test_a_press_that_meets_the_purchase_of_another_tab_is_told_of_it(till: Till, between: Between):
    session = till.open()
    mine, other = till.look(session), till.look(session)
    bought: list[str] = []
    between(lambda: bought.append(till.press(other)))
    told = refusal(lambda: till.press(mine))
    assert (told.code, told.details.get("order")) == ("link_used", bought[0])
    assert till.desk.captures() == [500]


def test_a_look_that_meets_the_purchase_of_another_tab_is_told_of_it(till: Till, between: Between):
    session = till.open()
    cart = till.look(session)
    bought: list[str] = []
    between(lambda: bought.append(till.press(cart)))
    told = refusal(lambda: till.look(session))
    assert (told.code, told.details.get("order")) == ("link_used", bought[0])


def test_a_refusal_that_stands_is_told_at_the_second_look(till: Till, between: Between):
    """What moved meanwhile need not be a purchase: the reason that is told is that of the second look."""
    session = till.open()
    till.sql("UPDATE subscriptions SET status = 'paused'")
    between(lambda: till.sql("UPDATE subscriptions SET status = 'canceled', version = version + 1"))
    told = refusal(lambda: till.look(session))
    assert told.code == "not_eligible"
    assert told.details["cart"].quote.eligibility.code == "subscription_not_active"
