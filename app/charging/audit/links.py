"""Uses of links, and everything else of which there is only so much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, RowMapping, func, or_, select

from app.charging.audit.findings import Check, Seen, WholeCheck, judged
from app.charging.audit.reading import uses_of
from app.charging.audit.rows import after
from app.charging.audit.scene import PAID_STATES, Page, Scene
from app.charging.uses import HOLDING, mark_of_use
from app.models.leases import CLOCKS_DIFFER
from app.models.orders import Attempt, Cap, Order, Renewal
from app.models.work import GatewayWatch


def paid_within_uses(scene: Scene) -> Seen:
    """Counted by the link's id, whatever the spelling of its token. Money that an orphan holds for a use counts like the
    order that it was taken for, which is lost or had ended."""
    holding = _holding(scene)
    last: tuple[int, str] = (0, "")
    while True:
        with scene.store.read() as conn:
            links = conn.execute(_PAID_BY.where(after(_LINK, last)).limit(scene.page_size)).all()
        if not links:
            return
        for book, jti, paid, claims in links:
            uses = uses_of(claims)
            lost = _lost_of(scene, (book, jti or ""), uses, paid, holding)
            what = f"paid {paid} orders{f' and {lost} that are lost' if lost else ''}, it allows {uses}"
            yield judged(f"link {jti} of book {book}", paid + lost > uses, what)
        last = (links[-1][0], links[-1][1] or "")


_LINK = (Order.book_id, Order.link_jti)
_PAID_BY = (
    select(*_LINK, func.count(), func.max(Order.claims))
    .where(Order.link_jti.is_not(None), Order.state.in_(PAID_STATES))
    .group_by(*_LINK)
    .order_by(*_LINK)
)


def _holding(scene: Scene) -> dict[str, set[str]]:
    """The orders for which orphans hold money, or may yet, by the mark of the link's use."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in scene.orphans:
        if row["use_mark"] and row["state"] in HOLDING:
            found[row["use_mark"]].add(str(row["facts"].get("order", "")))
    return found


def _lost_of(scene: Scene, link: tuple[int, str], uses: int, paid: int, holding: Mapping[str, set[str]]) -> int:
    """How many orders besides the paid ones took the link's uses. Not counted where all of them would be within its uses."""
    if paid + sum([len(orders) for orders in holding.values()]) <= uses:
        return 0
    orders = {one for n in range(1, uses + 1) for one in holding.get(mark_of_use(*link, n), ())}
    if not orders:
        return 0
    with scene.store.read() as conn:
        own = conn.execute(select(Order.id).where(Order.id.in_(orders), Order.state.in_(PAID_STATES))).scalars().all()
    return len(orders.difference(own))


def used_while_held(page: Page) -> Seen:
    """An open order holds one use, a paid one has spent it, one that ended without money gave it back."""
    held: defaultdict[str, list[str]] = defaultdict(list)
    for use in page.rows.uses:
        held[use["order_id"]].append(use["jti"])
    for order in page.rows.orders:
        keeps = order["link_jti"] is not None and order["state"] in ("OPEN", *PAID_STATES)
        owed = [order["link_jti"]] if keeps else []
        has = held[order["id"]]
        yield judged(f"order {order['id']}", has != owed, f"is {order['state']} and holds {len(has)} uses of its link")


def caps_hold(scene: Scene) -> Seen:
    with scene.store.read() as conn:
        for row in conn.execute(select(Cap.id, Cap.cap, Cap.taken)):
            yield judged(f"cap {row.id}", not 0 <= row.taken <= row.cap, f"{row.taken} of {row.cap} are taken")


def renewed_once(scene: Scene) -> Seen:
    """The key holds one row for a period; one order renews one period, of its own subscription."""
    shared = select(Renewal.order_id).group_by(Renewal.order_id).having(func.count() > 1)
    wrong = (
        select(Renewal.subscription_id, Renewal.period_start, Renewal.order_id)
        .join(Order, Order.id == Renewal.order_id)
        .where(or_(Order.subscription_id != Renewal.subscription_id, Renewal.order_id.in_(shared)))
    )
    with scene.store.read() as conn:
        found = conn.execute(wrong).all()
    for row in found:
        name = f"renewal of subscription {row.subscription_id} at {row.period_start:%Y-%m-%d}"
        yield judged(name, f"shares its period or its order {row.order_id}")
    for _ in range(scene.count(Renewal) - len(found)):
        yield None


def closed_after_a_restore(scene: Scene) -> Seen:
    """While an account's gate is closed no attempt is made there. Who made one before may have had a clock that was ahead."""
    with scene.store.read() as conn:
        for gate in conn.execute(select(GatewayWatch.__table__)).mappings().all():
            name = f"gate of {gate['gateway']} {gate['account']}"
            made = _first_attempt_since(conn, gate) if gate["gate"] == "CLOSED" and gate["closed_at"] else None
            yield judged(name, made is not None, f"is closed and attempt {made} was made all the same")


def _first_attempt_since(conn: Connection, gate: RowMapping) -> str | None:
    return conn.execute(
        select(func.min(Attempt.id)).where(
            Attempt.gateway == gate["gateway"],
            Attempt.account == gate["account"],
            Attempt.livemode == gate["livemode"],
            Attempt.created_at > gate["closed_at"] + CLOCKS_DIFFER,
        )
    ).scalar()


CHECKS = (
    WholeCheck("I25", "no link paid more orders than it has uses", paid_within_uses),
    Check("I26", "uses are held, spent or given back", used_while_held),
    WholeCheck("I31", "no cap is passed", caps_hold),
    WholeCheck("I34", "one order for each period", renewed_once),
    WholeCheck("I49", "nothing is charged while the restore gate is closed", closed_after_a_restore),
)
