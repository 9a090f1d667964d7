"""The classic address: /order/upgrade with its parameters, where the token decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.doors.cart.shop import Shop, shown
from tests.doors.cart.test_refusals import ask_for_fresh, mailed
from tests.doors.page_client import form_values


def classic(token: str = "", **parameters: str) -> str:
    from urllib.parse import urlencode

    return "/order/upgrade.php?" + urlencode({**parameters, **({"TOKEN": token} if token else {})})


@pytest.mark.parametrize("script", ["/order/upgrade", "/order/upgrade.php"])
def test_the_classic_address_opens_the_same_cart(shop: Shop, script: str):
    token = shop.link().removeprefix("/u/")
    path = f"{script}?LICENSE=1048&UPGRADEPROD=crm-seat&UPGRADEOPT=&TOKEN={token}&utm_source=x"
    page = shop.cart_at(shop.client.get(path, 303).headers["Location"])
    shop.press(page)
    assert shop.taken() == [500]


@pytest.mark.parametrize("license_key", ["1048", "QM-1048", "KEY-77"])
def test_a_subscription_may_be_named_in_any_of_its_ways(shop: Shop, license_key: str):
    shop.sql("UPDATE subscriptions SET delivered_code = 'KEY-77'")
    token = shop.link().removeprefix("/u/")
    shop.client.get(classic(token, LICENSE=license_key), 303)


@pytest.mark.parametrize(
    "contradiction",
    [
        {"LICENSE": "1049"},
        {"UPGRADEPROD": "crm-pro"},
        {"UPGRADEOPT": "support"},
        {"LICENSE": "1048", "UPGRADEPROD": "CRM-SEAT"},
        {"UPGRADEOPT": ","},
    ],
)
def test_an_address_that_contradicts_its_token_is_refused(shop: Shop, contradiction: dict[str, str]):
    token = shop.link().removeprefix("/u/")
    assert shown(shop.client.get(classic(token, **contradiction), 404))[0].startswith("This link is not complete")


def test_a_parameter_given_twice_is_refused(shop: Shop):
    token = shop.link().removeprefix("/u/")
    shop.client.get(classic(token, LICENSE="1048") + "&LICENSE=1048", 404)


@pytest.mark.parametrize("license_key", ["QM-1048", "1048", "nobody-knows"])
def test_without_a_token_the_classic_address_only_offers_a_mail(shop: Shop, license_key: str):
    response = shop.client.get(classic(LICENSE=license_key, UPGRADEPROD="crm-pro"))
    title, text = shown(response)
    assert title.startswith("Get a new link")
    assert "You have not been charged." in text
    assert "brightwell" not in response.text
    shop.client.follow(shop.client.post("/order/upgrade/fresh", form_values(response.text, "/fresh")))
    assert len(mailed(shop)) == (0 if license_key == "nobody-knows" else 1)


def test_known_and_unknown_codes_are_answered_alike(shop: Shop):
    answers = set()
    for license_key in ("QM-1048", "nobody-knows"):
        response = shop.client.get(classic(LICENSE=license_key, UPGRADEPROD="crm-pro"))
        assert license_key in response.text
        answers.add(
            shown(shop.client.follow(shop.client.post("/order/upgrade/fresh", form_values(response.text, "/fresh"))))
        )
    assert len(answers) == 1


def test_without_anything_the_classic_address_is_a_bad_link(shop: Shop):
    shop.client.get("/order/upgrade", 404)


def test_an_expired_token_at_the_classic_address_can_be_renewed(shop: Shop):
    token = shop.link(validity=60).removeprefix("/u/")
    shop.clock.move(timedelta(seconds=61))
    ask_for_fresh(shop, shop.client.get(classic(token, LICENSE="1048"), 410).text)
    assert len(mailed(shop)) == 1
