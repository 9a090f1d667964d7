"""What has become of a change: the confirmation's heading and its one line."""

from __future__ import annotations

from markupsafe import Markup

from app.cart import naming, words
from app.cart.deeds import as_lines, made, meant
from app.cart.phrases import unit_of
from app.cart.summary import Summary
from app.web.i18n import Tongue


def done_headline(tongue: Tongue, summary: Summary) -> str:
    """``You now have 2 seats``."""
    if summary.effective_on is not None:
        return tongue.say("Your change is scheduled for %(date)s", date=tongue.day(summary.effective_on))
    if summary.kind in {"more", "fewer"}:
        seats = words.counted(tongue, unit_of(tongue, summary), summary.quantity_after)
        return tongue.say("You now have %(thing)s", thing=seats)
    if summary.kind == "extras" and summary.extras_added and not summary.extras_removed:
        return tongue.say("You now have %(thing)s", thing=_held(tongue, summary))
    if summary.kind == "item" and summary.items:
        return tongue.say("You now have %(thing)s", thing=naming.item_held(tongue, summary.items[0], after=True))
    if summary.kind == "product":
        return tongue.say("You are now on %(plan)s", plan=summary.product_after)
    if summary.kind == "renewal":
        return tongue.say("Your subscription is renewed")
    return tongue.say("Your subscription has changed")


def _held(tongue: Tongue, summary: Summary) -> str:
    return tongue.listed(
        [
            tongue.say("%(thing)s more", thing=naming.extra_added(tongue, extra))
            if extra.kind == "once"
            else naming.extra_held(tongue, extra)
            for extra in summary.extras_added
        ]
    )


def done_line(tongue: Tongue, summary: Summary, *, applied: bool) -> Markup:
    """``1 seat is now 2 seats, ready to use``; before it is switched on, ``1 seat to 2 seats, being switched on``.

    Where several things are other than before, each has a line.
    """
    if summary.effective_on is not None or not applied:
        told = list(meant(tongue, summary))
        if summary.effective_on is None:
            told[-1] = tongue.say("%(change)s, being switched on", change=told[-1])
        return as_lines(told)
    told = list(made(tongue, summary))
    if len(told) == 1 and _gains(summary):
        told[0] = tongue.say("%(change)s, ready to use", change=told[0])
    return as_lines(told)


def _gains(summary: Summary) -> bool:
    only_more = bool(summary.extras_added) and not summary.extras_removed
    return summary.kind in {"more", "product", "item"} or (summary.kind == "extras" and only_more)
