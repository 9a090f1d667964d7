"""S-1g with money: what comes back, to which card and by when, on the cart, in what is agreed to and afterwards."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from app.charging.refund_driving import drive_refunds
from app.links.claims import WrittenOffer
from tests.doors.cart.shop import Shop, shown

FEWER = WrittenOffer(1, "crm-seat", 1)
BY = "It is sent at once; banks take up to ten days to show it."


@pytest.fixture(autouse=True)
def gives_back(shop: Shop) -> None:
    shop.sql("UPDATE books SET policy = :p, policy_version = policy_version + 1", p=json.dumps({"negative": "refund"}))


def fewer(shop: Shop) -> str:
    return shop.link(FEWER, check=False)


def test_the_cart_names_the_amount_the_card_and_the_time(shop: Shop):
    shop.buy()
    words = shown(shop.open(fewer(shop)))[1]
    assert "We give back $5.00 to your Visa ending 4242. " + BY in words
    assert "We give back to your Visa ending 4242" in words
    assert "your card." not in words


def test_the_confirmation_says_it_again_and_so_it_happens(shop: Shop):
    shop.buy()
    page = shop.open(fewer(shop))
    words = shown(shop.client.follow(shop.press(page), 200))[1]
    assert "We give back $5.00 to your Visa ending 4242." in words
    assert BY in words
    drive_refunds(shop.store, shop.adapters.gateways, shop.clock, by="worker", limit=10)
    assert shop.ask("SELECT sum(amount) FROM refunds WHERE state = 'SUCCEEDED'") == 500


def test_two_cards_that_paid_are_both_named(shop: Shop):
    shop.buy()
    shop.clock.move(timedelta(seconds=1))
    shop.buy(shop.link(WrittenOffer(1, "crm-seat", 3, unit_price=800)), card=str(shop.seeded.mastercard))
    words = shown(shop.open(fewer(shop)))[1]
    assert "We give back $4.00 to your Mastercard ending 5454. We give back $5.00 to your Visa ending 4242." in words
    assert words.count(BY) == 3  # the lead, and under each row


def test_the_french_cart_says_it_in_french(shop: Shop):
    shop.buy()
    words = shown(shop.open(fewer(shop), lang="fr"))[1]
    assert "sur votre carte Visa se terminant par 4242" in words
    assert "les banques mettent jusqu’à dix jours à l’afficher" in words
