"""Stripe's published description (openapi.json): what a request may say, and what an answer must look like."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema_rs

from tests.stripe_server.routes import Route
from tests.stripe_server.wire import Body, StripeError, invalid

FILE = Path(__file__).with_name("openapi.json")
GONE = {"payment_method_types": "payment_method_types_no_longer_supported"}
"""Parameters that Stripe took away, with the code it answers."""


@functools.cache
def document() -> dict[str, Any]:
    return json.loads(FILE.read_text())


class Description:
    """Parameters come as text and leave as what the description calls them; what it does not know is refused as Stripe does."""

    def __init__(self) -> None:
        self._paths = document()["paths"]

    def parameters(self, route: Route, params: Body) -> Body:
        operation = self._paths[route.template][route.method.lower()]
        if route.method == "POST":
            return _object(operation.get("body", {}), params, "", route.template)
        schema = {
            "properties": {
                each["name"]: each.get("schema", {}) for each in operation["parameters"] if each["in"] == "query"
            },
            "required": [
                each["name"] for each in operation["parameters"] if each["in"] == "query" and each.get("required")
            ],
            "type": "object",
        }
        return _object(schema, params, "", route.template)


def _object(schema: Body, value: Any, name: str, where: str) -> Body:
    if not isinstance(value, dict):
        raise invalid(f"Invalid object: {name}", param=name)
    known = schema.get("properties")
    more = schema.get("additionalProperties")
    told: Body = {}
    for key, each in value.items():
        inner = f"{name}[{key}]" if name else key
        if known is not None and key in known:
            told[key] = _value(known[key], each, inner, where)
        elif isinstance(more, dict):
            told[key] = _value(more, each, inner, where)
        elif known is None:
            told[key] = each
        elif (
            not name and key in GONE and where.startswith(("/v1/payment_intents", "/v1/setup_intents", "/v1/checkout"))
        ):
            raise invalid(f"The parameter `{key}` is no longer supported.", GONE[key], param=key)
        else:
            raise invalid(f"Received unknown parameter: {inner}", "parameter_unknown", param=inner)
    for key in schema.get("required", ()):
        if key not in told:
            inner = f"{name}[{key}]" if name else key
            raise invalid(f"Missing required param: {inner}.", "parameter_missing", param=inner)
    if name == "metadata":
        _check_metadata(told)
    return told


def _value(schema: Body, value: Any, name: str, where: str) -> Any:
    if "anyOf" in schema:
        return _one_of(schema["anyOf"], value, name, where)
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return _object(schema, value, name, where)
    if kind == "array":
        if not isinstance(value, list):
            raise invalid("Invalid array", param=name)
        return [_value(schema.get("items", {}), each, f"{name}[{number}]", where) for number, each in enumerate(value)]
    if kind in _SCALARS:
        return _SCALARS[kind](schema, value, name)
    return value


def _one_of(choices: list[Body], value: Any, name: str, where: str) -> Any:
    """The first choice that takes the value; otherwise the complaint of the choice that fits its shape."""
    complaint: StripeError | None = None
    for schema in choices:
        try:
            return _value(schema, value, name, where)
        except StripeError as error:
            if complaint is None or isinstance(value, dict) == (schema.get("type") == "object"):
                complaint = error
    assert complaint is not None
    raise complaint


def _integer(_: Body, value: Any, name: str) -> int:
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    raise invalid(f"Invalid integer: {value}", "parameter_invalid_integer", param=name)


def _number(_: Body, value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise invalid(f"Invalid decimal: {value}", param=name) from None


def _boolean(_: Body, value: Any, name: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def _string(schema: Body, value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise invalid("Invalid string", param=name)
    if "enum" in schema and value not in schema["enum"]:
        raise invalid(
            f"Invalid {name}: must be one of {', '.join(each or 'empty' for each in schema['enum'])}", param=name
        )
    if value == "" and "enum" not in schema and "maxLength" in schema:
        raise invalid(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however '{name}' cannot be unset.",
            "parameter_invalid_empty", param=name,
        )  # fmt: skip
    if len(value) > schema.get("maxLength", len(value)):
        raise invalid(f"Invalid string: {value[:20]}…; must be at most {schema['maxLength']} characters", param=name)
    return value


_SCALARS = {"integer": _integer, "number": _number, "boolean": _boolean, "string": _string}


def _check_metadata(given: Body) -> None:
    if len(given) > 50:
        raise invalid("Metadata may have at most 50 keys.", param="metadata")
    for key, value in given.items():
        if len(key) > 40:
            raise invalid(f"Metadata keys must be at most 40 characters: {key[:20]}…", param="metadata")
        if not isinstance(value, str) or len(value) > 500:
            raise invalid("Metadata values can be at most 500 characters.", param=f"metadata[{key}]")


# What tests hold requests and answers to, by an independent validator


@functools.cache
def _plain_schema() -> dict[str, Any]:
    schemas = document()["components"]["schemas"]
    closed = {
        name: {"additionalProperties": False, **schema} if "properties" in schema else schema
        for name, schema in schemas.items()
    }
    return {"definitions": _as_json_schema(closed)}


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` in JSON Schema's words."""
    if isinstance(node, list):
        return [_as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    told = {key: _as_json_schema(value) for key, value in node.items() if key != "nullable"}
    if "$ref" in told:
        told["$ref"] = told["$ref"].replace("#/components/schemas/", "#/definitions/")
    return {"anyOf": [told, {"type": "null"}]} if node.get("nullable") is True else told


@functools.cache
def _validator(template: str, method: str, what: str) -> jsonschema_rs.Validator:
    operation = document()["paths"][template][method]
    schema = operation["responses"]["200"] if what == "answer" else operation.get("body", {"type": "object"})
    return jsonschema_rs.validator_for({**_as_json_schema(schema), **_plain_schema()})


@functools.cache
def _error_validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"$ref": "#/definitions/error", **_plain_schema()})


def complaints_about_answer(route: Route, status: int, body: Body) -> list[str]:
    """What the published description says against this answer; nothing when it is as Stripe's would be."""
    validator = _validator(route.template, route.method.lower(), "answer") if status == 200 else _error_validator()
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(body)]


def complaints_about_request(route: Route, params: Body) -> list[str]:
    """The same for a body, already turned into numbers and booleans by ``Description``."""
    validator = _validator(route.template, route.method.lower(), "body")
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(params)]
