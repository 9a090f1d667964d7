"""Cases and their answers as Markdown: what is held and wanted comes from the case, every figure from the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.billing.case import quote_case
from app.billing.errors import NotSupported

Case = dict[str, Any]
NOTHING = {"0", "0.00", "0.000", "0.0000"}
_TOTALS = (
    ("credit", "credit"),
    ("discount", "discount"),
    ("tax", "tax"),
    ("unbounded_total", "total before what follows"),
    ("balance_used", "from the balance"),
    ("waived", "waived"),
    ("deferred", "deferred to the next renewal"),
    ("refunded", "refunded to the cards"),
    ("credited", "credited to the balance"),
)


def example(case: Case) -> str:
    """One case: what is asked, the lines with their sentences, what is due and what renews, and the case to run again."""
    answer = quote_case(case)
    return "\n".join([asked(case), "", *_lines(answer), outcome(case, answer), "", *case_text(case)])


def comparison(title: str, cases: Mapping[str, Case]) -> str:
    """The same question under several rules: one row each."""
    first = next(iter(cases.values()))
    rows = [asked(first), "", f"| {title} | lines | due now | next billing | renewal |", "|---|---|---|---|---|"]
    for name, case in cases.items():
        rows.append(f"| {name} | {_compared(case)} |")
    named = next(iter(cases)).replace("`", "")
    return "\n".join(
        [*rows, "", *case_text(first, f"The case of the first row ({named}), for <code>liftlink quote</code>")]
    )


def _compared(case: Case) -> str:
    try:
        answer = quote_case(case)
    except NotSupported as error:
        return f"{error} | | |"
    lines = "<br>".join(f"{line['label']}: **{line['amount']}**" for line in answer["lines"]) or "none"
    extra = "".join(f"<br>{text}" for text in _totals(answer))
    refused = "" if answer["eligibility"]["ok"] else f"<br>refused: `{answer['eligibility']['code']}`"
    return " | ".join([lines + extra, f"**{answer['due_now']}**{refused}", *_next(answer)])


def _next(answer: Mapping[str, Any]) -> list[str]:
    renewal = answer["renewal"]
    if renewal["date"] is None:
        return ["–", "no renewal"]
    tax = "" if renewal["tax"] in NOTHING else f", tax {renewal['tax']}"
    return [renewal["date"], f"{renewal['amount']}{tax}"]


def _lines(answer: Mapping[str, Any]) -> list[str]:
    if not answer["lines"]:
        return []
    rows = ["| line | amount | why |", "|---|--:|---|"]
    rows += [f"| {line['label']} | {line['amount']} | {line['why']} |" for line in answer["lines"]]
    return [*rows, ""]


def _totals(
    answer: Mapping[str, Any],
    wanted: frozenset[str] = frozenset({"balance_used", "waived", "deferred", "credited", "refunded"}),
) -> list[str]:
    texts: list[str] = []
    for field, words in _TOTALS:
        below = field == "unbounded_total" and answer[field].startswith("-")
        contained = field == "tax" and answer[field] not in NOTHING and not _tax_line(answer)
        if contained:
            texts.append(f"tax contained {answer[field]}")
        elif below or (field in wanted and answer[field] not in NOTHING):
            texts.append(f"{words} {answer[field]}")
    return texts


def _tax_line(answer: Mapping[str, Any]) -> bool:
    return any(line["kind"] == "tax" for line in answer["lines"])


def outcome(case: Case, answer: Mapping[str, Any]) -> str:
    """``Due now 5.00 USD · next billing 2019-01-01 · renewal 50.00``, with whatever else is not nothing."""
    said = [f"**Due now {answer['due_now']} {answer['currency']}**", *_totals(answer)]
    if answer["effective_on"]:
        said.append(f"happens on {answer['effective_on']}")
    day, renewal = _next(answer)
    said += ["no renewal follows"] if day == "–" else [f"next billing {day}", f"renewal {renewal}"]
    eligibility = answer["eligibility"]
    if not eligibility["ok"]:
        said.append(f"refused: `{eligibility['code']}` ({eligibility['message']})")
    return " · ".join(said) + "."


def asked(case: Case) -> str:
    """What is held and what is wanted, in one paragraph, from the case itself."""
    held = "; ".join(_item(item, case) for item in case["subscription"]["items"])
    status = case["subscription"].get("status", "active")
    state = "" if status == "active" else f" ({status.replace('_', ' ')})"
    changes = case["change"] if isinstance(case["change"], list) else [case["change"]]
    wanted = "; and ".join(_wanted(change) for change in changes)
    return f"*Held{state}:* {held}. *On {_moment(case['at'])}:* {wanted}."


def _item(item: Mapping[str, Any], case: Case) -> str:
    lots = " and ".join(_lot(lot, item) for lot in item["lots"])
    options = ", ".join(item.get("options") or ())
    with_options = f" with {options}" if options else ""
    period = item["period"]
    return f"{lots} {_per(item['interval'])}{with_options}, {_moment(period['start'])} to {_moment(period['end'])}"


def _lot(lot: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    code = lot.get("option") or lot.get("feature") or item["product"]
    discount = lot.get("discount")
    return f"{lot['quantity']} × {code} at {lot['unit_price']}" + (f" less {_discount(discount)}" if discount else "")


def _discount(discount: Mapping[str, Any]) -> str:
    if "percent" in discount:
        text = f"{discount['percent']} %"
    elif "amount" in discount:
        text = discount["amount"]
    else:
        text = f"all above {discount['unit_price']}"
    scope = discount.get("scope")
    if scope is None:
        left = discount.get("periods_left")
        return text + (f" for {left} more periods" if left else "")
    return f"{text} {scope}" if isinstance(scope, str) else f"{text} for {scope['periods']} periods"


def _wanted(change: Mapping[str, Any]) -> str:
    parts: list[str] = ["add" if "item" in change and change["item"] is None else "change to"]
    quantity, product = change.get("quantity"), change.get("product")
    parts.append(
        f"{quantity} × {product}"
        if quantity is not None and product
        else product or (f"quantity {quantity}" if quantity is not None else "")
    )
    if change.get("unit_price"):
        parts.append(f"at {change['unit_price']}")
    if change.get("interval"):
        parts.append(_per(change["interval"]))
    if change.get("options") is not None:
        parts.append("with options " + (", ".join(change["options"]) or "none"))
    for code, count in (change.get("features") or {}).items():
        parts.append(f"with {code} {'on' if count is True else count}")
    if change.get("discount"):
        parts.append(f"less {_discount(change['discount'])}")
    return " ".join(part for part in parts if part)


def _per(interval: Any) -> str:
    text = interval if isinstance(interval, str) else f"{interval['count']}{interval['unit']}"
    count = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text.removeprefix(count)
    return f"a {unit}" if count == "1" else f"every {count} {unit}s"


def _moment(text: str) -> str:
    day, _, time = text.partition("T")
    return day if time in ("", "00:00:00Z") else f"{day} {time[:5]} UTC"


def case_text(case: Case, summary: str = "The case, for <code>liftlink quote</code>") -> list[str]:
    """The case as JSON, one top-level field a line, folded away."""
    fields = [f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in case.items()]
    body = "{" + ",\n".join(fields).lstrip() + "}"
    return [f"<details><summary>{summary}</summary>", "", "```json", body, "```", "</details>"]
