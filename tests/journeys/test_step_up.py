"""The merchant asks who presses: the code comes by mail, and with it the offer is bought, with scripts and without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from tests.journeys.steps import ends, headline, pay, press, sees
from tests.server import World


@pytest.fixture
def guarded(world: World) -> Iterator[World]:
    """Everything that costs something asks for a code; afterwards the rules are what they were."""

    def set_to(policy: dict[str, object]) -> None:
        with world.adapters.store.write() as conn:
            conn.execute(
                text("UPDATE books SET policy = :p, policy_version = policy_version + 1 WHERE id = :b"),
                {"p": json.dumps(policy), "b": world.seeded.book},
            )

    set_to({"step_up": {"amount": "0", "how": "code"}})
    yield world
    set_to({})


def test_a_code_from_the_mail_opens_the_way_to_buy(guarded: World, page: Page):
    address = f"careful{guarded.people}@brightwell.example"
    who = guarded.person(email_address=address)
    page.goto(guarded.link(who))
    sees(page, "First, show that it is you")
    assert page.get_by_role("button", name="Buy now").count() == 0
    press(page, "Email me a code")
    assert headline(page) == "Enter the code from the mail"
    mail = guarded.mail_to(address, "Your code").get_body(("plain",))
    assert mail is not None
    found = re.search(r"^(\d{6})$", mail.get_content().replace("\r", ""), re.MULTILINE)
    assert found is not None
    right = found.group(1)
    page.get_by_label("Six-digit code").fill(f"{(int(right) + 1) % 10**6:06d}")
    press(page, "Go on")
    sees(page, "It can be entered 4 more times.")
    assert guarded.taken(who) == []
    page.get_by_label("Six-digit code").fill(right)
    press(page, "Go on")
    sees(page, "Pay $5.00 today")
    pay(page)
    ends(page, "You now have 2 seats", guarded, who, 500)
    assert right not in guarded.log
