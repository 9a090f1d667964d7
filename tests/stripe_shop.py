"""The real server over the Stripe adapter, in front of the Stripe-shaped server: both are processes, the ledger judges.

with stripe_serving(folder, empty_database) as shop:
    shop.world.url, shop.person("challenge"), shop.taken(number), shop.stripe
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from tests.factories import create_card, create_customer, create_subscription
from tests.server import LIFTLINK, START, World, make_world
from tests.stripe_server.client import StripeServer

ACCOUNT = "acct_quillmark"
WEBHOOK_SECRET = "whsec_of_the_shop"


@dataclass
class StripeShop:
    """The merchant's server and its gateway. Customers and cards exist at both."""

    world: World
    stripe: StripeServer

    def person(self, behaviour: str = "approved", *, last4: str = "4242", second: bool = True, **card: Any) -> int:
        """A customer with one seat and the given card first, a good Mastercard second; the subscription's number."""
        world = self.world
        with world.adapters.store.write() as conn:
            world.people += 1
            at_gateway = self.stripe.add_customer(ACCOUNT)
            customer = create_customer(
                conn,
                world.seeded.book,
                email=f"person{world.people}@brightwell.example",
                name="Robin",
                gateway_customer=at_gateway,
            )
            token = self.stripe.add_card(at_gateway, behaviour, last4=last4, **card)
            first = create_card(conn, world.seeded.book, customer, gateway="stripe", token=token, last4=last4)
            if second:
                other = self.stripe.add_card(at_gateway, brand="mastercard", last4="5454")
                create_card(
                    conn, world.seeded.book, customer, gateway="stripe", token=other, brand="mastercard", last4="5454",
                    exp_month=12, exp_year=2030, is_default=False,
                )  # fmt: skip
            subscription = create_subscription(conn, world.seeded.book, customer, card_id=first)
            statement = text("SELECT number FROM subscriptions WHERE id = :i")
            return int(conn.execute(statement, {"i": subscription}).scalar_one())

    def customer(self, subscription: int) -> str:
        """The gateway's customer of this subscription."""
        return str(
            self.world.scalar(
                "SELECT c.gateway_customer FROM customers c JOIN subscriptions s ON s.customer_id = c.id "
                "WHERE s.number = :n AND s.book_id = :b", n=subscription, b=self.world.seeded.book,
            )
        )  # fmt: skip

    def taken(self, subscription: int) -> list[int]:
        """What was really taken from this customer, in minor units."""
        return self.stripe.ledger().amounts(customer=self.customer(subscription))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``liftlink WORDS`` beside the running server, with its settings."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("LIFTLINK_")}
        given = {f"LIFTLINK_{name.upper()}": value for name, value in self.world.settings.items()}
        return subprocess.run([LIFTLINK, *words], env={**own, **given}, capture_output=True, text=True, timeout=60)

    def listen(self, mode: str = "normal") -> None:
        """The gateway tells the server what happens, signed."""
        self.stripe.webhooks(f"{self.world.url}/notices/stripe/quillmark/test", WEBHOOK_SECRET, mode)


@contextmanager
def stripe_serving(folder: Path, empty_database: Path, **settings: str) -> Iterator[StripeShop]:
    """A started shop with the reference merchant at Stripe. Everything is stopped at the end."""
    with StripeServer(folder / "stripe", processing_seconds=1.0) as stripe:
        stripe.set_clock((START - datetime.now(UTC)).total_seconds())
        at_stripe = {
            "stripe_test_secret_key": stripe.key(ACCOUNT), "stripe_secret_key": stripe.key(ACCOUNT, livemode=True),
            "stripe_api_base": stripe.url, "stripe_timeout_seconds": "3", "stripe_test_webhook_secrets": WEBHOOK_SECRET,
        }  # fmt: skip
        # The adapters of the test's own process read the gateway's settings from the environment, as a server does.
        with patch.dict(os.environ, {f"LIFTLINK_{name.upper()}": value for name, value in at_stripe.items()}):
            world = make_world(folder, empty_database, gateway="stripe", **settings)
        world.settings.update(at_stripe)
        with world.adapters.store.write() as conn:
            conn.execute(text("UPDATE books SET gateway = 'stripe'"))
            conn.execute(text("UPDATE stored_cards SET gateway = 'stripe'"))
        try:
            world.start()
            yield StripeShop(world, stripe)
        finally:
            world.kill()
            world.adapters.close()
