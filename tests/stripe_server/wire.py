"""Stripe's form encoding and the shape of its errors."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

Body = dict[str, Any]

_PARTS = re.compile(r"\[([^\]]*)\]")


class StripeError(Exception):
    """An answer other than 200. ``executed``: the act had begun, so the answer is saved under the key."""

    def __init__(
        self, status: int, kind: str, message: str, code: str = "", *, executed: bool = False, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        error: Body = {"type": kind, "message": message}
        if code:
            error["code"] = code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        error.update({name: value for name, value in more.items() if value is not None})
        self.body: Body = {"error": error}


def invalid(message: str, code: str = "", *, status: int = 400, executed: bool = False, **more: Any) -> StripeError:
    return StripeError(status, "invalid_request_error", message, code, executed=executed, **more)


def missing(what: str, ref: str, param: str) -> StripeError:
    return invalid(f"No such {what}: '{ref}'", "resource_missing", status=404, param=param)


def decode_form(text: str) -> Body:
    """``metadata[order]=7&expand[]=a`` as nested dicts and lists; every leaf is text, as it is on the wire."""
    tree: Body = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _place(tree, name, value)
    return {key: _lists(value) for key, value in tree.items()}


def _place(tree: Body, name: str, value: str) -> None:
    head, bracket, _ = name.partition("[")
    parts = [head, *_PARTS.findall(name)] if bracket else [head]
    at = tree
    for part in parts[:-1]:
        part = part or str(len(at))
        inner = at.setdefault(part, {})
        if not isinstance(inner, dict):
            raise invalid(f"Invalid hash: {name}", param=name)
        at = inner
    at[parts[-1] or f"#{len(at)}"] = value


def _lists(value: Any) -> Any:
    """Objects whose keys are all positions are lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(each) for key, each in value.items()}
    if inner and all(key.lstrip("#").isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=lambda key: int(key.lstrip("#")))]
    return inner


def form_of(params: Body) -> list[tuple[str, str]]:
    """The reverse: nested parameters as Stripe's SDKs send them."""
    pairs: list[tuple[str, str]] = []

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, each in value.items():
                walk(f"{prefix}[{key}]" if prefix else str(key), each)
        elif isinstance(value, list | tuple):
            for number, each in enumerate(value):
                walk(f"{prefix}[{number}]", each)
        elif isinstance(value, bool):
            pairs.append((prefix, "true" if value else "false"))
        else:
            pairs.append((prefix, str(value)))

    walk("", params)
    return pairs


def is_true(value: Any) -> bool:
    return value is True or value == "true"
