"""Speed of the cart page and the size of a web worker."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache

from flask import Flask

from app.billing import quote
from app.cart.door import cart_facts, held_scene
from app.cart.pages import render_cart
from app.checkout.cart import look
from app.subscriptions.pricing import policy_for
from app.web.services import for_book, services
from bench.measure import compare
from bench.world import HOST, World, asker, make_world

FROM_START = "import os; print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))"


@cache
def world() -> World:
    return make_world()


def _cart_path(made: World) -> str:
    status, _, headers = asker(made.app)(made.link.url.removeprefix(f"https://{HOST}"))
    assert status.startswith("303"), status
    return headers["Location"].removeprefix(f"https://{HOST}")


def _same_page_from_memory(made: World, path: str) -> str:
    """A route beside the cart that prices and renders the same page, with no token read and no database asked."""
    app = made.app
    with app.test_request_context(path):
        from app.cart.door import opened_cart

        token = path.rpartition("/")[2]
        opened = opened_cart(token)
        session = opened.value
        world_ = services()
        cart = look(world_.store, world_.clock, world_.randomness, opened.book, session)
        with world_.store.read() as connection:
            policy = policy_for(connection, cart.held, (cart.offered.change,), cart.at)
    from dataclasses import replace

    def same() -> object:
        for_book(opened.book)
        priced = quote(cart.held.facts, cart.offered.change, policy, cart.at)
        fresh = replace(cart, quote=priced)
        return render_cart(held_scene(cart.held), cart_facts(fresh, token))

    app._got_first_request = False
    app.add_url_rule("/bench/same", view_func=same)
    return "/bench/same"


def _hello() -> Callable[[], bytes]:
    app = Flask("hello")
    app.add_url_rule("/", view_func=lambda: "hello")
    ask = asker(app)
    return lambda: ask("/")[1]


def cart_against_same_page() -> dict[str, object]:
    made = world()
    path = _cart_path(made)
    same = made.get(_same_page_from_memory(made, path))
    page = made.get(path)
    assert len(same()) > 8000
    assert len(page()) > 8000
    ratio = compare(same, page, rounds=9)  # requests a second: the reference's time over the subject's
    return ratio.row("cart page, SQLite", "same page, no database and token", "≥ 0.75", "ms")


def cart_against_hello() -> dict[str, object]:
    made = world()
    ratio = compare(_hello(), made.get(_cart_path(made)), rounds=9)
    return ratio.row("cart page, SQLite", "Flask hello", "≥ 0.20", "ms")


def _resident(code: str) -> int:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def memory() -> dict[str, object]:
    """Resident memory after the first page, against a worker that has only Flask and SQLAlchemy loaded."""
    bare = f"import flask, sqlalchemy, sqlalchemy.orm; app = flask.Flask('x'); {FROM_START}"
    folder = tempfile.mkdtemp(prefix="liftlink-bench-")
    ours = (
        "from pathlib import Path; from bench.world import make_world, asker, HOST; "
        f"made = make_world(Path({folder!r})); ask = asker(made.app); "
        "where = ask(made.link.url.removeprefix('https://' + HOST))[2]['Location']; "
        f"ask(where.removeprefix('https://' + HOST)); {FROM_START}"
    )
    figures = [(_resident(ours), _resident(bare)) for _ in range(5)]
    ratios = sorted(one / other for one, other in figures)
    middle = sorted(figures)[len(figures) // 2]
    return {
        "job": "memory of one web worker", "reference": "bare Flask + SQLAlchemy", "figure": f"{middle[0] // 1024} MB",
        "reference_figure": f"{middle[1] // 1024} MB", "ratio": round(ratios[2], 2), "target": "≤ 1.6 ×",
        "spread": round((ratios[-1] - ratios[0]) / ratios[2], 2),
    }  # fmt: skip


ROWS: list[Callable[[], dict[str, object]]] = [cart_against_same_page, cart_against_hello, memory]
