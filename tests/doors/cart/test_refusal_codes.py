"""Every code that refuses a link, a press or a charge has its page; no page is without a code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from app.billing.eligibility import MESSAGES
from app.cart.refusals import REASONS
from app.cart.refusing import CHARGING_PAGES, CHECKOUT_PAGES
from app.cart.refusing_links import BAD, LINK_PAGES
from app.charging import errors as charging_errors
from app.checkout import errors as checkout_errors
from app.links.errors import CODES

ROOT = Path(__file__).parents[3]


def documented(module) -> set[str]:
    """The codes that the tree at the top of an errors module names."""
    return set(
        re.findall(
            r"^ {4,8}([a-z_]+) {2,}", ast.get_docstring(ast.parse(Path(module.__file__).read_text())) or "", re.M
        )
    )


def raised(rooms: tuple[str, ...], error: str) -> set[str]:
    """The codes with which that error is raised anywhere in those rooms."""
    found: set[str] = set()
    for room in rooms:
        for path in (ROOT / "app" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == error
                    and node.args
                ):
                    values = [node.args[0]]
                    if isinstance(node.args[0], ast.IfExp):
                        values = [node.args[0].body, node.args[0].orelse]
                    found |= {v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)}
    return found


def test_every_refusal_of_checkout_has_a_page():
    codes = raised(("checkout", "cart"), "CheckoutRefused")
    assert codes
    assert codes <= set(CHECKOUT_PAGES)
    assert documented(checkout_errors) == set(CHECKOUT_PAGES)


def test_every_refusal_of_charging_has_a_page():
    codes = raised(("charging",), "ChargingError")
    assert codes
    assert codes <= set(CHARGING_PAGES)
    assert documented(charging_errors) == set(CHARGING_PAGES)


ELSEWHERE = {
    "link_revoked": "a refusal of checkout",
    "link_used": "a refusal of checkout",
    "campaign_closed": "a reason of the quote",
    "campaign_exhausted": "a reason of the quote",
    "token_expired": "the cart is opened anew, or the link is not complete",
    "offer_too_long": "at issue only",
    "claims_invalid": "at issue only",
    "validity_invalid": "at issue only",
    "key_invalid": "at issue only",
}


def test_every_code_of_a_link_has_a_page():
    assert set(CODES) == set(LINK_PAGES) | BAD | set(ELSEWHERE)


def test_every_reason_of_a_quote_has_its_words():
    assert set(MESSAGES) <= set(REASONS) | {"unpaid_invoices"}
