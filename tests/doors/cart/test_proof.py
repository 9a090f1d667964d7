"""What is kept of a step-up: which check was passed, when and for which order; on the order's page, and under the audit."""

from __future__ import annotations

import json

import pytest

from app.charging.audit import run
from tests.doors.cart.shop import Shop, shown
from tests.doors.page_client import form_values

CODE, CARD = ({"amount": "5.00", "how": how} for how in ("code", "card"))


def ask_for(shop: Shop, rule: dict[str, object]) -> None:
    shop.sql("UPDATE books SET policy = :p, policy_version = policy_version + 1", p=json.dumps({"step_up": rule}))


def kept(shop: Shop) -> dict[str, object] | None:
    said = shop.ask("SELECT step_up FROM consents")
    return None if said is None else json.loads(said)


def buy_with_code(shop: Shop, lang: str = "") -> tuple[str, str]:
    page = shop.open(lang=lang)
    query = f"?lang={lang}" if lang else ""
    values = form_values(page.html, "/code")
    cart = page.path.split("?")[0]
    entry = shop.client.post(f"{cart}/code{query}", values, 303).headers["Location"]
    typed = shop.adapters.directory.codes.code_of(shop.mails("step_up")[-1]["seed"])
    form = {**form_values(shop.client.get(entry).text, "/code/check"), "code": typed}
    back = shop.client.post(f"{cart}/code/check{query}", form, 303).headers["Location"]
    return shown(shop.client.follow(shop.press(shop.cart_at(back)), 200))


def broken(shop: Shop) -> list[str]:
    found = run(shop.store, shop.adapters.gateways, shop.clock)
    return [f"{one.invariant} {row.row}: {row.what}" for one in found for row in one.broken]


def test_the_code_that_was_entered_is_kept_with_the_consent_and_shown(shop: Shop):
    ask_for(shop, CODE)
    words = buy_with_code(shop)[1]
    assert kept(shop) == {
        "asked": "code", "passed": "code", "at": shop.clock.now().isoformat(), "email": "dana@brightwell.example",
    }  # fmt: skip
    assert "You showed that it is you" in words
    assert "You entered the code that we emailed to d•••a@brightwell.example, on July 1, 2026" in words
    assert broken(shop) == []


def test_the_page_says_it_in_french(shop: Shop):
    ask_for(shop, CODE)
    assert "Vous avez saisi le code envoyé à d•••a@brightwell.example" in buy_with_code(shop, "fr")[1]


def test_the_card_that_was_entered_again_is_kept_with_the_consent_and_shown(shop: Shop):
    ask_for(shop, CARD)
    back = shop.enter_card(shop.open())
    words = shown(shop.client.follow(shop.press(shop.cart_at(back)), 200))[1]
    proof = kept(shop)
    assert proof is not None
    assert (proof["asked"], proof["passed"]) == ("card", "card")
    assert proof["card"] == shop.ask("SELECT card_id FROM attempts")
    assert "You entered the card again on July 1, 2026" in words
    assert broken(shop) == []


def test_without_a_rule_nothing_is_kept_and_nothing_is_said(shop: Shop):
    words = shown(shop.buy())[1]
    assert kept(shop) is None
    assert "You showed that it is you" not in words
    assert shop.ask("SELECT policy_version FROM consents") == shop.ask(
        "SELECT policy_version FROM books WHERE id = :b", b=shop.seeded.book
    )


def test_the_audit_names_a_consent_whose_step_up_is_gone(shop: Shop):
    ask_for(shop, CODE)
    buy_with_code(shop)
    shop.sql("UPDATE consents SET step_up = NULL")
    assert [row.split(": ")[1] for row in broken(shop) if row.startswith("D6")] == [
        "has no step-up, the rules ask for code"
    ]


def test_the_audit_names_an_order_from_a_link_that_had_ended(shop: Shop):
    shop.buy()
    shop.sql("UPDATE orders SET created_at = created_at + :days", days=8 * 86_400_000_000)
    assert any("was placed after its link ended at" in row for row in broken(shop))


def test_rules_that_have_moved_since_accuse_nobody(shop: Shop):
    shop.buy()
    ask_for(shop, CODE)
    assert broken(shop) == []


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ('"asked":"code"', '"asked":"card"', "was asked for a card, and code was passed"),
        ('"passed":"code"', '"passed":"card"', "was asked for a code, and card was passed"),
        ('"passed":"code"', '"passed":"word"', "was asked for a code, and word was passed"),
        ('"at":"2026', '"at":"2025', "its check was passed at 2025"),
        ('"at":"2026', '"at":"never 2026', "has a step-up that cannot be read"),
    ],
)
def test_the_audit_names_a_consent_whose_step_up_does_not_fit(shop: Shop, was: str, is_now: str, said: str):
    ask_for(shop, CODE)
    buy_with_code(shop)
    shop.sql("UPDATE consents SET step_up = replace(step_up, :was, :now)", was=was, now=is_now)
    assert [said in row for row in broken(shop) if row.startswith("D6 consent of attempt")] == [True]


def test_the_audit_names_a_card_that_was_not_the_one_entered_again(shop: Shop):
    ask_for(shop, CARD)
    back = shop.enter_card(shop.open())
    shop.client.follow(shop.press(shop.cart_at(back)), 200)
    shop.sql("UPDATE consents SET step_up = replace(step_up, :was, :now)", was='"card":', now='"card":9')
    assert any("charges another card than the one that was entered again" in row for row in broken(shop))
