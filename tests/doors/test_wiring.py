"""The assembled application: what stops its start, what every answer carries, what never reaches the log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app, migrations
from app.accounts.merchants import NewMerchant, change_merchant, create_merchant, stored_logo
from app.cli.commands.demo_clock import DemoClock, note_demo_clock
from app.config import SettingsError, read_settings
from app.gateways.port import GatewayError
from app.kit.clock import StoppedClock, SystemClock
from app.kit.ids import system_randomness
from app.models.store import Store
from app.web.services import EXTENSION, Services, for_book
from app.wiring.adapters import check_schema, make_clock, open_services
from app.wiring.jobs import start_jobs
from app.wiring.log import OURS, without_tokens
from app.wiring.web import ADAPTERS

TOKEN = "tkhv.IgwD6QQYakU82QcQAQIBAgPoY3JtLXNlYXQ.SbEKuAyMbW9OuFCTdrZl58jf9UZ0sijtid7NuItRvFg"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>'


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("LIFTLINK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LIFTLINK_INSTANCE_PATH", str(tmp_path))
    yield
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


def made_app(store: Store, **overrides: Any) -> Flask:
    """``store`` has its tables already; it is the embedded database of this folder."""
    return create_app({"store": store, **overrides})


def services_of(app: Flask) -> Services:
    return app.extensions[EXTENSION]


def a_book(app: Flask) -> int:
    adapters = app.extensions[ADAPTERS]
    new = NewMerchant("quillmark", "Quillmark CRM", "UTC", {"logo": stored_logo("svg", SVG)}, "sandbox")
    made = create_merchant(
        adapters.store, SystemClock(), adapters.masters, system_randomness, new, actor="test"
    )  # fmt: skip
    return made.books[0].id


def test_an_old_schema_stops_the_start_and_says_what_to_do(tmp_path: Path):
    with pytest.raises(SettingsError, match="liftlink db upgrade") as caught:
        create_app({"database_url": f"sqlite:///{tmp_path / 'new.sqlite3'}"})
    assert caught.value.code == "schema_old"


def test_the_server_sees_the_same_step_as_the_migrations(store: Store, tmp_path: Path):
    check_schema(store)
    assert migrations.is_current(store.engine)
    empty = Store(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    with pytest.raises(SettingsError, match="at step none"):
        check_schema(empty)
    assert migrations.current(empty.engine) is None


def test_a_gateway_that_is_not_installed_stops_the_start(store: Store):
    with pytest.raises(GatewayError) as caught:
        made_app(store, gateway="nobody-ships-this")
    assert caught.value.code == "gateway_unknown"


@pytest.mark.parametrize(("setting", "value"), [("languages", "en,tlh"), ("rate_limit", "often")])
def test_a_setting_that_only_a_door_understands_is_named(store: Store, setting: str, value: str):
    with pytest.raises(SettingsError) as caught:
        made_app(store, **{setting: value})
    assert caught.value.details["setting"] == f"LIFTLINK_{setting.upper()}"


def test_overrides_may_bring_adapters(store: Store):
    clock = StoppedClock(datetime(2026, 7, 1, tzinfo=UTC))
    services = services_of(made_app(store, clock=clock))
    assert services.clock is clock
    assert services.store is store


def test_the_bundle_that_doors_are_handed_holds_no_secret(store: Store):
    secret = "k3J-vT9q_wZ1xB7mN5cR8yL2dF6gH4sA0pQ"
    app = made_app(store, secret=secret)
    a_book(app)
    services = services_of(app)
    services.directory.own_ring()
    assert secret not in f"{services!r} {app.extensions[ADAPTERS]!r} {app.config!r}"


def test_health_answers_while_the_database_does(store: Store):
    client = made_app(store).test_client()
    assert client.get("/healthz").status_code == 200
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


def test_every_answer_carries_the_policy_and_a_reference(store: Store):
    client = made_app(store).test_client()
    for path in ("/healthz", "/nowhere", "/robots.txt"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Request-Id"].startswith("RQ-")


def test_a_logo_is_served_under_the_name_its_content_gives_it(store: Store):
    app = made_app(store)
    facts = services_of(app).directory.merchant(a_book(app))
    assert facts.logo is not None
    client = app.test_client()
    answer = client.get(f"/logo/quillmark/{facts.logo.file_name}")
    assert answer.data == SVG
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/logo/quillmark/0000000000.svg").status_code == 404
    assert client.get(f"/logo/nobody/{facts.logo.file_name}").status_code == 404


def test_an_error_wears_the_merchants_look_once_the_book_is_known(store: Store):
    app = made_app(store)
    book = a_book(app)
    change_merchant(store, "quillmark", fields={"help_email": "help@quillmark.example"})

    @app.get("/breaks")
    def breaks() -> str:
        for_book(book)
        raise RuntimeError("as asked")

    page = app.test_client().get("/breaks")
    assert page.status_code == 500
    assert "help@quillmark.example" in page.get_data(as_text=True)


def test_too_many_requests_are_told_how_long_to_wait(store: Store):
    client = made_app(store, rate_limit="3/minute").test_client()
    assert [client.get("/nowhere").status_code for _ in range(4)] == [404, 404, 404, 429]
    refused = client.get("/nowhere")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert client.get("/healthz").status_code == 200, "a load balancer is never turned away"


def test_a_forwarded_address_is_believed_only_behind_a_proxy(store: Store):
    def seen(**overrides: Any) -> str:
        app = made_app(store, **overrides)

        @app.get("/who")
        def who() -> str:
            from flask import request

            return f"{request.remote_addr} {request.scheme} {request.host}"

        headers = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
        return app.test_client().get("/who", headers=headers).get_data(as_text=True)

    assert seen() == "127.0.0.1 http localhost"
    assert seen(trusted_proxies=1) == "198.51.100.9 https localhost"


def test_a_form_larger_than_any_of_ours_is_refused(store: Store):
    app = made_app(store)

    @app.post("/form")
    def form() -> str:
        from flask import request

        return str(len(request.form))

    client = app.test_client()
    assert client.post("/form", data={"a": "x" * 1000}).status_code == 200
    assert client.post("/form", data={"a": "x" * 100_000}).status_code == 413


def test_the_sandboxs_pages_are_there_with_the_sandbox_only(store: Store):
    app = made_app(store)
    assert "bank" in app.blueprints
    adapters = app.extensions[ADAPTERS]
    assert "bank" not in made_app(store, gateways=adapters.gateways).blueprints


@pytest.mark.parametrize(
    "line",
    [
        f"GET /u/{TOKEN}",
        f"https://pay.example/u/{TOKEN}?utm_source=mail",
        f"'{TOKEN}'",
    ],
)
def test_no_line_of_the_log_holds_a_token(line: str):
    cleaned = without_tokens(line)
    assert "(token)" in cleaned
    assert TOKEN.split(".")[1] not in cleaned


@pytest.mark.parametrize("line", ["app.charging.drive", "127.0.0.1:8000", "2026-07-01T16:14:00.000000Z", "order.cftmcnwmn2wsztc7djd0.1"])  # fmt: skip
def test_what_is_no_token_stays_in_the_log(line: str):
    assert without_tokens(line) == line


def test_a_failing_page_logs_its_reference_and_neither_token_nor_variables(
    store: Store, capfd: pytest.CaptureFixture[str]
):
    app = made_app(store)

    @app.get("/fails/<token>")
    def fails(token: str) -> str:
        card = "pm_live_secret_card"
        raise RuntimeError(f"with {token} and {len(card)} letters")

    reference = app.test_client().get(f"/fails/{TOKEN}").headers["X-Request-Id"]
    logged = capfd.readouterr().err
    assert reference in logged
    assert "RuntimeError" in logged
    assert TOKEN not in logged
    assert TOKEN.split(".")[2] not in logged
    assert "= 'pm_live_secret_card'" not in logged.replace('card = "pm_live_secret_card"', "")


def test_the_demos_clock_counts_in_development_and_not_when_told_otherwise(tmp_path: Path):
    real = datetime.now(UTC)
    note_demo_clock(tmp_path / "demo-clock", DemoClock(datetime(2026, 7, 1, 16, tzinfo=UTC), real))
    shown = make_clock(read_settings()).now()
    assert (shown - datetime(2026, 7, 1, 16, tzinfo=UTC)).total_seconds() < 60
    started = make_clock(read_settings({"start_at": "2030-01-01T00:00:00Z"})).now()
    assert started.year == 2030


def test_production_never_takes_the_demos_clock(tmp_path: Path):
    note_demo_clock(
        tmp_path / "demo-clock", DemoClock(datetime(2026, 7, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
    )
    settings = read_settings(
        {"environment": "production", "secret": "k3J-vT9q_wZ1xB7mN5cR8yL2dF6gH4sA0pQ", "gateway": "stripe",
         "public_url": "https://pay.example"}
    )  # fmt: skip
    assert abs((make_clock(settings).now() - datetime.now(UTC)).total_seconds()) < 5


def test_a_gateways_own_variables_are_handed_to_it(monkeypatch: pytest.MonkeyPatch, store: Store):
    from app.wiring.adapters import gateway_settings

    monkeypatch.setenv("LIFTLINK_STRIPE_API_KEY", "sk_test")
    monkeypatch.setenv("LIFTLINK_STRIPE_PRODUCTION", "no")
    given = gateway_settings(read_settings({"gateway": "stripe"}), SystemClock(), system_randomness)
    assert given["api_key"] == "sk_test"
    assert given["production"] is False, "what we say of ourselves cannot be overridden"


def test_the_worker_thread_starts_only_when_it_is_wanted(store: Store):
    off = open_services(read_settings({"jobs": "off"}), {"store": store})
    assert start_jobs(off) is None
    on = open_services(read_settings(), {"store": store})
    runner = start_jobs(on)
    assert runner is not None
    runner.stop()
    with store.read() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
