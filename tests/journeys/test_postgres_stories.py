"""Ten whole stories on PostgreSQL: the real server's processes, sockets and browser, with the gateway's ledger as the judge.

The steps and the judge are those of the other journeys; only the setting ``LIFTLINK_DATABASE_URL`` differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests import postgres
from tests.journeys import test_buying, test_once, test_options, test_paying
from tests.journeys.steps import ends, pay
from tests.server import World, make_world, serving, wait_for


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A server of this module's own, which is stopped and started again; it writes to the disk as a merchant's does."""
    cluster = postgres.Cluster(settings=postgres.DURABLE).start()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def world(cluster: postgres.Cluster, tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[World]:
    url = cluster.new_database("stories")
    with serving(tmp_path_factory.mktemp("stories"), empty_database, database_url=url) as world:
        yield world


def test_1_a_second_seat_and_its_receipt(world: World, scripted: Page):
    test_buying.test_the_reference_case_is_bought_and_the_receipt_is_mailed(world, scripted)


def test_2_another_plan(world: World, scripted: Page):
    test_buying.test_a_plan_change_is_bought(world, scripted)


def test_3_options_picked_on_the_page(world: World, scripted: Page):
    test_options.test_options_are_picked_priced_anew_and_bought(world, scripted)


def test_4_a_declined_card_and_then_another(world: World, scripted: Page):
    test_paying.test_a_declined_card_and_then_another(world, scripted)


def test_5_the_banks_own_check_passed_and_left(world: World, scripted: Page):
    test_paying.test_the_banks_own_check(world, scripted)
    test_paying.test_after_leaving_the_bank_another_card_buys_once(world, scripted)


def test_6_a_new_card_entered_at_the_gateway(world: World, scripted: Page):
    test_paying.test_a_new_card_is_entered_at_the_gateway_and_pays(world, scripted)


def test_7_a_change_that_waits_and_is_undone(world: World, scripted: Page):
    test_buying.test_a_change_at_the_next_billing_is_scheduled_and_undone(world, scripted)


def test_8_fifty_presses_are_one_charge(world: World):
    test_once.test_fifty_presses_of_one_page_are_one_charge(world)
    test_once.test_fifty_openings_of_one_link_are_one_charge(world)


def test_9_a_server_killed_in_the_middle_has_charged_once_and_says_so(
    cluster: postgres.Cluster, tmp_path: Path, empty_database: Path
):
    """Killed after the gateway took the money and before anything of it is written here."""
    url = cluster.new_database("killed")
    world = make_world(tmp_path, empty_database, database_url=url, workers="1", drive_seconds="3")
    try:
        who = world.person()
        link = world.link(who)
        world.start(fault_plan="C7", jobs="off")
        press = test_once.opened(world, link)
        with pytest.raises(OSError):
            world.post(*press)
        world.died()
        assert (world.taken(who), world.seats(who)) == ([500], 1)
        world.pass_time(70)  # the lease of the dead is over
        world.start()
        wait_for(lambda: world.seats(who) == 2)
        assert "You now have 2 seats" in test_once.said(world, world.post(*press))
        assert world.taken(who) == [500]
    finally:
        world.kill()
        world.adapters.close()


def test_10_the_database_loses_its_power_while_a_cart_is_open(cluster: postgres.Cluster, world: World, scripted: Page):
    """The page that was open before buys after: no server process is started again, no connection is given up by hand."""
    who = world.person()
    scripted.goto(world.link(who))
    cluster.stop()
    assert world.get("/healthz").status >= 500
    cluster.start()
    wait_for(lambda: world.get("/healthz").status == 200)
    pay(scripted)
    ends(scripted, "You now have 2 seats", world, who, 500)
