"""What every answer says about itself: content policy, no referrer, no store, no index; and gzip for pages.

The token stands in the path, so nothing may leave through Referer, a cache, an index or another origin.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Final

from flask import Flask, Response, request

HSTS: Final = "max-age=63072000; includeSubDomains"
PERMISSIONS: Final = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), "
    "gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), xr-spatial-tracking=()"
)
# Indexing is refused by header; a disallowed page could not show that header and its bare address might be listed.
ROBOTS: Final = "User-agent: *\nDisallow:\n"
_WORTH_PACKING: Final = 1024


def content_policy(gateway_origins: Sequence[str] = ()) -> str:
    """The page's own styles, script, pictures and forms, and the gateway's page as a form's target. Nothing else.

    Browsers apply ``form-action`` to redirects after a POST too, so a gateway reached by 303 has to be named.
    """
    targets = " ".join(("'self'", *gateway_origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


def _pack(response: Response) -> None:
    """Compress a page for a client that takes it. Pages repeat nothing that a stranger may choose, so length tells nothing."""
    if (
        response.direct_passthrough
        or response.is_streamed
        or response.mimetype not in {"text/html", "application/json"}
        or "Content-Encoding" in response.headers
    ):
        return
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) < _WORTH_PACKING or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return
    # Level 4 is within 4 % of the smallest size at half its time.
    response.set_data(gzip.compress(body, 4, mtime=0))
    response.headers["Content-Encoding"] = "gzip"


def register_headers(app: Flask, *, gateway_origins: Sequence[str] = (), production: bool = False) -> None:
    """Add the headers to every answer of the app; a view that set one of them keeps its own."""
    fixed = {
        "Content-Security-Policy": content_policy(gateway_origins),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
        "Cache-Control": "no-store",
    }
    if production:
        fixed["Strict-Transport-Security"] = HSTS

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in fixed.items():
            if name not in response.headers:
                response.headers[name] = value
        _pack(response)
        return response

    @app.get("/robots.txt", endpoint="robots")
    def robots() -> Response:
        return Response(ROBOTS, mimetype="text/plain", headers={"Cache-Control": "public, max-age=86400"})
