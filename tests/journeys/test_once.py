"""However many presses, tabs, devices and crashes: one charge or none, and the page says which."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from app.config import SettingsError, read_settings
from tests.doors.page_client import form_values
from tests.server import SECRET, Answer, World, make_world, wait_for

POINTS = ["C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"]
PRESSES = 50
OF_THE_PURCHASE = re.compile("You now have 2 seats|Bought on|Another change is under way|waiting for your bank")
ALREADY_THERE = re.compile("You already have this.*You have not been charged.*2 seats")


def opened(world: World, link: str) -> tuple[str, dict[str, str]]:
    """The path of the cart and what its Buy form sends with the box ticked."""
    path = world.get(link).location
    page = world.get(path)
    assert page.status == 200, page.text
    return path.split("?")[0] + "/buy", {**form_values(page.text, "/buy"), "agree": "1"}


def at_once(world: World, presses: list[tuple[str, dict[str, str]]]) -> list[Answer]:
    """All of them through the same gate, each over a socket of its own."""
    gate = threading.Barrier(len(presses))
    answers: list[Answer] = []

    def press(path: str, form: dict[str, str]) -> None:
        gate.wait()
        answers.append(world.post(path, form))

    threads = [threading.Thread(target=press, args=each) for each in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(presses)
    return answers


def said(world: World, answer: Answer) -> str:
    page = world.get(answer.location) if answer.status == 303 else answer
    return " ".join(page.text.replace("&nbsp;", " ").replace("\u00a0", " ").split())


def test_fifty_presses_of_one_page_are_one_charge(world: World):
    who = world.person()
    press = opened(world, world.link(who))
    answers = at_once(world, [press] * PRESSES)
    assert {answer.status for answer in answers} == {303}
    assert len(world.orders(who)) == 1
    wait_for(lambda: world.seats(who) == 2)
    assert world.taken(who) == [500]
    assert all("You now have 2 seats" in said(world, answer) for answer in answers[:5])


def test_fifty_openings_of_one_link_are_one_charge(world: World):
    who = world.person()
    link = world.link(who)
    answers = at_once(world, [opened(world, link) for _ in range(PRESSES)])
    assert {answer.status for answer in answers} <= {200, 303, 409}
    wait_for(lambda: world.seats(who) == 2)
    assert world.taken(who) == [500]
    assert [row.state for row in world.orders(who)].count("PAID") == 1
    assert all(OF_THE_PURCHASE.search(said(world, answer)) for answer in answers)


def test_fifty_openings_of_two_links_for_one_subscription_are_one_seat(world: World):
    who = world.person()
    links = [world.link(who), world.link(who)]
    answers = at_once(world, [opened(world, links[at % 2]) for at in range(PRESSES)])
    assert {answer.status for answer in answers} <= {200, 303, 403, 409}
    wait_for(lambda: world.seats(who) == 2)
    assert world.taken(who) == [500]
    # The other link was not used: its page does not tell of a purchase, but of the seat that is there.
    for answer in answers:
        words = ALREADY_THERE if answer.status == 403 else OF_THE_PURCHASE
        assert words.search(said(world, answer)), answer.text


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[World]:
    """A world of its own, whose server is killed and started again."""
    world = make_world(tmp_path_factory.mktemp("crashing"), empty_database, workers="1", drive_seconds="3")
    yield world
    world.kill()
    world.adapters.close()


def test_a_server_killed_at_any_point_of_buy_now_has_charged_once_or_not_at_all_and_says_which(crashing: World):
    world = crashing
    people: dict[str, tuple[int, str, tuple[str, dict[str, str]]]] = {}
    for point in POINTS:
        who = world.person()
        link = world.link(who)
        world.start(fault_plan=point, jobs="off")
        press = opened(world, link)
        with pytest.raises((HTTPException, OSError)):
            world.post(*press)
        world.died()
        people[point] = (who, link, press)
        assert world.taken(who) in ([], [500])
    world.pass_time(70)  # leases of the dead are over
    world.start()
    for point, (who, link, press) in people.items():
        wait_for(lambda who=who: not undecided(world, who))
        taken = world.taken(who)
        assert world.seats(who) == 1 + len(taken), point
        answer = world.post(*press)
        text = said(world, answer)
        if taken:
            assert taken == [500], point
            assert "You now have 2 seats" in text, point
        again = world.get(world.get(link).location)
        text = said(world, again)
        assert re.search("You have not been charged again|Add a second seat", text), point
        assert world.taken(who) in ([], [500]), point
        assert world.seats(who) == 1 + len(world.taken(who)), point
    assert world.taken(people["C0"][0]) in ([], [500])
    assert all(world.taken(people[point][0]) == [500] for point in POINTS[1:]), "what was agreed to is carried out"


def test_a_server_that_would_kill_itself_does_not_start_in_production():
    with pytest.raises(SettingsError, match="LIFTLINK_FAULT_PLAN"):
        read_settings(
            {
                "environment": "production", "secret": SECRET, "public_url": "https://pay.example", "gateway": "stripe",
                "fault_plan": "C3",
            }
        )  # fmt: skip


def undecided(world: World, who: int) -> int:
    return world.scalar(
        "SELECT count(*) FROM attempts a JOIN orders o ON o.id = a.order_id JOIN subscriptions s ON s.id = o.subscription_id "
        "WHERE s.number = :n AND s.book_id = :b AND a.state NOT IN ('SUCCEEDED', 'DECLINED', 'CANCELLED')",
        n=who, b=world.seeded.book,
    )  # fmt: skip
