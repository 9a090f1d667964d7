"""What mails say of an order, as explicit values taken at the moment it happened: amounts in minor units, days as ISO text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

BY_SELLER = "merchant"
"""The source of an order whose consent is the merchant's own note of how the customer agreed."""


def receipt_body(order: Mapping[str, Any], consent: Mapping[str, Any], outcome: str, at: datetime) -> dict[str, Any]:
    """The receipt and acknowledgement of a paid order; the lines are the quote's own."""
    quote = order["quote"]
    return {
        "to": order["email"],
        "language": order["language"],
        "order": order["id"],
        "number": order["number"],
        "subscription": order["subscription_number"],
        "outcome": outcome,
        "paid_at": at.isoformat(),
        "timezone": quote["timezone"],
        "currency": order["currency"],
        "total": order["total"],
        "tax": quote["tax"],
        "tax_inclusive": quote["tax_rate"]["inclusive"],
        "lines": quote["lines"],
        "adjustments": adjustments(quote),
        "renewal": _with_its_end(quote["renewal"], quote),
        "later_renewals": [_with_its_end(each, quote) for each in quote.get("later", [])],
        "effective_on": quote.get("effective_on"),
        "after": _after(quote) if quote.get("effective_on") else None,
        "card": {name: consent["card"][name] for name in ("brand", "last4") if name in consent["card"]},
        "consent": {
            "text": consent["text"],
            "version": consent["version"],
            "at": consent["at"].isoformat(),
            "by_seller": order["source"] == BY_SELLER,
        },
    }


def adjustments(quote: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What stands between a stored quote's lines and its total, in the order of application: both add up to the total.

    ``kind``: ``refunded``, ``credited`` or ``unused`` (what a total below zero leaves), ``balance``, ``waived``, ``deferred``.
    """
    credited = quote.get("credited", 0)
    refunded = quote.get("refunded", 0)
    amounts = {
        "refunded": refunded,
        "credited": credited,
        "unused": max(0, -quote["unbounded_total"]) - credited - refunded,
        "balance": quote["balance_used"],
        "waived": -quote["waived"],
        "deferred": -quote["deferred"],
    }
    return [{"kind": kind, "amount": amount} for kind, amount in amounts.items() if amount]


def _with_its_end(renewal: dict[str, Any], quote: Mapping[str, Any]) -> dict[str, Any]:
    """The renewal; where a discount ends, with the number of renewals before that and the amount of those that follow.

    ``ends_apart``: other discounts end later, so that ``then`` is the most that a renewal will cost.
    """
    lots = {(item["running_number"], lot["number"]): lot for item in quote["after"] for lot in item["lots"]}
    ends: set[int] = set()
    then = renewal["amount"]
    for line in renewal["lines"]:
        discount = lots[line["item"], line["lot"]]["discount"]
        if discount and discount["periods_left"] and line["discount"]:
            ends.add(discount["periods_left"])
            then -= line["discount"]
    if not ends:
        return renewal
    return {**renewal, "ending": {"renewals": min(ends), "then": then, "ends_apart": len(ends) > 1}}


def _after(quote: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is held from the day of a scheduled change on; ``amount`` per ``interval``, None where it does not renew."""
    renewals = [quote["renewal"], *quote.get("later", [])]
    lines = {(line["item"], line["lot"]): line for renewal in renewals for line in renewal["lines"]}
    held: dict[tuple[int, str, str], dict[str, Any]] = {}
    for item in quote["after"]:
        for lot in item["lots"]:
            line = lines.get((item["running_number"], lot["number"]))
            row = held.setdefault(
                (item["running_number"], lot["kind"], lot["code"]),
                {
                    "name": line["name"] if line else lot["code"],
                    "quantity": 0,
                    "amount": 0 if line else None,
                    "interval": item["interval"],
                },
            )
            row["quantity"] += lot["quantity"]
            if line:
                row["amount"] += line["amount"]
    return list(held.values())


def not_charged_body(order: Mapping[str, Any], why: str) -> dict[str, Any]:
    """For a shopper who was told "we are checking": the order ended without money. ``why``: declined or cancelled; or
    disputed, where the money was taken and the bank gave it back."""
    return {
        "to": order["email"],
        "language": order["language"],
        "order": order["id"],
        "number": order["number"],
        "subscription": order["subscription_number"],
        "currency": order["currency"],
        "total": order["total"],
        "why": why,
    }
