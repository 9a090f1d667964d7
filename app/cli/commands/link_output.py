"""How a new link and a link's X-ray are printed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.cli.commands.common import print_json, print_table, say, shown

if TYPE_CHECKING:
    from app.billing.result import Quote
    from app.offers.inspect import LinkReport
    from app.offers.issue import Issued


def print_issued(issued: Issued, as_json: bool) -> None:
    from app.kit.money import format_minor

    quote = issued.quote
    facts: dict[str, Any] = {
        "url": issued.url,
        "id": issued.link_id.text,
        "code": issued.link_id.short_code,
        "subscription": issued.held.reference,
        "expires_at": issued.expires_at,
        "currency": quote.currency,
        "due_now": format_minor(quote.due_now, quote.currency),
        "next_billing_date": quote.next_billing_date and quote.next_billing_date.isoformat(),
        "renewal": format_minor(quote.renewal.amount, quote.currency),
        "later_renewals": _later(quote),
    }
    if as_json:
        print_json(facts)
        return
    say(issued.url)
    say(f"{facts['code']} (id {facts['id']}) for {facts['subscription']}, open until {shown(issued.expires_at)}")
    say(
        f"today {facts['due_now']} {quote.currency}; from {facts['next_billing_date'] or 'no renewal'}: "
        f"{facts['renewal']} {quote.currency}"
        + "".join(f"; from {one['date']}: {one['amount']} {quote.currency}" for one in facts["later_renewals"])
    )


def _later(quote: Quote) -> list[dict[str, str]]:
    """The renewals on other days than the earliest next date."""
    from app.kit.money import format_minor

    return [{"date": str(one.date), "amount": format_minor(one.amount, quote.currency)} for one in quote.later]


def told_choices(choices: Mapping[str, Any]) -> str:
    """``quantity 2-10, support, users 5-20``, from the choices as they are kept with a saved offer."""
    quantity = choices.get("quantity")
    told = [f"quantity {quantity['min']}-{quantity['max']}"] if quantity else []
    for option in choices.get("options", ()):
        span = f" {option['min']}-{option['max']}" if "min" in option else ""
        only = "" if span or option["add"] == option["remove"] else " (add)" if option["add"] else " (remove)"
        told.append(f"{option['code']}{span}{only}")
    return ", ".join(told)


def print_report(report: LinkReport, as_json: bool) -> None:
    from app.billing.wording import label
    from app.kit.money import format_minor
    from app.links.describe import describe

    now = report.price_now
    facts: dict[str, Any] = {
        **describe(report.claims),
        "key": report.kid,
        "code": report.short_code,
        "state": report.state,
        "opened": {"times": report.opened, "by_people": report.by_people, "by_machines": report.by_machines,
                   "first": report.first_opened, "last": report.last_opened},
        "orders": [{"number": each.number, "state": each.state, "total": format_minor(each.total, each.currency),
                    "paid_at": each.paid_at} for each in report.orders],
        "price_then": None,
        "price_now": None,
        "refused_because": report.why_not,
    }  # fmt: skip
    if report.choices:
        facts["shopper_chooses"] = report.choices if as_json else told_choices(report.choices)
    if report.revoked_because:
        facts["revoked_because"] = report.revoked_because
    if report.price_then:
        then, currency = report.price_then, report.price_then["currency"]
        facts["price_then"] = {"due_now": format_minor(then["due_now"], currency),
                               "renewal": format_minor(then["renewal"], currency), "currency": currency}  # fmt: skip
    if now is not None:
        facts["price_now"] = {
            "due_now": format_minor(now.due_now, now.currency),
            "renewal": format_minor(now.renewal.amount, now.currency),
            "currency": now.currency,
            "next_billing_date": now.next_billing_date and now.next_billing_date.isoformat(),
            "later_renewals": _later(now),
            "lines": [f"{label(line)}: {format_minor(line.amount, now.currency)}" for line in now.lines],
        }
    if as_json:
        print_json(facts)
        return
    print_table(["fact", "value"], [(name, _flat(value)) for name, value in facts.items()])


def _flat(value: object) -> str:
    if isinstance(value, dict):
        parts = cast("dict[str, object]", value)
        return "; ".join(f"{name} {_flat(part)}" for name, part in parts.items() if part not in (None, []))
    if isinstance(value, list):
        return " | ".join(_flat(part) for part in cast("list[object]", value))
    return shown(value) if isinstance(value, datetime) else "" if value is None else str(value)
