"""A room may import lower ranks only; rooms of one rank never import each other. Imports inside functions count."""

from __future__ import annotations

import ast
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
NO_FLASK = {"offers", "checkout", "renewals", "campaigns", "accounts", "charging", "subscriptions", "outbox", "jobs"}
STANDARD_LIBRARY = __import__("sys").stdlib_module_names


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
            elif (
                target == "gateways"
                and room not in {"charging", "checkout"}
                and RANKS[room] != 9
                and module != "app.gateways.port"
            ):
                said.append(f"{where}:{line}: {room} knows no concrete gateway")
            elif room == "charging" and target == "gateways" and not module.startswith("app.gateways.port"):
                said.append(f"{where}:{line}: charging knows the port only")
        elif top not in STANDARD_LIBRARY:
            if room in THIRD_PARTY and top not in THIRD_PARTY[room]:
                said.append(f"{where}:{line}: {room} must not import {top}")
            if room in NO_FLASK and top.startswith("flask"):
                said.append(f"{where}:{line}: {room} must not import {top}")
    return said


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


def test_the_rank_test_catches_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The positive control: an upward, a sideways and a hidden import are each named."""
    monkeypatch.setattr("tests.architecture.test_ranks.APP", tmp_path / "app")
    for room, text in {
        "billing": "import sqlalchemy\nfrom app.models import store\n",
        "cart": "def view():\n    from app.api import orders\n",
        "charging": "from app.gateways.sandbox import Sandbox\n",
    }.items():
        path = tmp_path / "app" / room / "__init__.py"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        assert complaints(path), room
