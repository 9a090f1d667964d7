"""One request on its way through the server: who asks, in which mode, with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.stripe_server.shapes import owned
from tests.stripe_server.state import Row, State, new_id
from tests.stripe_server.wire import Body, invalid, missing

TABLES = {
    "cus_": "customers", "pm_": "methods", "pi_": "intents", "ch_": "charges", "re_": "refunds", "du_": "disputes", "cs_": "sessions",
    "seti_": "setups", "evt_": "events",
}  # fmt: skip
NOUNS = {
    "customers": "customer", "methods": "PaymentMethod", "intents": "payment_intent", "charges": "charge", "refunds": "refund",
    "disputes": "dispute", "sessions": "checkout.session", "setups": "setupintent", "events": "event",
}  # fmt: skip


@dataclass
class Call:
    """``base`` is the address the caller knows the server by: pages are under it."""

    state: State
    account: str
    livemode: bool
    params: Body
    base: str = ""
    key: str | None = None
    request_id: str = ""
    path: dict[str, str] = field(default_factory=dict)
    processing_seconds: float = 60.0
    search_lag: float = 60.0

    @property
    def now(self) -> float:
        return self.state.now()

    def new(self, kind: str, prefix: str, length: int = 24) -> Row:
        return owned(kind, new_id(prefix, length), self.now, self.account, self.livemode)

    def owns(self, row: Row | None) -> bool:
        if row is None or row["_account"] != self.account:
            return False
        return bool(row.get("_livemode", row.get("livemode")) == self.livemode)

    def find(self, table: str, ref: str, param: str, *, status: int = 400) -> Row:
        """The object in the caller's own account and mode. A missing one is 404 in the path and 400 in a parameter."""
        row = self.state.get(table, ref)
        if row is not None and self.owns(row):
            return row
        error = missing(NOUNS[table], ref, param)
        other = row is not None and row["_account"] == self.account
        if other:
            mode = "live" if not self.livemode else "test"
            error.body["error"]["message"] += (
                f"; a similar object exists in {mode} mode, but a {self.mode} mode key was used to make this request."
            )
        error.status = status
        raise error

    def own(self, table: str) -> list[Row]:
        """Everything of the caller's, oldest first."""
        return [row for row in self.state.table(table).values() if self.owns(row)]

    def path_text(self, route: object) -> str:
        return f"{getattr(route, 'method', '')} {getattr(route, 'template', '')}"

    @property
    def mode(self) -> str:
        return "live" if self.livemode else "test"

    def event(self, kind: str, row: Row, previous: Row | None = None) -> None:
        event = owned("event", new_id("evt_"), self.now, self.account, self.livemode)
        data: Body = {"object": show(row)}
        if previous is not None:
            data["previous_attributes"] = previous
        event.update(
            api_version=API_VERSION, data=data, pending_webhooks=0, type=kind,
            request={"id": self.request_id or None, "idempotency_key": self.key},
        )  # fmt: skip
        self.state.put("events", event)
        _enqueue(self.state, event)


API_VERSION = "2026-10-28.endive"


def _enqueue(state: State, event: Row) -> None:
    """One delivery per endpoint that listens, two where it is told twice."""
    for endpoint in state.table("endpoints").values():
        wanted = endpoint["mode"] != "none" and endpoint["account"] in (None, event["_account"])
        if not wanted or endpoint["livemode"] not in (None, event["livemode"]):
            continue
        event["pending_webhooks"] += 1
        for _ in range(2 if endpoint["mode"] == "twice" else 1):
            row = {
                "id": new_id("del_"),
                "endpoint": endpoint["id"],
                "event": event["id"],
                "due": event["_at"],
                "tries": 0,
                "ends": "",
            }
            state.put("deliveries", row)


def show(row: Any) -> Any:
    """The object without what stays inside."""
    if isinstance(row, dict):
        return {name: show(value) for name, value in row.items() if not name.startswith("_")}
    if isinstance(row, list):
        return [show(each) for each in row]
    return row


def expand(call: Call, body: Body, paths: list[str]) -> Body:
    """``expand[]``: references replaced by the objects they name, as deep as the path goes."""
    for path in paths:
        if path.count(".") > 4:
            raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
        _expand_at(call, body, path.split("."), path)
    return body


def _expand_at(call: Call, at: Any, parts: list[str], path: str) -> None:
    if isinstance(at, list):
        for each in at:
            _expand_at(call, each, parts, path)
        return
    if not isinstance(at, dict) or not parts:
        return
    name, rest = parts[0], parts[1:]
    if name == "data" and at.get("object") in ("list", "search_result"):
        _expand_at(call, at["data"], rest, path)
        return
    if name not in at:
        raise invalid(f"This property cannot be expanded ({path}).", param="expand")
    value = at[name]
    if isinstance(value, str):
        table = next((table for prefix, table in TABLES.items() if value.startswith(prefix)), None)
        row = call.state.get(table, value) if table else None
        if row is None:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        at[name] = value = show(row)
    _expand_at(call, value, rest, path)


def listed(call: Call, rows: list[Row], url: str) -> Body:
    """Newest first, with Stripe's cursors and ``created`` filters. ``rows`` come oldest first."""
    p = call.params
    rows = [row for row in reversed(rows) if _created_fits(row, p.get("created"))]
    limit = int(p.get("limit", 10))
    ids = [row["id"] for row in rows]
    for cursor in ("starting_after", "ending_before"):
        if cursor in p and p[cursor] not in ids:
            raise missing("object", p[cursor], cursor)
    if "ending_before" in p:
        before = rows[: ids.index(p["ending_before"])]
        return {
            "object": "list",
            "data": [show(row) for row in before[-limit:]],
            "has_more": len(before) > limit,
            "url": url,
        }
    start = ids.index(p["starting_after"]) + 1 if "starting_after" in p else 0
    page = rows[start : start + limit]
    return {"object": "list", "data": [show(row) for row in page], "has_more": len(rows) > start + limit, "url": url}


def _created_fits(row: Row, wanted: Any) -> bool:
    if wanted is None:
        return True
    at = row["created"]
    if not isinstance(wanted, dict):
        return bool(at == int(wanted))
    tests = {"gt": lambda n: at > n, "gte": lambda n: at >= n, "lt": lambda n: at < n, "lte": lambda n: at <= n}
    return all(tests[name](int(value)) for name, value in wanted.items())
