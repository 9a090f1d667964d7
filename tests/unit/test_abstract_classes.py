"""A class that leaves out what each of its kind must say is refused when it is made, not when a merchant's row reaches it."""

from __future__ import annotations

import pytest

from app.billing.pricing import ItemPricing
from app.billing.rules import Difference, Fixed, OneAmount
from app.subscriptions.importing.context import Kind


class Half(Kind):
    """Knows how a row is read, and not how it is stored."""

    def read(self, row: object, context: object) -> None:
        return None


def test_a_kind_of_row_that_cannot_be_stored_is_refused():
    with pytest.raises(TypeError, match="store"):
        Half()  # type: ignore[abstract]


def test_a_price_rule_of_one_amount_says_which():
    assert OneAmount.__abstractmethods__ == {"amount"}
    assert not any(getattr(rule, "__abstractmethods__", ()) for rule in (ItemPricing, Fixed, Difference))
