"""One request from its bytes to its answer: credentials, faults, idempotency, validation, the act, the journal."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.stripe_server import checkout, faults, payments, refunds
from tests.stripe_server.call import API_VERSION, Call, expand, show
from tests.stripe_server.faults import AFTER, BEFORE
from tests.stripe_server.routes import Route, find_route
from tests.stripe_server.state import Row, State, new_id
from tests.stripe_server.wire import Body, StripeError, decode_form, invalid

KEY_LIFE = 24 * 3600
_KEY = re.compile(r"(?:sk|rk)_(test|live)_([A-Za-z0-9]+)\w*")
_SECRET = frozenset({"number", "cvc"})


@dataclass
class Answer:
    """``ends``: how it leaves the server: ``""`` whole, ``drop``, ``hold`` (silence), ``cut_body``, ``cut_headers``, ``unparsable``."""

    status: int
    body: Body
    headers: dict[str, str] = field(default_factory=dict)
    ends: str = ""


class Door(Protocol):
    def shut(self, seconds: float) -> None: ...


class Rules(Protocol):
    """The published description: complains about parameters and turns text into numbers."""

    def parameters(self, route: Route, params: Body) -> Body: ...


class Engine:
    """``strict``: unknown parameters answer 400 ``parameter_unknown``, as Stripe does."""

    def __init__(
        self, state: State, rules: Rules | None, *, processing_seconds: float = 60.0, search_lag: float = 60.0
    ) -> None:
        self.state = state
        self.rules = rules
        self.processing_seconds = processing_seconds
        self.search_lag = search_lag
        self.door: Door | None = None
        self.ring_early: Any = None
        for ref, row in list(state.table("keys").items()):
            if row["running"]:  # a killed process never answered: nobody holds that key any more
                state.drop("keys", ref)

    def handle(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, base: str) -> Answer:
        request_id = new_id("req_", 14)
        common = {"Request-Id": request_id, "Stripe-Version": headers.get("Stripe-Version") or API_VERSION}
        try:
            answer = self._handle(method, path, query, headers, body, base, request_id)
        except StripeError as error:
            answer = Answer(error.status, error.body)
        answer.headers = {**common, **answer.headers}
        return answer

    def _handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, base: str, request_id: str
    ) -> Answer:
        account, livemode, refused = self._who(headers)
        found = find_route(method, path)
        try:
            params = decode_form(query if method in ("GET", "DELETE") else body.decode())
        except UnicodeDecodeError:
            raise invalid("Invalid request body.") from None
        route, in_path = found or (None, {})
        verb = route.verb if route else f"{method} {path}"
        key = headers.get("Idempotency-Key") if method == "POST" else None
        n = self.state.arrived(
            {
                "method": method, "path": path, "verb": verb, "params": _without_secrets(params), "key": key, "account": account,
                "livemode": livemode, "api_version": headers.get("Stripe-Version"), "request_id": request_id,
            }
        )  # fmt: skip
        if refused is not None:
            return self._close(n, Answer(refused.status, refused.body))
        if route is None:
            error = invalid(
                f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs.", status=404
            )
            return self._close(n, Answer(error.status, error.body))
        call = Call(
            self.state,
            account,
            livemode,
            params,
            base,
            key,
            request_id,
            in_path,
            self.processing_seconds,
            self.search_lag,
        )
        with self.state.acting():
            self.land_due()
            fault = faults.pick(self.state, verb, account, params, in_path)
        kind = fault["fault"] if fault else ""
        if fault and kind in BEFORE:
            return self._before(n, call, route, fault)
        return self._keyed(n, call, route, kind, fault["seconds"] if fault else 0.0)

    def _who(self, headers: Mapping[str, str]) -> tuple[str, bool, StripeError | None]:
        given = headers.get("Authorization", "")
        key = given.removeprefix("Bearer ").strip()
        found = _KEY.fullmatch(key)
        if not key or not given.startswith("Bearer "):
            told = "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
            return "", False, invalid(told, status=401)
        if found is None or key in self.state.table("revoked"):
            return "", False, invalid(f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}", status=401)
        mode, name = found.groups()
        return headers.get("Stripe-Account") or f"acct_{name}", mode == "live", None

    # Faults

    def _before(self, n: int, call: Call, route: Route, fault: Row) -> Answer:
        kind = fault["fault"]
        if kind == "late":
            late = {
                "id": f"late_{n}",
                "due": call.now + fault["seconds"],
                "route": [route.method, route.template],
                "path": call.path,
                "params": call.params,
            }
            late.update(
                account=call.account, livemode=call.livemode, key=call.key, base=call.base, request_id=call.request_id
            )
            with self.state.acting():
                self.state.put("late", late)
        if kind == "refused" and self.door is not None:
            self.door.shut(fault["seconds"])
        answer = (
            _FAILURES[kind]()
            if kind in _FAILURES
            else Answer(0, {}, ends="hold" if kind == "timeout_before" else "drop")
        )
        return self._close(n, answer, fault=kind)

    def _close(self, n: int, answer: Answer, **more: Any) -> Answer:
        with self.state.acting(
            self.state.answered(
                n, status=answer.status, acted=False, error=_code(answer.body), ends=answer.ends, **more
            )
        ):
            pass
        return answer

    # Keys

    def _keyed(self, n: int, call: Call, route: Route, fault: str, seconds: float) -> Answer:
        slot = f"{call.account} {call.livemode} {call.key}"
        if call.key is not None:
            try:
                replay = self._begin(slot, call, route)
            except StripeError as error:
                return self._close(n, Answer(error.status, error.body), fault=fault)
            if replay is not None:
                return self._out(n, replay, fault, replayed=True)
        try:
            if fault == "slow" and seconds:
                time.sleep(seconds)  # outside the lock: the key is in use meanwhile
            return self._act(n, call, route, fault, slot if call.key is not None else "")
        except BaseException:
            with self.state.acting():
                if self.state.table("keys").get(slot, {}).get("running"):
                    self.state.drop("keys", slot)
            raise

    def _begin(self, slot: str, call: Call, route: Route) -> Answer | None:
        assert call.key is not None
        if len(call.key) > 255:
            raise invalid("Idempotency keys may be at most 255 characters long.")
        about = hashlib.sha256(
            json.dumps([route.method, route.template, call.path, call.params], sort_keys=True).encode()
        ).hexdigest()
        with self.state.acting():
            kept = self.state.get("keys", slot)
            if kept is not None and kept["at"] <= call.now - KEY_LIFE:
                kept = None
            if kept is None:
                self.state.put(
                    "keys", {"about": about, "running": True, "at": call.now, "where": call.path_text(route)}, slot
                )
                return None
            if kept["about"] != about:
                where = "endpoint" if kept["where"] != call.path_text(route) else "parameters"
                raise StripeError(
                    400, "idempotency_error",
                    f"Keys for idempotent requests can only be used with the same {where} they were first used with. Try using a key other than "
                    f"'{call.key}' if you meant to execute a different request.",
                )  # fmt: skip
            if kept["running"]:
                raise _in_use()
            return Answer(
                kept["status"],
                json.loads(kept["body"]),
                {"Idempotent-Replayed": "true", "Original-Request": kept["request_id"]},
            )

    # The act

    def _act(self, n: int, call: Call, route: Route, fault: str, slot: str) -> Answer:
        line: Row = {}
        with self.state.acting(line):
            events = len(self.state.table("events"))
            executed = True
            try:
                if self.rules is not None:
                    call.params = self.rules.parameters(route, call.params)
                paths = call.params.pop("expand", [])
                if fault == "error_before":
                    answer = _FAILURES["error_unsaved"]()
                else:
                    answer = Answer(200, expand(call, show(route.act(call)), paths))
            except StripeError as error:
                answer, executed = Answer(error.status, error.body), error.executed
            acted = executed and fault != "error_before"
            if fault == "error_after":
                answer, executed = _FAILURES["error_unsaved"](), True
            if slot and executed:
                kept = {
                    **self.state.table("keys")[slot],
                    "running": False,
                    "status": answer.status,
                    "request_id": call.request_id,
                }
                self.state.put("keys", {**kept, "body": json.dumps(answer.body)}, slot)
            elif slot:
                self.state.drop("keys", slot)
            answer.ends = _ENDS.get(fault, "")
            line.update(
                self.state.answered(
                    n,
                    status=answer.status,
                    acted=acted,
                    error=_code(answer.body),
                    ends=answer.ends,
                    fault=fault,
                    replayed=False,
                )
            )
            happened = len(self.state.table("events")) > events
        if happened and self.ring_early is not None:
            self.ring_early()
        return answer

    def _out(self, n: int, answer: Answer, fault: str, *, replayed: bool) -> Answer:
        if fault in ("error_before", "error_after"):
            answer = _FAILURES["error_unsaved"]()
        answer.ends = _ENDS.get(fault, "")
        with self.state.acting(
            self.state.answered(
                n,
                status=answer.status,
                acted=False,
                error=_code(answer.body),
                ends=answer.ends,
                fault=fault,
                replayed=replayed,
            )
        ):
            pass
        return answer

    # Time

    def land_due(self) -> None:
        """Late calls act, processing ends, pages expire, as far as their time has come."""
        state, now = self.state, self.state.now()
        with state.acting():
            for row in [each for each in state.table("late").values() if each["due"] <= now]:
                state.drop("late", row["id"])
                self._land(row)
            for table, ref in sorted(state.waiting):
                row = state.table(table)[ref]
                if row["expires_at" if table == "sessions" else "_resolves_at"] <= now:
                    _ENDS_WITH_TIME[table](self._inside(row), row)

    def _inside(self, row: Row) -> Call:
        livemode = row.get("livemode", row.get("_livemode", False))
        return Call(
            self.state,
            row["_account"],
            livemode,
            {},
            processing_seconds=self.processing_seconds,
            search_lag=self.search_lag,
        )

    def inside(self, row: Row) -> Call:
        """A call that nobody made: what a page or a control does to this object."""
        return self._inside(row)

    def _land(self, row: Row) -> None:
        found = find_route(row["route"][0], row["route"][1].format(**row["path"]))
        assert found is not None
        route, in_path = found
        call = Call(
            self.state,
            row["account"],
            row["livemode"],
            row["params"],
            row["base"],
            row["key"],
            row["request_id"],
            in_path,
        )
        call.processing_seconds, call.search_lag = self.processing_seconds, self.search_lag
        number = self.state.arrived(
            {
                "method": route.method, "path": row["route"][1].format(**row["path"]), "verb": route.verb, "params": _without_secrets(call.params), "key": call.key,
                "account": call.account, "livemode": call.livemode, "api_version": None, "request_id": call.request_id, "late": row["id"],
            }
        )  # fmt: skip
        self._keyed(number, call, route, "", 0.0)


_ENDS_WITH_TIME: dict[str, Callable[[Call, Row], object]] = {
    "intents": payments.resolve, "refunds": refunds.resolve_refund, "sessions": checkout.end_session,
}  # fmt: skip
_ENDS = {
    "drop_after": "drop",
    "timeout_after": "hold",
    "cut_body": "cut_body",
    "cut_headers": "cut_headers",
    "unparsable": "unparsable",
}
assert set(_ENDS) == AFTER


def _failure(status: int, kind: str, message: str, code: str = "", **headers: str) -> Answer:
    return Answer(
        status,
        StripeError(status, kind, message, code).body,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def _in_use() -> StripeError:
    return StripeError(
        409, "idempotency_error",
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still "
        "going through). Please try again later.", "idempotency_key_in_use",
    )  # fmt: skip


_FAILURES = {
    "rate_limited": lambda: _failure(
        429,
        "invalid_request_error",
        "Request rate limit exceeded.",
        "rate_limit",
        Retry_After="1",
        Stripe_Should_Retry="true",
    ),
    "lock_timeout": lambda: _failure(
        429,
        "invalid_request_error",
        "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
        "lock_timeout",
    ),
    "key_in_use": lambda: Answer(409, _in_use().body, {"Stripe-Should-Retry": "true"}),
    "unauthorized": lambda: _failure(
        401, "invalid_request_error", "Expired API Key provided: sk_test_********", "api_key_expired"
    ),
    "forbidden": lambda: _failure(
        403,
        "invalid_request_error",
        "The provided key does not have the required permissions for this endpoint.",
        "more_permissions_required",
    ),
    "error_unsaved": lambda: _failure(500, "api_error", "An unknown error occurred."),
    "bad_gateway": lambda: _failure(502, "api_error", "Bad gateway."),
}


def _code(body: Body) -> str:
    error = body.get("error")
    return str(error.get("code") or error["type"]) if error else ""


def _without_secrets(value: Any) -> Any:
    """Card numbers and security codes are not written down, not even test ones."""
    if isinstance(value, dict):
        return {name: "…" if name in _SECRET else _without_secrets(each) for name, each in value.items()}
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value
