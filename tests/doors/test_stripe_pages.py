"""The assembled application with Stripe as its gateway: where forms may lead, and what the log never holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import create_app
from app.config import read_settings, warnings_for
from app.gateways.port import GatewayError
from app.models.store import Store
from app.wiring.log import without_tokens

KEY = "sk_test_0123456789"


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("LIFTLINK_GATEWAY", "stripe")
    monkeypatch.setenv("LIFTLINK_INSTANCE_PATH", str(tmp_path))
    monkeypatch.setenv("LIFTLINK_STRIPE_TEST_SECRET_KEY", KEY)
    return monkeypatch


def policy(store: Store) -> str:
    app = create_app({"store": store})
    targets = app.test_client().get("/healthz").headers["Content-Security-Policy"].partition("form-action ")[2]
    return targets.partition(";")[0]


def test_forms_may_lead_to_stripes_pages_and_nowhere_else(store: Store, stripe: pytest.MonkeyPatch):
    assert policy(store) == "'self' https://checkout.stripe.com https://hooks.stripe.com"


def test_a_server_for_tests_has_its_pages_at_its_own_address(store: Store, stripe: pytest.MonkeyPatch):
    stripe.setenv("LIFTLINK_STRIPE_API_BASE", "http://127.0.0.1:12111")
    assert policy(store).endswith(" http://127.0.0.1:12111")


def test_the_start_stops_on_a_key_of_the_wrong_mode(store: Store, stripe: pytest.MonkeyPatch):
    stripe.setenv("LIFTLINK_STRIPE_SECRET_KEY", KEY)
    with pytest.raises(GatewayError, match="is for live books"):
        create_app({"store": store})


def test_the_gateways_own_variables_are_not_called_unknown(stripe: pytest.MonkeyPatch):
    stripe.setenv("LIFTLINK_STRIPPE_KEY", "x")
    said = [line for line in warnings_for(read_settings()) if "is no setting" in line]
    assert said == ["LIFTLINK_STRIPPE_KEY is no setting of Liftlink and changes nothing"]


@pytest.mark.parametrize("secret", [KEY, "rk_live_0123456789", "whsec_0123456789", "pi_1_secret_0123456789"])
def test_no_line_of_the_log_holds_a_secret_of_the_gateway(secret: str):
    cleaned = without_tokens(f"gateway said: {secret} is not accepted")
    assert "0123456789" not in cleaned
    assert cleaned.endswith("is not accepted")
