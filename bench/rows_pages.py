"""Speed of the cart page and the size of a web worker."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from app.billing import quote
from app.cart.door import cart_facts, cart_scene
from app.cart.pages import render_cart
from app.checkout.cart import look
from app.subscriptions.pricing import policy_for
from app.web.services import for_book, services
from bench.asking import HOST, asker
from bench.databases import PostgresServer, backends, has_postgres
from bench.measure import Ratio, compare
from bench.scratch import scratch
from bench.served import Server, serving
from bench.world import World, make_world
from tests.postgres import MISSING

SAME_PAGE = "same page, no database and token"


@cache
def world() -> World:
    return make_world()


@cache
def on_postgres() -> World:
    """The same shop on a server of its own."""
    return make_world(database=PostgresServer())


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
        scene = cart_scene(cart)
        return render_cart(scene, cart_facts(fresh, token, scene.tongue.language))

    app._got_first_request = False
    route = f"/bench/same{len(app.view_functions)}"
    app.add_url_rule(route, endpoint=route, view_func=same)
    return route


def cart_against_same_page() -> dict[str, object]:
    return _against_same_page(world()).row("cart page, SQLite", SAME_PAGE, "≥ 0.75", "ms")


def cart_on_postgres() -> dict[str, object]:
    """By the wall: while the server answers, the page waits. Two round trips, which a test counts."""
    if not has_postgres():
        return {"job": "cart page, PostgreSQL", "figure": MISSING}
    ratio = _against_same_page(on_postgres(), time.perf_counter)
    return ratio.row("cart page, PostgreSQL, by the wall", SAME_PAGE, "≥ 0.50", "ms")


def cart_on_postgres_by_cpu() -> dict[str, object]:
    """By CPU time, that of the server's process for our connection added to ours."""
    if not has_postgres():
        return {"job": "cart page, PostgreSQL", "figure": MISSING}
    made = on_postgres()
    server = [f"/proc/{pid}/schedstat" for pid in backends(made.adapters.store)]
    ratio = _against_same_page(made, lambda: time.process_time() + sum(map(_computed, server)))
    return ratio.row("cart page, PostgreSQL, by CPU time", SAME_PAGE, "≥ 0.50", "ms")


def _against_same_page(made: World, clock: Callable[[], float] = time.process_time) -> Ratio:
    path = _cart_path(made)
    same = made.get(_same_page_from_memory(made, path))
    page = made.get(path)
    assert len(same()) > 8000
    assert len(page()) > 8000
    return compare(page, same, rounds=9, clock=clock).turned()


def _computed(schedstat: str) -> float:
    """Seconds of CPU time of a process, to the nanosecond."""
    return int(Path(schedstat).read_text().split()[0]) / 1e9


def cart_against_hello() -> dict[str, object]:
    """Through gunicorn, by the CPU time of its one worker: a page's share of a second is all that two cores tell apart."""
    folder = scratch()
    path = make_world(folder).link.url.removeprefix(f"https://{HOST}")
    with serving("bench.served:hello()") as plain, serving(f"bench.served:ours('{folder}')") as cart_server:
        cart = (
            cart_server.get(path).split(b"Location: ")[1].partition(b"\r\n")[0].decode().removeprefix(f"https://{HOST}")
        )
        if len(cart_server.get(cart)) < 8000:
            raise RuntimeError("no cart")
        rounds = [(_cpu_each(plain, "/", 500), _cpu_each(cart_server, cart, 120)) for _ in range(7)]
    ratios = [hello / page for hello, page in rounds]
    ratio = statistics.median(ratios)
    return {
        "job": "cart page, SQLite, gunicorn", "reference": "Flask hello, gunicorn",
        "figure": f"{statistics.median(page for _, page in rounds) * 1e3:.2f} ms",
        "reference_figure": f"{statistics.median(hello for hello, _ in rounds) * 1e3:.2f} ms", "ratio": round(ratio, 2),
        "target": "≥ 0.20", "spread": round((max(ratios) - min(ratios)) / ratio, 2),
    }  # fmt: skip


def _cpu_each(server: Server, path: str, times: int) -> float:
    before = server.cpu()
    for _ in range(times):
        server.get(path)
    return (server.cpu() - before) / times


def _resident(*command: str) -> int:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def memory() -> dict[str, object]:
    """Resident memory after the first cart, against a worker that is Flask and SQLAlchemy alone."""
    bare = ("-m", "bench.bare_worker")
    folder = scratch()
    ours = ("-m", "bench.worker", str(folder), make_world(folder).link.url.removeprefix(f"https://{HOST}"))
    figures = [(_resident(*ours), _resident(*bare)) for _ in range(5)]
    ratios = sorted(one / other for one, other in figures)
    middle = sorted(figures)[len(figures) // 2]
    return {
        "job": "memory of one web worker", "reference": "bare Flask + SQLAlchemy worker", "figure": f"{middle[0] // 1024} MB",
        "reference_figure": f"{middle[1] // 1024} MB", "ratio": round(ratios[2], 2), "target": "≤ 1.6 ×",
        "spread": round((ratios[-1] - ratios[0]) / ratios[2], 2),
    }  # fmt: skip


ROWS: list[Callable[[], dict[str, object]]] = [
    cart_against_same_page,
    cart_on_postgres,
    cart_on_postgres_by_cpu,
    cart_against_hello,
    memory,
]
