"""Serve a merchant's style sheet. Its address holds the colour, so no row is read for it."""

from __future__ import annotations

from flask import Flask, Response, abort

from app.web.assets import accepts_gzip, stored_file
from app.web.brand import brand_css, brand_hash
from app.web.oklch import parse_hex


def register_brand(app: Flask) -> None:
    """``/brand/<rrggbb>.<hash>.css``. An old hash still gets today's sheet, but not for ever."""

    @app.get("/brand/<colour>.<digest>.css", endpoint="brand_css")
    def brand(colour: str, digest: str) -> Response:
        try:
            parse_hex(f"#{colour}")
        except ValueError:
            abort(404)
        sheet = brand_css(f"#{colour}")
        answer = stored_file("brand.css", sheet.encode()).answer(gzip_accepted=accepts_gzip())
        if digest != brand_hash(f"#{colour}"):
            answer.headers["Cache-Control"] = "no-cache"
        return answer
