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

    params_text: str = field(init=False)
    params_hash: str = field(init=False)

    def __post_init__(self) -> None:
        text = json.dumps(self.params, sort_keys=True, separators=(",", ":"))
        object.__setattr__(self, "params_text", text)
        object.__setattr__(self, "params_hash", hashlib.sha256(f"{self.verb} {text}".encode()).hexdigest())


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
