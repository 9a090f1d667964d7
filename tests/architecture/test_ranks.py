"""A room may import lower ranks only; rooms of one rank never import each other. Imports inside functions count."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"

RANKS = {
    **dict.fromkeys(["__init__", "wiring", "config", "cli", "migrations"], 9),
    **dict.fromkeys(["cart", "api", "console", "inbound", "bank", "jobs"], 8),
    "web": 7,
    **dict.fromkeys(["offers", "checkout", "renewals", "campaigns", "accounts"], 6),
    "charging": 5,
    "subscriptions": 4,
    "outbox": 3,
    **dict.fromkeys(["models", "gateways", "mail"], 2),
    **dict.fromkeys(["billing", "links", "net"], 1),
    "kit": 0,
}

# What a rank alone does not say. `web` is the one room of rank 7 and may use `accounts`.
FORBIDDEN_ROOMS = {
    "inbound": {"billing"},
    "jobs": {"web"},
    "charging": {"accounts"},
    "models": {"gateways", "mail"},
    "gateways": {"models", "billing", "links"},
    "mail": {"models"},
}
THIRD_PARTY = {
    "kit": set(),
    "billing": set(),
    "links": {"itsdangerous"},
    "net": {"requests", "requests_hardened"},
}
# Web frameworks belong to rank 7 and above, but not to the worker; a queue belongs to the worker alone.
WEB_FRAMEWORKS = ("flask", "werkzeug")
WEB_RANK = 7
QUEUES = ("celery", "kombu")
# Pure rooms are given the time: they use the types of `datetime`, and never what reads a clock.
NO_CLOCK = {"billing", "links"}
CLOCKS = {"time", "sched", "app.kit.clock"}
READINGS = {"now", "utcnow", "today"}
STANDARD_LIBRARY = sys.stdlib_module_names


def room_of(path: Path) -> str:
    return path.relative_to(APP).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Every imported module as an absolute dotted name, with its line; relative imports are refused outright."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write absolute imports"
            module = node.module or ""
            found += [(node.lineno, f"{module}.{alias.name}" if module == "app" else module) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {
            "__import__",
            "importlib.import_module",
            "import_module",
        }:
            pytest.fail(f"{path}:{node.lineno}: a dynamic import gets round the ranks")
    return found


def complaints(path: Path) -> list[str]:
    room = room_of(path)
    where = path.relative_to(APP.parent)
    said: list[str] = []
    for line, module in imports_of(path):
        top, _, rest = module.partition(".")
        if top == "app":
            target = rest.split(".")[0]
            if not target or target == room:
                continue
            if target == "__version__":
                said.append(f"{where}:{line}: nobody imports rank 9")
            elif target not in RANKS:
                said.append(f"{where}:{line}: room {target!r} has no rank")
            elif RANKS[room] == 9 and RANKS[target] == 9:
                continue
            elif RANKS[target] >= RANKS[room]:
                said.append(f"{where}:{line}: {room} ({RANKS[room]}) imports {target} ({RANKS[target]})")
            elif target in FORBIDDEN_ROOMS.get(room, ()):
                said.append(f"{where}:{line}: {room} must never import {target}")
            elif target == "gateways" and RANKS[room] < 9 and module != "app.gateways.port":
                said.append(f"{where}:{line}: {room} knows the port and no concrete gateway")
        elif top not in STANDARD_LIBRARY:
            if room in THIRD_PARTY and top not in THIRD_PARTY[room]:
                said.append(f"{where}:{line}: {room} must not import {top}")
            if _is_foreign(room, top):
                said.append(f"{where}:{line}: {room} must not import {top}")
    return said + [f"{where}:{line}: {room} is given the time, and reads {what}" for line, what in clocks_of(path)]


def _is_foreign(room: str, top: str) -> bool:
    if top.startswith(WEB_FRAMEWORKS):
        return RANKS[room] < WEB_RANK or room == "jobs"
    return top.startswith(QUEUES) and RANKS[room] < 9 and room != "jobs"


def clocks_of(path: Path) -> list[tuple[int, str]]:
    """What in a pure room reads a clock: a module made for it, or `now` and `today` of the datetime types by any name."""
    if room_of(path) not in NO_CLOCK:
        return []
    tree = ast.parse(path.read_text())
    found = [(line, module) for line, module in imports_of(path) if module in CLOCKS]
    found += [
        (node.lineno, "app.kit.clock")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "app.kit"
        if "clock" in {alias.name for alias in node.names}
    ]
    types = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "datetime")
        or (isinstance(node, ast.Import) and "datetime" in {alias.name for alias in node.names})
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in READINGS:
            written = ast.unparse(node)
            if written.partition(".")[0] in types:
                found.append((node.lineno, written))
    return found


def test_every_room_has_a_rank():
    rooms = {room_of(path) for path in APP.rglob("*.py")}
    assert rooms <= set(RANKS), rooms - set(RANKS)


def test_imports_point_down():
    said = [line for path in sorted(APP.rglob("*.py")) for line in complaints(path)]
    assert not said, "\n".join(said)


def test_no_environment_below_rank_nine():
    for path in APP.rglob("*.py"):
        if RANKS[room_of(path)] < 9:
            assert "os.environ" not in path.read_text(), path


@pytest.mark.parametrize("room", sorted({path.parent.name for path in APP.glob("*/__init__.py")} - {"migrations"}))
def test_every_room_says_what_it_is_for(room: str):
    text = (APP / room / "README.md").read_text().strip().splitlines()
    assert text[0].startswith("# "), room
    assert len(text) >= 4, f"{room}: purpose, may, must never"


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("billing", "import sqlalchemy"),
        ("billing", "from app.models import store"),
        ("cart", "def view():\n    from app.api import orders"),
        *(
            (room, "from app.gateways.sandbox import Sandbox")
            for room in ("charging", "checkout", "web", "bank", "jobs")
        ),
        ("checkout", "from app.gateways import sandbox"),
        *((room, "from flask import g") for room in ("models", "mail", "gateways", "outbox", "accounts", "jobs")),
        ("models", "from werkzeug.local import LocalProxy"),
        ("mail", "import flask_babel"),
        *((room, "import celery") for room in ("models", "outbox", "charging", "offers", "web", "cart")),
        *((room, "from time import time") for room in ("billing", "links")),
        ("links", "def late():\n    import time"),
        ("billing", "from datetime import datetime, UTC\nAT = datetime.now(UTC)"),
        ("billing", "from datetime import datetime as instant\nread = instant.utcnow"),
        ("links", "import datetime\nDAY = datetime.date.today()"),
        ("links", "import datetime as dt\nAT = dt.datetime.now()"),
        ("billing", "from app.kit.clock import SystemClock"),
        ("links", "from app.kit import clock"),
    ],
)
def test_a_forbidden_import_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str, text: str):
    """The positive controls: upward, sideways, hidden; a concrete gateway; a framework; a clock."""
    assert complaints(written(tmp_path, monkeypatch, room, text))


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("charging", "from app.gateways.port import Gateways"),
        ("wiring", "from app.gateways.sandbox import Sandbox\nimport flask"),
        ("cart", "from flask import request"),
        ("jobs", "import celery, time"),
        ("billing", "from datetime import datetime\ndef today(at: datetime): return at.date()\nDAY = today"),
    ],
)
def test_what_a_room_may_do_is_no_complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str, text: str):
    assert not complaints(written(tmp_path, monkeypatch, room, text))


def written(folder: Path, monkeypatch: pytest.MonkeyPatch, room: str, text: str) -> Path:
    """A room of one file, in an app of its own."""
    monkeypatch.setattr("tests.architecture.test_ranks.APP", folder / "app")
    path = folder / "app" / room / "__init__.py"
    path.parent.mkdir(parents=True)
    path.write_text(text + "\n")
    return path
