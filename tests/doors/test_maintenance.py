"""S-35: closed for a while. The offer is kept, and an order that is under way goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask

from app.kit.clock import StoppedClock
from app.web.assets import Assets
from app.web.errors import register_errors
from app.web.i18n import Languages
from app.web.maintenance import close_until, open_again, register_maintenance
from app.web.pages import Pages

ROOT = Path(__file__).parents[2]


def shop(switch: Path, clock: StoppedClock) -> Flask:
    app = Flask("maintenance-test")
    pages = Pages(ROOT / "templates", Assets(ROOT / "static"), Languages())
    register_errors(app, pages)
    register_maintenance(app, switch, clock)
    for path in ("/u/<token>", "/cart/<token>", "/done/<token>"):
        app.add_url_rule(path, endpoint=path, view_func=lambda token: f"open {token}", methods=["GET", "POST"])
    return app


def test_carts_close_and_say_for_how_long(tmp_path: Path, clock: StoppedClock):
    client = shop(tmp_path / "maintenance", clock).test_client()
    assert client.get("/cart/x").status_code == 200
    close_until(tmp_path / "maintenance", clock.now() + timedelta(minutes=20))
    answer = client.get("/u/x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1200")
    page = answer.get_data(as_text=True)
    assert "Nothing was charged" not in page, "nobody looked whether the shopper bought before"
    assert "your confirmation page or our mail says what happened" in page
    assert "20 minutes" in page
    assert client.post("/cart/x").status_code == 503


def test_an_order_under_way_goes_on(tmp_path: Path, clock: StoppedClock):
    client = shop(tmp_path / "maintenance", clock).test_client()
    close_until(tmp_path / "maintenance", clock.now() + timedelta(minutes=20))
    assert client.get("/done/x").status_code == 200


def test_it_opens_when_told_and_not_before(tmp_path: Path, clock: StoppedClock):
    switch = tmp_path / "maintenance"
    client = shop(switch, clock).test_client()
    close_until(switch, clock.now() + timedelta(minutes=20))
    clock.move(timedelta(hours=2))
    assert client.get("/cart/x").headers["Retry-After"] == "60"
    assert open_again(switch)
    assert client.get("/cart/x").status_code == 200
    assert not open_again(switch)


def test_a_switch_that_cannot_be_read_means_closed(tmp_path: Path, clock: StoppedClock):
    (tmp_path / "maintenance").write_text("soon")
    answer = shop(tmp_path / "maintenance", clock).test_client().get("/cart/x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600")
