"""The chapters about time: how it is measured, when a change begins, and where its dates end up."""

from __future__ import annotations

from app.billing.facts import Interval
from app.billing.schedule import schedule
from tests.unit.docs.render import comparison, example
from tests.unit.docs.stories import PLANS, SEAT, Case, case, held, month

SECOND_SEAT: Case = {"product": "crm-seat", "quantity": 2, "unit_price": "10.00"}
REFERENCE = held(start="2018-01-01", end="2019-01-01")
TO_PRO: Case = {"product": "pro"}


def plan(at: str = "2026-04-11", change: Case | None = None, item: Case | None = None, **rules: object) -> Case:
    """Basic at 10.00 a month for April, changed to Pro at 30.00."""
    return case(at, item or month(), change or TO_PRO, catalog=PLANS, **rules)


def basis() -> str:
    seat = {
        f"`{name}`": case("2018-07-11T12:00:00Z", REFERENCE, SECOND_SEAT, policy={"basis": name}, catalog=SEAT)
        for name in ("month", "day", "thirty", "second", "none")
    }
    whole = case("2018-07-01", REFERENCE, SECOND_SEAT, policy={"basis": "month"}, catalog=SEAT)
    return f"""## How time is measured: `basis`

- `month` (default): whole billing months, counted from the anchor day, then days over the length of the month they fall in.
- `day`: calendar days in the merchant's time zone.
- `thirty`: every month has 30 days; a 31st counts as the 30th.
- `second`: the instant itself counts, to the second.
- `none`: the new amount in full, no credit.

Intervals of days or weeks are measured by days under `month` and `thirty` too.

One seat is held, a second is added at its own price, in the middle of a year:

{example(whole)}

The same seat on a day that is no billing day, under every basis:

{comparison("basis", seat)}"""


def share() -> str:
    stub = case(
        "2018-01-01", held("basic", "2018-01-01", "2018-02-15", "1month", ((1, "100.00"),), anchor_day=15),
        {"product": "basic", "quantity": 2, "unit_price": "100.00"},
    )  # fmt: skip
    thirty = case(
        "2026-02-11", held("basic", "2026-02-01", "2026-03-03", "30day", ((1, "30.00"),)),
        {"product": "basic", "quantity": 2, "unit_price": "30.00"},
    )  # fmt: skip
    return f"""## What a share is

A price's share is the covered part of each full interval that the rest of the period touches, each measured by its own length.
An interval that is covered whole counts as one, whatever the basis. A period that is longer than one interval therefore has a
share above one, and a short one is measured against the full interval, not against itself:

{example(stub)}

Who bills fixed terms of 30 days uses the interval `30day`:

{example(thirty)}"""


def change_day() -> str:
    cases = {f"`{name}`": plan("2026-04-15", policy={"basis": "day", "change_day": name}) for name in ("new", "old")}
    return f"""## To whom the day of the change belongs: `change_day`

The day of the change is a day of the new plan (`new`, default) or still one of the old plan (`old`): then credit and charge both
begin the next day, for added parts too. The basis `second` knows no days and ignores it. Period ends are exclusive.

{comparison("change_day", cases)}"""


def rounding() -> str:
    ledger = [{"start": "2026-04-01T00:00:00Z", "end": "2026-05-01T00:00:00Z", "amount": "149.97"}]
    item = held("basic", "2026-04-01", "2026-05-01", "1month", ((1, "149.97"),), entitlements=ledger)
    change = {"product": "pro", "unit_price": "449.91"}
    cases = {
        f"`{name}`": case("2026-04-16", item, change, policy={"basis": "day", "rounding": name})
        for name in ("half_up", "half_even", "down")
    }
    yen = case(
        "2026-04-11", held("basic", "2026-04-01", "2026-05-01", "1month", ((1, "1000"),)),
        {"quantity": 2, "unit_price": "1000"}, currency="JPY",
    )  # fmt: skip
    dinar = case(
        "2026-04-11", held("basic", "2026-04-01", "2026-05-01", "1month", ((1, "10.000"),)),
        {"quantity": 2, "unit_price": "10.000"}, currency="KWD",
    )  # fmt: skip
    return f"""## Rounding: `rounding`

Every line is rounded once, to the currency's own minor unit, on the magnitude: a credit is rounded as a charge of the same size
would be. `half_up` (default) takes a half away from zero, `half_even` to the even neighbour, `down` cuts off. Lines are added up
as they are printed, so that a total is always the sum of what is shown.

{comparison("rounding", cases)}

The number of places is that of ISO 4217: none for the yen,

{example(yen)}

three for the Kuwaiti dinar.

{example(dinar)}"""


def effective() -> str:
    later = {"product": "pro", "effective": "next_billing"}
    early = {"product": "pro", "effective": "early_renewal"}
    cases = {
        "`now`": plan(),
        "`next_billing`": plan(change=later),
        "`early_renewal`": plan(change=early),
    }
    renewed = case(
        "2026-12-01", held(), {"product": "crm-seat", "quantity": 1, "effective": "early_renewal"}, catalog=SEAT
    )
    return f"""## When a change happens: `effective`

- `now` (default): today; the alignment below decides the dates.
- `next_billing`: nothing is due today. The change is kept, shown and can be undone until the lock window before the next
  billing date; from that date on the new price is due. The way to lower a plan where nothing is paid back.
- `early_renewal`: the full new price today. The period runs from today to the old end plus one new interval: time that is left is
  carried over day by day, never turned into money, and nothing is credited.

{comparison("effective", cases)}

A renewal ahead of time needs no change at all:

{example(renewed)}"""


def alignment() -> str:
    names = ("shorten_new", "extend_existing", "reset", "keep_day")
    product = {f"`{name}`": plan(change={"product": "pro", "alignment": name}) for name in names}
    seat = {
        f"`{name}`": case("2018-07-01", REFERENCE, {**SECOND_SEAT, "alignment": name}, catalog=SEAT) for name in names
    }
    yearly = {f"`{name}`": plan(change={"product": "pro", "interval": "1year", "alignment": name}) for name in names}
    return f"""## Where the dates end up: `alignment`

Goes with `effective: now`.

- `shorten_new` (default): all ends with the current period; the new part is charged for the rest.
- `extend_existing`: the new part gets a full interval from today; what is there is extended to that end, at its own price
  (lines of kind `extension`). For a change of product it is the same as `reset`.
- `reset`: the rest of everything is credited, a full new period is charged from today; today's day of the month is the new
  billing day.
- `keep_day`: for another interval. The new interval is counted from the start of the current period; the rest of the one that
  contains today is charged.

A second seat:

{comparison("alignment", seat)}

Another plan at the same interval:

{comparison("alignment", product)}

Another plan at another interval:

{comparison("alignment", yearly)}"""


def intervals() -> str:
    year = held("basic", "2026-01-01", "2027-01-01", "1year", ((1, "100.00"),))
    to_month = case("2026-07-01", year, {"product": "basic", "interval": "1month", "alignment": "reset"},
                    catalog=PLANS, policy={"negative": "credit"})  # fmt: skip
    weeks = case(
        "2026-04-09", held("basic", "2026-04-06", "2026-04-13", "1week", ((1, "7.00"),)),
        {"product": "basic", "interval": "30day", "unit_price": "30.00", "alignment": "reset"},
    )  # fmt: skip
    return f"""## Changes of the interval

Month to year, year to month, weeks and days: the new price is always a share of its own interval. From a month to a year is in
the table above; from a year to a month, what was paid for the rest of the year is credited:

{example(to_month)}

From a week to fixed terms of 30 days:

{example(weeks)}"""


def dates() -> str:
    rows = "\n".join(
        f"| {anchor} | {interval} | {', '.join(day.isoformat() for day in _dates(anchor, interval))} |"
        for anchor, interval in (
            ("2023-01-31", "1month"), ("2024-01-30", "1month"), ("2024-02-29", "1year"), ("2023-11-30", "3month"),
            ("2023-12-28", "2week"),
        )
    )  # fmt: skip
    local = month(period={"start": "2026-04-01", "end": "2026-05-01"})
    zones = {
        f"`{zone}`": case("2026-04-10T22:30:00Z", local, TO_PRO, catalog=PLANS, policy={"basis": "day"}, timezone=zone)
        for zone in ("America/New_York", "UTC", "Europe/Paris")
    }
    return f"""## Billing dates and days

Billing dates are counted from the stored anchor, never from the previous date, so that the end of a short month is not kept.
`liftlink schedule --anchor 2023-01-31 --interval 1month --count 5` prints the first row:

| anchor | interval | dates |
|---|---|---|
{rows}

Days are the merchant's local days: the same instant may be another day elsewhere. A local day counts as one day, also when the
clocks change and it has 23 or 25 hours.

{comparison("time zone", zones)}"""


def _dates(anchor: str, interval: str):
    from datetime import date

    return schedule(date.fromisoformat(anchor), Interval.parse(interval), 5)
