"""The gallery behind a web server: ``/<language>/<state>`` with the real styles, script, brand and headers, no database."""

from __future__ import annotations

from flask import Flask, Response, abort

from app.web.assets import Assets, register_assets
from app.web.headers import register_headers
from app.web.styles import register_brand
from tests.doors.gallery import ROOT, new_pages, states


def gallery_app() -> Flask:
    app = Flask("gallery", static_folder=None)
    register_assets(app, Assets(ROOT / "static"))
    register_brand(app)
    register_headers(app)
    pages = new_pages()

    @app.get("/<language>/<name>")
    def show(language: str, name: str) -> Response:
        if language not in pages.languages.enabled:
            abort(404)
        found = states(pages, pages.languages.speak(language, chosen=True)).get(name)
        if found is None:
            abort(404)
        rendered = found()
        return Response(rendered.html, rendered.status, mimetype="text/html")

    return app


def names() -> list[str]:
    pages = new_pages()
    return sorted(states(pages, pages.languages.speak("en")))
