"""Uses of links, and everything else of which there is only so much."""

from __future__ import annotations

from collections import Counter, defaultdict

from sqlalchemy import select

from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.scene import PAID_STATES, Scene
from app.links.errors import LinkError
from app.links.format import decode
from app.links.signing import decode_base64
from app.models.orders import Cap, Renewal
from app.models.work import GatewayWatch


def paid_within_uses(scene: Scene) -> Seen:
    """Counted by the link's id, whatever the spelling of its token."""
    paid: Counter[tuple[int, str]] = Counter()
    uses: dict[tuple[int, str], int] = {}
    for order in scene.rows.orders:
        if order["link_jti"] is not None:
            key = (order["book_id"], order["link_jti"])
            paid[key] += order["state"] in PAID_STATES
            uses[key] = max(uses.get(key, 1), _uses(order["claims"]))
    for key, count in paid.items():
        yield judged(
            f"link {key[1]} of book {key[0]}", count > uses[key], f"paid {count} orders, it allows {uses[key]}"
        )


def _uses(claims: str | None) -> int:
    """How often the link of an order may be used; 1 where the order does not hold what the link said."""
    try:
        return decode(decode_base64((claims or "").partition(".")[0].encode())).uses
    except (LinkError, ValueError, IndexError):
        return 1


def used_while_held(scene: Scene) -> Seen:
    """An open order holds one use, a paid one has spent it, one that ended without money gave it back."""
    held: defaultdict[str, list[str]] = defaultdict(list)
    for use in scene.rows.uses:
        held[use["order_id"]].append(use["jti"])
    for order in scene.rows.orders:
        keeps = order["link_jti"] is not None and order["state"] in ("OPEN", *PAID_STATES)
        owed = [order["link_jti"]] if keeps else []
        has = held[order["id"]]
        yield judged(f"order {order['id']}", has != owed, f"is {order['state']} and holds {len(has)} uses of its link")


def caps_hold(scene: Scene) -> Seen:
    with scene.store.read() as conn:
        for row in conn.execute(select(Cap.id, Cap.cap, Cap.taken)):
            yield judged(f"cap {row.id}", not 0 <= row.taken <= row.cap, f"{row.taken} of {row.cap} are taken")


def renewed_once(scene: Scene) -> Seen:
    with scene.store.read() as conn:
        renewals = conn.execute(select(Renewal.subscription_id, Renewal.period_start, Renewal.order_id)).all()
    orders = Counter(row.order_id for row in renewals if row.order_id is not None)
    periods = Counter((row.subscription_id, row.period_start) for row in renewals)
    for row in renewals:
        name = f"renewal of subscription {row.subscription_id} at {row.period_start:%Y-%m-%d}"
        wrong = periods[row.subscription_id, row.period_start] > 1 or orders[row.order_id] > 1
        order = scene.rows.order.get(row.order_id) if row.order_id else None
        strange = order is not None and order["subscription_id"] != row.subscription_id
        yield judged(name, wrong or strange, f"shares its period or its order {row.order_id}")


def closed_after_a_restore(scene: Scene) -> Seen:
    """While an account's gate is closed no attempt is made there."""
    with scene.store.read() as conn:
        watched = conn.execute(select(GatewayWatch.__table__)).mappings().all()
    for gate in watched:
        made = [
            row["id"]
            for row in scene.rows.attempts
            if gate["gate"] == "CLOSED" and gate["closed_at"] is not None and row["created_at"] > gate["closed_at"]
            and (row["gateway"], row["account"], row["livemode"]) == (gate["gateway"], gate["account"], gate["livemode"])
        ]  # fmt: skip
        name = f"gate of {gate['gateway']} {gate['account']}"
        yield judged(name, bool(made), f"is closed and attempt {made[0] if made else ''} was made all the same")


CHECKS = (
    Check("I25", "no link paid more orders than it has uses", paid_within_uses),
    Check("I26", "uses are held, spent or given back", used_while_held),
    Check("I31", "no cap is passed", caps_hold),
    Check("I34", "one order for each period", renewed_once),
    Check("I49", "nothing is charged while the restore gate is closed", closed_after_a_restore),
)
