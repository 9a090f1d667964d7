"""Order by order: what was paid for is what the lines say, and what stands to the customer's credit follows."""

from __future__ import annotations

from collections import defaultdict

from app.billing.codec import load_quote, load_rows
from app.billing.taking_back import net_of, spread
from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.rows import Row
from app.charging.audit.scene import PAID_STATES, Page


def rows_add_up(page: Page) -> Seen:
    """An order's own rows of the ledger are its credit, charge and discount; those of one that waits come later."""
    sums: defaultdict[str, int] = defaultdict(int)
    for row in page.rows.entitlements:
        if row["order_id"] is not None:
            sums[row["order_id"]] += row["amount"]
    for order in page.rows.orders:
        quote = order["quote"]
        made = order["state"] in PAID_STATES and quote.get("effective") != "next_billing"
        owed = quote.get("subtotal", 0) if made else 0
        has = sums[order["id"]]
        yield judged(
            f"order {order['id']}", has != owed, f"has {has} in the ledger of what was paid, its lines say {owed}"
        )


def balances_follow(page: Page) -> Seen:
    """What an order used of the balance and what it added to it."""
    booked: defaultdict[tuple[str | None, str], int] = defaultdict(int)
    for row in page.rows.balances:
        booked[row["order_id"], row["cause"]] += row["amount"]
    for order in page.rows.orders:
        quote, paid = order["quote"], order["state"] in PAID_STATES
        used, back = booked[order["id"], "used"], booked[order["id"], "given_back"]
        owed = quote.get("balance_used", 0)
        ended = order["state"] in ("EXPIRED", "CANCELLED")
        wrong = used != owed or back != (-owed if ended else 0)
        credited = booked[order["id"], "credited"]
        wrong = wrong or credited != (quote.get("credited", 0) if paid else 0)
        yield judged(
            f"order {order['id']}", wrong, f"used {used}, gave back {back} and credited {credited} of the balance"
        )


def refunds_are_taken_back(page: Page) -> Seen:
    """What each refund and each lost dispute took from the ledger stands there; if a refund failed, what came back as well."""
    have: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for row in page.rows.entitlements:
        if row["order_id"] is None:
            have[_place(row["subscription_id"], row["item"], row["lot"], row["amount"], row)] += 1
    named = [(f"refund {row['id']}", row) for row in page.rows.refunds]
    named += [(f"dispute {row['gw_ref']}", row) for row in page.rows.disputes if row["takes"]]
    for name, taker in named:
        order = page.rows.order.get(taker["order_id"])
        if order is None:
            continue
        wrong = ""
        for take in load_rows(taker["takes"]):
            for sign in (1, -1) if taker["state"] == "FAILED" else (1,):
                key = (order["subscription_id"], take.item, take.lot, sign * take.amount, take.start, take.end)
                have[key] -= 1
                wrong = wrong or (
                    f"took {take.amount} of lot {take.lot}, the ledger does not say so" if have[key] < 0 else ""
                )
        yield judged(name, wrong)


def refunds_take_their_share(page: Page) -> Seen:
    """Each refund took back what the rule says of its amount, after those before it. One that a change owes takes nothing:
    the change's own credit did. Those after a dispute was lost are judged together with it."""
    for order in page.rows.orders:
        told = sorted(page.rows.refunds_of.get(order["id"], ()), key=lambda row: _began(page, row))
        lost = page.rows.came_to.get(("order", order["id"], "LOST"))
        told = [row for row in told if lost is None or _began(page, row) < lost]
        for place, refund in enumerate(told):
            has = sum([take.amount for take in load_rows(refund["takes"])])
            owed = _share(page, order, refund, told[:place])
            yield judged(
                f"refund {refund['id']}", has != owed, f"took {has} back from what was paid, by the rule {owed}"
            )


def _began(page: Page, refund: Row) -> int:
    return page.rows.came_to.get(("refund", refund["id"], "CREATED"), 0)


def _share(page: Page, order: Row, refund: Row, before: list[Row]) -> int:
    log = page.rows.came_to
    settled = log.get(("attempt", refund["attempt_id"], "SUCCEEDED"))
    if refund["kind"] == "negative" or settled is None:
        return 0
    # One that was found before its payment was settled is taken back with the settlement, unless it had failed by then.
    began = max(_began(page, refund), settled)
    if log.get(("refund", refund["id"], "FAILED"), began) < began:
        return 0
    quote = load_quote(order["quote"])
    counted = [row for row in before if row["takes"] and log.get(("refund", row["id"], "FAILED"), began) >= began]
    taken = [take for row in counted for take in load_rows(row["takes"])]
    net = net_of(quote, sum([row["amount"] for row in counted]) + refund["amount"]) + sum([row.amount for row in taken])
    return sum([take.amount for take in spread(quote, net, taken)])


def lost_disputes_take_the_rest(page: Page) -> Seen:
    """What the bank took in a dispute and no refund gives back was taken from what was paid: with the refunds, by the rule."""
    for order in page.rows.orders:
        told = page.rows.refunds_of.get(order["id"], ())
        counted = [row for row in told if row["state"] != "FAILED" and row["takes"]]
        disputes = [row for row in page.rows.disputes if row["order_id"] == order["id"]]
        by_disputes = sum([take.amount for row in disputes for take in load_rows(row["takes"] or [])])
        if order["state"] != "LOST":
            yield judged(f"order {order['id']}", by_disputes != 0, "gave up what it paid for and is not lost")
            continue
        has = by_disputes + sum([take.amount for row in counted for take in load_rows(row["takes"])])
        gone = sum([row["amount"] for row in counted]) + _lost(page, order, counted, disputes)
        quote = load_quote(order["quote"])
        owed = sum([take.amount for take in spread(quote, net_of(quote, gone), ())])
        # What comes back with a failed refund was rounded when it was taken.
        rounded = len([row for row in told if row["state"] == "FAILED"])
        wrong = not owed - rounded <= has <= owed
        yield judged(f"order {order['id']}", wrong, f"is lost and gave up {has} of what was paid, by the rule {owed}")


def _lost(page: Page, order: Row, counted: list[Row], disputes: list[Row]) -> int:
    paid = [row for row in page.rows.attempts if row["order_id"] == order["id"] and row["state"] == "SUCCEEDED"]
    ids, captured = {row["id"] for row in paid}, sum([row["amount"] for row in paid])
    promised = [row for row in page.rows.refunds_of.get(order["id"], ()) if row["kind"] == "negative"]
    back = [*counted, *(row for row in promised if row["state"] != "FAILED" and not row["takes"])]
    taken = sum([row["amount"] for row in disputes if row["state"] == "LOST" and row["attempt_id"] in ids])
    return max(min(taken, captured - sum([row["amount"] for row in back if row["attempt_id"] in ids])), 0)


def _place(subscription: int, item: int, lot: int, amount: int, row: Row) -> tuple[object, ...]:
    return (subscription, item, lot, amount, row["span_start"], row["span_end"])


def changes_give_back(page: Page) -> Seen:
    """What a change with a total below zero gives back is on its way to the cards, or failed and went to the balance."""
    given: defaultdict[str, int] = defaultdict(int)
    for row in page.rows.caused:
        given[row["cause_order"]] += row["amount"]
    for order in page.rows.orders:
        owed = order["quote"].get("refunded", 0) if order["state"] in PAID_STATES else 0
        has = given[order["id"]]
        yield judged(f"order {order['id']}", has != owed, f"gives back {has}, its quote says {owed}")


CHECKS = (
    Check("ledger", "each order's rows are its credit, charge and discount", rows_add_up),
    Check("ledger", "what orders used of balances and added to them", balances_follow),
    Check("ledger", "what was given back was taken from what was paid", refunds_are_taken_back),
    Check("ledger", "refunds take their share of what was paid", refunds_take_their_share),
    Check("ledger", "lost disputes take what no refund gave back", lost_disputes_take_the_rest),
    Check("ledger", "what a change below zero gives back is on its way", changes_give_back),
)
