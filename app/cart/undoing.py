"""Undoing a change that waits: a page that asks, a POST that does it, and the order's page that says so."""

from __future__ import annotations

from contextlib import suppress

from flask import redirect

from app.cart import pages
from app.cart.door import Answer, check_link_form, held_scene, link_form_token, order_view
from app.cart.outcome import order_of, schedule_here, undoable
from app.subscriptions.undoing import UndoRefused, undo_change
from app.web.frame import with_query
from app.web.services import services

SHOPPER = "shopper"


def ask(token: str) -> Answer:
    """The question. Looking changes nothing; what waits no longer, or can no longer be undone, is told on the order's own page."""
    order, held = order_of(token)
    here = f"/done/{token}"
    schedule = schedule_here(order)
    scene = held_scene(held, order.language)
    if schedule != "PENDING" or not undoable(held, services().clock.now()):
        return redirect(_keep(here, order.language), 303)
    form_token = link_form_token(f"{here}/undo", order.book_id)
    return pages.render_undo(
        scene, order_view(order, held, schedule), action=f"{here}/undo", form_token=form_token, back=here
    )  # fmt: skip


def undo(token: str) -> Answer:
    """Undone by this order's own page only; pressed twice it is undone once, and both presses see the same page."""
    order, _ = order_of(token)
    here = f"/done/{token}"
    check_link_form(f"{here}/undo", order.book_id)
    world = services()
    with suppress(UndoRefused):  # too late: the order's page says so
        undo_change(
            world.store, world.clock, order.book_id, order.subscription_id, actor=SHOPPER, order_id=order.id
        )  # fmt: skip
    return redirect(_keep(here, order.language), 303)


def _keep(path: str, language: str) -> str:
    return with_query(path, lang=language) if language in services().pages.languages.enabled else path
