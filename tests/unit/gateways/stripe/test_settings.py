from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.gateways.port import GatewayError
from app.gateways.registry import open_gateway
from app.gateways.stripe.settings import Credentials, read_settings

LIVE, TEST, SECRET = "sk_live_0123456789", "rk_test_0123456789", "whsec_0123456789"


def settings(**more: Any) -> dict[str, object]:
    return {"production": False, "public_url": "https://pay.example", "clock": None, "randomness": None, **more}


def refused(**more: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        read_settings(settings(**more))
    return caught.value


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "LIFTLINK_STRIPE_SECRET_KEY"),
        ({"secret_key": TEST}, "a test key, and is for live books"),
        ({"test_secret_key": LIVE}, "a live key, and is for test books"),
        ({"secret_key": "pk_live_0123456789"}, "no secret or restricted key"),
        ({"secret_key": LIVE, "webhook_secrets": "hunter2hunter2"}, "begins with whsec_"),
        ({"test_webhook_secrets": SECRET}, "without LIFTLINK_STRIPE_TEST_SECRET_KEY"),
        ({"secret_key": LIVE, "page_origins": "https://pay.example.com/path"}, "LIFTLINK_STRIPE_PAGE_ORIGINS"),
        ({"secret_key": LIVE, "page_origins": "https://*; script-src *"}, "LIFTLINK_STRIPE_PAGE_ORIGINS"),
        ({"secret_key": LIVE, "timeout_seconds": "60"}, "LIFTLINK_STRIPE_TIMEOUT_SECONDS"),
        ({"secret_key": LIVE, "timeout_seconds": "soon"}, "LIFTLINK_STRIPE_TIMEOUT_SECONDS"),
        ({"secret_key": LIVE, "timeout_seconds": "nan"}, "LIFTLINK_STRIPE_TIMEOUT_SECONDS"),
        ({"secret_key": LIVE, "api_base": "stripe.example"}, "LIFTLINK_STRIPE_API_BASE"),
        ({"secret_key": LIVE, "accounts_file": "/no/such/file"}, "LIFTLINK_STRIPE_ACCOUNTS_FILE"),
        ({"secret_keys": LIVE}, "no setting LIFTLINK_STRIPE_SECRET_KEYS"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(given: dict[str, str], says: str):
    error = refused(**given)
    assert error.code == "gateway_misconfigured"
    assert says in str(error)
    assert not any(value in f"{error} {error.details}" for value in (LIVE, TEST, SECRET, "hunter2hunter2"))


@pytest.mark.parametrize("production", [True, None, "no"])
def test_another_address_is_refused_in_production_and_where_nobody_denies_it(production: object):
    error = refused(production=production, secret_key=LIVE, api_base="http://127.0.0.1:12111")
    assert error.code == "gateway_refuses_production"


@pytest.mark.parametrize(("livemode", "key"), [(True, LIVE), (False, TEST)])
def test_each_mode_has_its_own_key(livemode: bool, key: str):
    found = read_settings(settings(secret_key=LIVE, test_secret_key=TEST)).of("quillmark", livemode=livemode)
    assert (found.key, found.connected) == (key, "")


def test_a_mode_without_a_key_is_refused_by_name():
    only_test = read_settings(settings(test_secret_key=TEST))
    with pytest.raises(GatewayError, match="no live key for 'quillmark-live'"):
        only_test.of("quillmark-live", livemode=True)


def test_an_account_that_begins_with_acct_is_a_connected_one():
    found = read_settings(settings(secret_key=LIVE, webhook_secrets=SECRET)).of("acct_1A", livemode=True)
    assert (found.connected, found.key, found.secrets) == ("acct_1A", LIVE, (SECRET,))


def test_several_secrets_are_a_comma_list_with_the_newest_first():
    given = settings(secret_key=LIVE, webhook_secrets=f" {SECRET}b, ,{SECRET}a ")
    assert read_settings(given).of("x", livemode=True).secrets == (f"{SECRET}b", f"{SECRET}a")


def accounts(tmp_path: Path, text: str, **more: Any) -> dict[str, object]:
    file = tmp_path / "accounts.toml"
    file.write_text(text)
    return settings(accounts_file=str(file), **more)


def test_a_file_gives_each_account_its_own_key_and_secrets(tmp_path: Path):
    given = accounts(
        tmp_path,
        f'[accounts.a-live]\nsecret_key = "{LIVE}a"\nwebhook_secrets = ["{SECRET}a"]\n'
        f'[accounts.a-test]\nsecret_key = "{TEST}a"\n'
        '[accounts.b-live]\nmode = "live"\nstripe_account = "acct_b"\n',
        secret_key=LIVE,
    )
    read = read_settings(given)
    assert read.of("a-live", livemode=True) == Credentials(f"{LIVE}a", "", (f"{SECRET}a",))
    assert read.of("a-test", livemode=False) == Credentials(f"{TEST}a", "", ())
    assert read.of("b-live", livemode=True) == Credentials(LIVE, "acct_b", ())
    assert read.of("c-live", livemode=True) == Credentials(LIVE, "", ())


def test_a_live_book_never_gets_the_test_key_of_its_name_nor_the_reverse(tmp_path: Path):
    read = read_settings(accounts(tmp_path, f'[accounts.a]\nsecret_key = "{TEST}"\n', secret_key=LIVE))
    with pytest.raises(GatewayError, match="is a test key, and the book is a live one"):
        read.of("a", livemode=True)


@pytest.mark.parametrize(
    "text",
    [
        "accounts = 1",
        "[account.a]",
        "[accounts]\na = 1",
        "[accounts.a]",
        '[accounts.a]\nsecret_key = "pk_live_12345678"',
        '[accounts.a]\nsecret_key = "sk_live_12345678"\nmode = "test"',
        '[accounts.a]\nsecret_key = "sk_live_12345678"\nkey = 1',
        '[accounts.a]\nmode = "live"',
        '[accounts.a]\nmode = "live"\nstripe_account = "acct_1"',
        '[accounts.a]\nsecret_key = "sk_live_12345678"\nstripe_account = "quillmark"',
        "not toml",
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str):
    with pytest.raises(GatewayError, match="LIFTLINK_STRIPE_ACCOUNTS_FILE"):
        read_settings(accounts(tmp_path, text))


def test_neither_key_nor_secret_is_in_what_is_printed():
    opened = open_gateway("stripe", settings(secret_key=LIVE, webhook_secrets=SECRET))
    gateway = opened.at("acct_1", livemode=True)
    found = read_settings(settings(secret_key=LIVE, webhook_secrets=SECRET))
    said = f"{opened!r} {gateway!r} {vars(gateway)!r} {vars(opened)!r} {found!r} {found.of('x', livemode=True)!r}"
    assert LIVE not in said
    assert SECRET not in said


def test_notices_are_not_taken_without_a_secret_or_a_key():
    opened = open_gateway("stripe", settings(secret_key=LIVE, webhook_secrets=SECRET, test_secret_key=TEST))
    assert opened.notice_secrets("q", livemode=True) == (SECRET,)
    assert opened.notice_secrets("q", livemode=False) == ()
    assert open_gateway("stripe", settings(secret_key=LIVE)).notice_secrets("q", livemode=False) == ()


def test_the_sdk_is_loaded_by_opening_stripe_and_by_nothing_else():
    """Thirty megabytes and half a second that an installation with another gateway never pays."""
    program = (
        "import sys, app.wiring.web, app.gateways.stripe\n"
        "from app.gateways.registry import known_gateways, open_gateway\n"
        "known_gateways()\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'stripe']\n"
        f"open_gateway('stripe', {{'production': False, 'test_secret_key': '{TEST}'}})\n"
        "assert 'stripe' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_account_may_serve_stripes_page_under_its_own_domain():
    told = settings(secret_key=LIVE, page_origins="https://pay.example.com, https://pay.example.org")
    opened: Any = open_gateway("stripe", told)
    assert opened.page_origins[-2:] == ("https://pay.example.com", "https://pay.example.org")
    assert "https://checkout.stripe.com" in opened.page_origins


def test_names_on_one_key_stand_for_one_account_and_connected_ones_for_their_own():
    opened: Any = open_gateway("stripe", settings(secret_key=LIVE, test_secret_key=TEST))
    names = ("quillmark-live", "northpress-live", "acct_1A", "acct_1B")
    quillmark, northpress, first, second = [opened.at(name, livemode=True).identity for name in names]
    assert quillmark == northpress
    assert len({quillmark, first, second, opened.at("quillmark-test", livemode=False).identity}) == 4
    assert LIVE not in quillmark
