"""The proof that every charge rests on."""

from __future__ import annotations

from datetime import datetime

from app.billing.proving import PROVED_FOR, way_asked
from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.reading import issued_at, renewal_of, seals_of
from app.charging.audit.rows import Row
from app.charging.audit.scene import PAID_STATES, Page
from app.charging.proof import seal_of_consent
from app.models.leases import CLOCKS_DIFFER


def one_each(page: Page) -> Seen:
    """Every attempt has its own consent to the very figures, written no later than itself; a free order has one as well."""
    proofs = {row["attempt_id"]: row for row in page.rows.consents}
    wanted = [(row["id"], row["order_id"], row["created_at"]) for row in page.rows.attempts]
    tried = page.rows.attempts_of
    wanted += [
        (f"{row['id']}.0", row["id"], row["created_at"])
        for row in page.rows.orders
        if row["state"] in PAID_STATES and row["id"] not in tried
    ]
    for attempt_id, order_id, at in wanted:
        proof, order = proofs.get(attempt_id), page.rows.order.get(order_id)
        wrong = "has no consent"
        if proof is not None and order is not None:
            wrong = (
                "was consented to for another order" if proof["order_id"] != order_id
                else "was consented to in other figures" if proof["quote_hash"] != order["quote_hash"]
                else "was made before its consent" if proof["at"] > at else ""
            )  # fmt: skip
        yield judged(f"attempt {attempt_id}", wrong)
    for attempt_id in proofs.keys() - {attempt_id for attempt_id, _, _ in wanted}:
        yield judged(f"consent of attempt {attempt_id}", "is to nothing: there is no such attempt")


def sealed(page: Page) -> Seen:
    """To the letter as it was given: what was done on it says its hash in the log."""
    seals = seals_of(page)
    for consent in page.rows.consents:
        order = page.rows.order.get(consent["order_id"])
        free = order is not None and consent["attempt_id"] == f"{order['id']}.0"
        key = (
            ("order", order["id"], "PAID")
            if order is not None and free
            else ("attempt", consent["attempt_id"], "CREATED")
        )
        wrong = seals.get(key) != seal_of_consent({str(name): value for name, value in consent.items()})
        yield judged(f"consent of attempt {consent['attempt_id']}", wrong, "is not the one that was given")


def shown_who(page: Page) -> Seen:
    """The step-up. What is kept of one fits what was asked for, the card and the time; none is missing that was asked for.

    What was asked for can be worked out again as long as the merchant's rules are those of the consent.
    """
    for consent in page.rows.consents:
        order = page.rows.order.get(consent["order_id"])
        if order is not None and (consent["step_up"] is not None or consent["link_jti"] is not None):
            wrong = _unfit(consent) if consent["step_up"] is not None else _missing(page, consent, order)
            yield judged(f"consent of attempt {consent['attempt_id']}", wrong)


def _unfit(consent: Row) -> str:
    kept = consent["step_up"]
    try:
        asked, passed, at = kept["asked"], kept["passed"], datetime.fromisoformat(kept["at"])
    except (KeyError, TypeError, ValueError):
        return "has a step-up that cannot be read"
    if passed not in ("code", "card") or asked not in ("either", passed):
        return f"was asked for a {asked}, and {passed} was passed"
    if not at - CLOCKS_DIFFER <= consent["at"] < at + PROVED_FOR + CLOCKS_DIFFER:
        return f"was given at {consent['at']:%Y-%m-%d %H:%M}, its check was passed at {at:%Y-%m-%d %H:%M}"
    other = passed == "card" and kept.get("card") != consent["card"].get("id")
    return "charges another card than the one that was entered again" if other else ""


def _missing(page: Page, consent: Row, order: Row) -> str:
    book = page.whole.books.get(order["book_id"])
    issued = issued_at(order["claims"])
    if book is None or issued is None or consent["policy_version"] != book["policy_version"]:
        return ""
    how = way_asked(
        book["policy"], currency=order["currency"], due=order["total"], renewal=renewal_of(order),
        asks_card=order["total"] > 0, rises=bool(consent["boxes"]), issued=issued, now=consent["at"],
    )  # fmt: skip
    return f"has no step-up, the rules ask for {how}" if how else ""


CHECKS = (
    Check("I51", "every charge rests on one consent to its figures", one_each),
    Check("I51", "consents stand as they were given", sealed),
    Check("D6", "whoever had to show who they are did so", shown_who),
)
