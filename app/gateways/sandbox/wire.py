"""What passes between the adapter and the sandbox's host: a call, a response, or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One changing call. ``subject`` is what it is about: an attempt, a payment or a customer."""

    account: str
    livemode: bool
    verb: str
    key: str
    subject: str
    params: Mapping[str, Any]

    @property
    def params_text(self) -> str:
        return json.dumps(self.params, sort_keys=True, separators=(",", ":"))

    @property
    def params_hash(self) -> str:
        return hashlib.sha256(f"{self.verb} {self.params_text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; ``cut`` when its body broke off on the way."""

    status: int
    body: Body = field(default_factory=dict[str, Any])
    cut: bool = False

    @property
    def code(self) -> str:
        error = self.body.get("error")
        return error["code"] if error else ""


class NoAnswer(Exception):
    """The call ended without one. ``sent`` is False when not a byte left."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("time-out" if sent else "connection refused")
        self.sent = sent


def failure(status: int, code: str, message: str, **more: Any) -> Response:
    return Response(status, {"error": {"code": code, "message": message}, **more})
