"""A scheduled change that can no longer be undone: its renewal is near, or its day has come."""

from __future__ import annotations

from dataclasses import replace

from app.cart.pen import joined
from app.cart.scheduled_pages import registered
from app.cart.state_page import StatePage
from app.cart.views import OrderView, Scene


def locked(scene: Scene, order: OrderView) -> StatePage:
    """S-24 in the lock window before a renewal: it is still ahead, and stays."""
    page = registered(scene, order, "")
    why = scene.tongue.tell("The renewal is near, so the change can no longer be undone.")
    return replace(page, lead=joined(page.lead, why))


def due(scene: Scene, order: OrderView) -> StatePage:
    """S-24 from its day on, until the renewal has made it."""
    tongue, page = scene.tongue, registered(scene, order, "")
    day = order.summary.effective_on
    headline = (
        page.headline if day is None else tongue.say("Your change has been due since %(date)s", date=tongue.day(day))
    )
    lead = tongue.tell("It is made with the renewal of your subscription, and can no longer be undone.")
    return replace(page, headline=headline, lead=lead)
