"""A stored subscription as plain facts, for ``--json``: amounts as decimal strings, instants and days in ISO 8601."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.cli.commands.subscription_quote import renewal_fact
from app.cli.commands.subscription_show import discount_words, features_of
from app.kit.money import format_minor

if TYPE_CHECKING:
    from app.billing.facts import Item
    from app.billing.rulebook import Policy
    from app.cli.commands.subscription_reading import Standing
    from app.subscriptions.facts import Held


def standing_facts(found: Standing) -> dict[str, Any]:
    """What ``subscription show`` tells."""
    held, currency, renewal = found.held, found.held.facts.currency, found.renewal
    facts, who = held.facts, held.customer
    return {
        "subscription": held.reference,
        "number": held.number,
        "reference": held.external_ref,
        "status": facts.status,
        "version": held.version,
        "created_at": held.created_at,
        "customer": {"number": who.number, "reference": who.external_ref, "name": who.name, "email": who.email,
                     "country": who.country, "unpaid_invoices": facts.customer.unpaid_invoices},
        "currency": currency,
        "auto_renewal": facts.auto_renewal,
        "ends_at_period_end": facts.ends_at_period_end,
        "balance": format_minor(facts.balance, currency),
        "put_off": format_minor(held.owed, currency),
        "open_order": held.open_order,
        "items": [item_fact(item, currency, found.policy) for item in facts.items],
        "next_billing_date": renewal.date and renewal.date.isoformat(),
        "renewal": {
            "amount": format_minor(renewal.amount, currency),
            "tax": format_minor(renewal.tax, currency),
            "lines": [renewal_fact(line, currency) for line in renewal.lines],
        },
        "scheduled": told_scheduled(held),
        "cards": [{"id": card.id, "brand": card.brand, "last4": card.last4, "exp_month": card.exp_month,
                   "exp_year": card.exp_year, "default": card.is_default, "pays": card.pays, "blocked": card.blocked}
                  for card in held.cards],
        "ledger": [{"item": each.item, "rows": each.rows, "start": each.start.isoformat(),
                    "end": each.end.isoformat(), "paid": format_minor(each.paid, currency),
                    "credited": format_minor(each.credited, currency)} for each in found.ledger],
        "mandate": held.mandate,
    }  # fmt: skip


def told_scheduled(held: Held) -> dict[str, Any] | None:
    """The change that waits, None if there is none."""
    waiting = held.scheduled
    if waiting is None:
        return None
    return {
        "on": waiting.due_on.isoformat(),
        "order": waiting.order_id,
        "asked_at": waiting.created_at,
        "after": [item_fact(item, waiting.currency, None) for item in waiting.after],
        "renewal": {
            "date": waiting.renewal_date and waiting.renewal_date.isoformat(),
            "amount": format_minor(waiting.renewal_amount, waiting.currency),
            "tax": format_minor(waiting.renewal_tax, waiting.currency),
        },
    }


def item_fact(item: Item, currency: str, policy: Policy | None) -> dict[str, Any]:
    facts = policy.catalog.get(item.product) if policy is not None else None
    return {
        "item": item.running_number,
        "product": item.product,
        "name": facts.name if facts is not None else None,
        "quantity": item.quantity,
        "options": list(item.options),
        "features": list(features_of(item, facts)),
        "interval": str(item.interval),
        "period": {"start": item.period.start, "end": item.period.end},
        "anchor_day": item.anchor_day,
        "committed_until": item.committed_until,
        "lots": [
            {
                "number": lot.number,
                "kind": lot.kind,
                "code": lot.code,
                "quantity": lot.quantity,
                "unit_price": format_minor(lot.unit_price, currency),
                "per": lot.per,
                "discount": None if lot.discount is None else discount_words(lot.discount, currency),
            }
            for lot in item.lots
        ],
    }
