from __future__ import annotations

from pathlib import Path

import pytest

from app.gateways.port import GatewayError
from app.gateways.registry import OpenGateways, known_gateways, open_gateway


def settings(tmp_path: Path, **more: object) -> dict[str, object]:
    return {"production": False, "path": tmp_path / "ledger.sqlite", "public_url": "http://sandbox.test", **more}


def test_the_sandbox_is_found_by_its_entry_point(tmp_path: Path):
    assert "sandbox" in known_gateways()
    assert open_gateway("sandbox", settings(tmp_path)).name == "sandbox"


def test_an_unknown_gateway_is_refused_with_the_known_ones(tmp_path: Path):
    with pytest.raises(GatewayError, match=r"no gateway 'strippe'; installed: .*sandbox") as caught:
        open_gateway("strippe", settings(tmp_path))
    assert caught.value.code == "gateway_unknown"


def test_an_attempts_gateway_is_bound_to_its_account_and_mode(tmp_path: Path):
    gateways = OpenGateways({"sandbox": open_gateway("sandbox", settings(tmp_path))})
    gateway = gateways.of("sandbox", "acct_1", livemode=True)
    assert (gateway.account, gateway.livemode) == ("acct_1", True)
    assert gateways.of("sandbox", "acct_1", livemode=True) is gateway
    assert gateways.of("sandbox", "acct_1", livemode=False) is not gateway


def test_a_gateway_that_was_not_opened_is_refused_by_name(tmp_path: Path):
    with pytest.raises(GatewayError, match=r"no gateway 'stripe'; opened here: none"):
        OpenGateways({}).of("stripe", "acct_1", livemode=False)


@pytest.mark.parametrize("production", [True, None, "no"])
def test_the_sandbox_refuses_production_and_whoever_does_not_deny_it(tmp_path: Path, production: object):
    with pytest.raises(GatewayError) as caught:
        open_gateway("sandbox", settings(tmp_path, production=production))
    assert caught.value.code == "gateway_refuses_production"
    assert not (tmp_path / "ledger.sqlite").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", ""),
        ("public_url", None),
        ("slow_seconds", -1),
        ("timeout_seconds", "1"),
        ("late_seconds", True),
        ("late_seconds", 60),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: object):
    with pytest.raises(GatewayError, match=name) as caught:
        open_gateway("sandbox", settings(tmp_path, **{name: value}))
    assert caught.value.code == "gateway_misconfigured"
