"""Assets, the brand's sheet, security headers, error pages: asked for over HTTP, without a database."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import structlog
from flask import Flask, abort
from sqlalchemy.exc import DisconnectionError
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from app.web.assets import Assets, register_assets
from app.web.errors import nothing_charged, payment_begins, register_errors
from app.web.frame import brand_url, keep_language, legal_links, with_query
from app.web.headers import content_policy, register_headers
from app.web.i18n import Tongue
from app.web.styles import register_brand
from tests.doors.gallery import MERCHANT, new_pages
from tests.doors.page_client import PageClient, check_page, text_of

ROOT = Path(__file__).parents[3]


def make_app(*, production: bool = False) -> Flask:
    app = Flask("parts", static_folder=None)
    assets = Assets(ROOT / "static")
    register_assets(app, assets)
    register_brand(app)
    register_headers(app, gateway_origins=("https://pay.gateway.example",), production=production)
    register_errors(app, new_pages(), merchant_of=lambda: MERCHANT, apart=lambda path: path.startswith("/v1/"))

    @app.route("/boom", methods=["GET", "POST"])
    def boom() -> str:
        raise RuntimeError("secret-canary")

    @app.post("/before")
    def before() -> str:
        nothing_charged()
        raise RuntimeError("secret-canary")

    @app.post("/after")
    def after() -> str:
        payment_begins("UP-1234-5678", "/done/T")
        raise RuntimeError("secret-canary")

    @app.route("/away", methods=["GET", "POST"])
    @app.get("/v1/away", endpoint="v1")
    def away() -> str:
        raise DisconnectionError("postgresql://liftlink:secret-canary@db.example")

    @app.post("/away/after")
    def away_after() -> str:
        payment_begins("UP-1234-5678", "/done/T")
        raise DisconnectionError

    @app.post("/away/before")
    def away_before() -> str:
        nothing_charged()
        raise DisconnectionError

    @app.get("/named")
    def named() -> str:
        return str(structlog.contextvars.get_contextvars()["request"])

    @app.get("/busy")
    def busy() -> str:
        raise TooManyRequests(retry_after=90)

    @app.get("/closed")
    def closed() -> str:
        raise ServiceUnavailable(retry_after=300)

    @app.get("/v1/gone")
    def gone() -> str:
        abort(404)

    @app.get("/long")
    def long() -> str:
        return "<!doctype html><title>x</title>" + "word " * 2000

    return app


@pytest.fixture(scope="module")
def app() -> Flask:
    return make_app()


def shown(app: Flask, path: str, status: int, method: str = "GET") -> str:
    client = PageClient(app)
    answer = client.get(path, status) if method == "GET" else client.post(path, {}, status)
    html = answer.get_data(as_text=True)
    assert "canary" not in html
    assert "Traceback" not in html
    return text_of(check_page(html))


def test_a_missing_page_says_so_and_leads_to_the_seller(app: Flask):
    assert "This page does not exist" in shown(app, "/nowhere", 404)


def test_a_wrong_method_names_the_allowed_ones(app: Flask):
    answer = app.test_client().post("/busy")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_an_error_before_anybody_looked_says_nothing_of_money(app: Flask):
    assert "charged" not in shown(app, "/boom", 500)


def test_an_error_before_the_payment_says_that_nothing_was_charged(app: Flask):
    assert "Nothing was charged" in shown(app, "/before", 500, "POST")


def test_an_error_after_the_payment_began_never_claims_to_know(app: Flask):
    text = shown(app, "/after", 500, "POST")
    assert "We do not know yet whether your bank was charged" in text
    assert "Do not pay again." in text
    assert "UP-1234-5678" in text
    assert "Nothing was charged" not in text


def test_an_error_in_a_post_that_said_nothing_is_taken_as_unknown(app: Flask):
    assert "Do not pay again." in shown(app, "/boom", 500, "POST")


@pytest.mark.parametrize(("path", "method"), [("/away", "GET"), ("/away/before", "POST")])
def test_a_database_that_is_away_is_answered_with_when_to_come_back_and_no_word_about_money(
    app: Flask, path: str, method: str
):
    text = shown(app, path, 503, method)
    assert "Please wait a moment, then try again." in text
    assert "charged" not in text
    assert app.test_client().open(path, method=method).headers["Retry-After"] == "30"


@pytest.mark.parametrize("path", ["/away", "/away/after"])
def test_a_database_that_goes_away_after_a_press_promises_nothing(app: Flask, path: str):
    text = shown(app, path, 503, "POST")
    assert "We do not know yet whether your bank was charged" in text
    assert "Do not pay again." in text
    assert "Nothing was charged" not in text
    assert "email you" not in text


def test_a_program_is_told_in_a_few_words_that_the_database_is_away(app: Flask):
    answer = app.test_client().get("/v1/away")
    assert (answer.status_code, answer.mimetype, answer.headers["Retry-After"]) == (
        503, "application/problem+json", "30",
    )  # fmt: skip
    assert answer.get_json()["code"] == "unavailable"


def test_lines_of_the_log_name_the_request_they_come_from(app: Flask):
    answer = app.test_client().get("/named")
    assert answer.get_data(as_text=True) == answer.headers["X-Request-Id"]


def test_too_many_requests_say_how_long_to_wait(app: Flask):
    assert "Please wait 2 minutes" in shown(app, "/busy", 429)
    assert app.test_client().get("/busy").headers["Retry-After"] == "90"


def test_maintenance_says_when_it_ends_and_that_the_offer_is_kept(app: Flask):
    assert "We expect to be back in 5 minutes. Your offer is kept for you." in shown(app, "/closed", 503)


def test_error_pages_speak_the_language_that_is_asked_for(app: Flask):
    assert "Cette page n’existe pas" in shown(app, "/nowhere?lang=fr", 404)


def test_the_api_words_its_own_errors(app: Flask):
    assert "Secure checkout" not in app.test_client().get("/v1/gone").get_data(as_text=True)


def test_the_reference_on_the_page_is_the_one_in_the_header(app: Flask):
    answer = app.test_client().get("/boom")
    assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)


def test_an_asset_is_kept_for_ever_and_comes_compressed(app: Flask):
    url = Assets(ROOT / "static").url("css/base.css")
    answer = app.test_client().get(url, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert gzip.decompress(answer.data) == (ROOT / "static/css/base.css").read_bytes()
    assert app.test_client().get(url).data == (ROOT / "static/css/base.css").read_bytes()


@pytest.mark.parametrize(
    "path", ["/static/css/base.css", "/static/css/base.0000000000.css", "/static/../pyproject.toml", "/static/"]
)
def test_only_the_hashed_names_are_served(app: Flask, path: str):
    assert app.test_client().get(path).status_code == 404


def test_a_name_changes_with_the_content(tmp_path: Path):
    (tmp_path / "a.css").write_text("a{}")
    first = Assets(tmp_path).url("a.css")
    (tmp_path / "a.css").write_text("b{}")
    assert Assets(tmp_path).url("a.css") != first


def test_a_template_cannot_name_an_asset_that_does_not_exist():
    with pytest.raises(KeyError):
        Assets(ROOT / "static").url("css/typo.css")


def test_the_brands_sheet_is_served_under_its_colour(app: Flask):
    answer = app.test_client().get(brand_url("#0E5A73"))
    assert answer.status_code == 200
    assert b"--brand: #0e5a73;" in answer.data
    assert "immutable" in answer.headers["Cache-Control"]
    old = app.test_client().get("/brand/0e5a73.0000000000.css")
    assert old.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/brand/red.0000000000.css", "/brand/0e5a7.0000000000.css", "/brand/%3Cscript.0.css"])
def test_no_sheet_for_what_is_no_colour(app: Flask, path: str):
    assert app.test_client().get(path).status_code == 404


def test_the_content_policy_is_the_agreed_one():
    assert content_policy(("https://pay.example",)) == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self' https://pay.example; frame-ancestors 'none'; base-uri 'none'"
    )


def test_only_production_pins_https(app: Flask):
    assert "Strict-Transport-Security" not in app.test_client().get("/robots.txt").headers
    assert (
        make_app(production=True)
        .test_client()
        .get("/robots.txt")
        .headers["Strict-Transport-Security"]
        .startswith("max-age=")
    )


def test_pages_come_compressed_to_those_who_take_it(app: Flask):
    answer = app.test_client().get("/long", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 500
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "Content-Encoding" not in app.test_client().get("/long").headers


def test_a_choice_of_language_replaces_the_one_before():
    french = Tongue("fr", "fr_FR", chosen=True)
    assert keep_language("/cart/T?lang=en&card=3#pay", french) == "/cart/T?card=3&lang=fr#pay"
    assert keep_language("/cart/T", Tongue("fr", "fr_FR")) == "/cart/T"
    assert with_query("/a", lang="fr") == "/a?lang=fr"


def test_legal_texts_lead_to_our_page_and_addresses_lead_to_the_merchants():
    links = legal_links(MERCHANT, Tongue("fr", "fr_FR", chosen=True), "/legal/quillmark")
    assert links == {
        "terms": "/legal/quillmark/terms?lang=fr",
        "refunds": "https://quillmark.example/refunds",
        "privacy": "https://quillmark.example/privacy",
    }
