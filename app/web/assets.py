"""Static files under names that change with their content, compressed once at start and served from memory."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Flask, Response, abort, request

FOREVER: Final = "public, max-age=31536000, immutable"
_COMPRESSIBLE: Final = {".css", ".js", ".svg", ".txt", ".json"}
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file as it goes over the wire: ``packed`` is its gzip form, or None where that saves nothing."""

    name: str
    mime: str
    plain: bytes
    packed: bytes | None

    def answer(self, *, gzip_accepted: bool) -> Response:
        """The file with a year's freshness; its name carries the hash, so it never goes stale."""
        packed = self.packed if gzip_accepted else None
        response = Response(self.plain if packed is None else packed, content_type=self.mime)
        response.headers["Cache-Control"] = FOREVER
        if self.packed is not None:
            response.headers["Vary"] = "Accept-Encoding"
        if packed is not None:
            response.headers["Content-Encoding"] = "gzip"
        return response


def content_hash(content: bytes) -> str:
    """Ten hexadecimal characters that change when the content does."""
    return hashlib.sha256(content).hexdigest()[:10]


def stored_file(name: str, content: bytes) -> StoredFile:
    """Compress once what is worth it. ``mtime=0`` keeps the bytes the same from start to start."""
    suffix = Path(name).suffix
    mime = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 9, mtime=0) if suffix in _COMPRESSIBLE else None
    return StoredFile(name, mime, content, packed if packed and len(packed) < len(content) else None)


class Assets:
    """Everything below ``folder``, read at start. ``url("css/base.css")`` is ``/static/css/base.<hash>.css``."""

    def __init__(self, folder: Path) -> None:
        self._urls: dict[str, str] = {}
        self._files: dict[str, StoredFile] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                self._add(path.relative_to(folder).as_posix(), path.read_bytes())

    def _add(self, name: str, content: bytes) -> None:
        stem, dot, suffix = name.rpartition(".")
        hashed = f"{stem}.{content_hash(content)}{dot}{suffix}" if stem else name
        self._urls[name] = f"/static/{hashed}"
        self._files[hashed] = stored_file(name, content)

    def url(self, name: str) -> str:
        """Where the file is served. ``KeyError`` for a file that does not exist, so that a typo fails loudly."""
        return self._urls[name]

    def find(self, hashed: str) -> StoredFile | None:
        """The file under its hashed name; None for any other name, old hashes too."""
        return self._files.get(hashed)

    def named(self, name: str) -> StoredFile:
        """The file under the name it has on disk."""
        return self._files[self._urls[name].removeprefix("/static/")]


def accepts_gzip() -> bool:
    """Whether the current request takes gzip."""
    return "gzip" in request.headers.get("Accept-Encoding", "")


def register_assets(app: Flask, assets: Assets) -> None:
    """Serve ``/static/…`` and the favicon. The app must be made with ``static_folder=None``."""

    @app.get("/static/<path:name>", endpoint="static")
    def static_file(name: str) -> Response:
        found = assets.find(name)
        if found is None:
            abort(404)
        return found.answer(gzip_accepted=accepts_gzip())

    @app.get("/favicon.ico", endpoint="favicon")
    def favicon() -> Response:
        answer = assets.named("favicon.svg").answer(gzip_accepted=accepts_gzip())
        # Its name carries no hash, so it may change under the same address.
        answer.headers["Cache-Control"] = "public, max-age=86400"
        return answer
