"""Products of different intervals that renew on one day: each is told with its own amount and interval."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from app.billing.facts import Change, Interval, Span
from app.cart import scheduled_pages
from app.cart.changing import change_rows
from app.cart.consent_boxes import agreements
from app.cart.pen import Pen
from app.cart.present import cart_page
from app.cart.summary import Summary
from app.cart.views import CartFacts, summary_of
from tests.doors.gallery import facts, held
from tests.doors.gallery_changes import team
from tests.unit.web.test_later_renewals import TONGUES, said, scene

SEAT = Change(1, quantity=2, unit_price=1000)


def cart(*changes: Change, until: datetime | None = None) -> CartFacts:
    """A seat at 40.00 a year and an add-on at 10.00 a month, which both renew on January 1, 2027."""
    subscription = held()
    first = subscription.items[0]
    end = until or first.period.end
    second = replace(
        first, running_number=2, product="crm-pro", interval=Interval("month", 1), entitlements=None,
        period=Span(datetime(2026, 6, end.day, 7, tzinfo=UTC) if until else datetime(2026, 12, 1, 8, tzinfo=UTC), end),
        lots=tuple(replace(lot, code="crm-pro", unit_price=1000) for lot in first.lots),
    )  # fmt: skip
    return facts(changes or (SEAT,), subscription=replace(subscription, items=(first, second)))


def test_the_lead_tells_each_amount_with_its_own_interval():
    lead = said(cart_page(scene("en"), cart()).lead)
    assert "From January 1, 2027 both seats renew together at $50.00 a year." in lead
    assert "In addition, $10.00 a month is due from January 1, 2027." in lead


def test_so_does_what_is_agreed_to():
    (box,) = agreements(scene("en"), cart())
    assert (
        "$50.00 every year from January 1, 2027, and $10.00 every month from January 1, 2027 plus any tax" in box.text
    )


def test_the_ledger_of_each_interval_names_its_product():
    page = cart_page(scene("en"), cart())
    yearly, monthly = page.ledgers[1:]
    assert said(yearly.caption) == "Every year from January 1, 2027"
    assert [row.label for row in yearly.rows] == ["First seat", "Second seat", "Renewal total"]
    assert said(monthly.caption) == "Every month from January 1, 2027"
    assert [row.label for row in monthly.rows] == ["CRM Pro", "Renewal total"]


def test_the_table_sets_what_is_paid_every_year_apart_from_what_is_paid_every_month():
    facts_now = cart()
    rows = change_rows(Pen(TONGUES["en"], "USD", "America/Los_Angeles"), summary_of(facts_now))
    prices = [(said(row.now), said(row.after)) for row in rows if row.label == "At the renewal on Jan 1, 2027"]
    assert prices == [("$40.00 a year", "$50.00 a year"), ("$10.00 a month", "$10.00 a month")]


def test_a_monthly_product_that_changes_is_told_first():
    lead = said(cart_page(scene("en"), cart(Change(2, quantity=2, unit_price=900))).lead)
    assert "renew together at $19.00 a month. In addition, $40.00 a year is due from January 1, 2027." in lead


def test_a_scheduled_change_is_told_with_its_own_renewal():
    """The add-on renews first, on July 15; what changes is the seat, on January 1."""
    change = replace(SEAT, effective="next_billing")
    lead = said(cart_page(scene("en"), cart(change, until=datetime(2026, 7, 15, 7, tzinfo=UTC))).lead)
    assert lead.endswith(
        "Until January 1, 2027 everything stays as it is. The change is made on that day, and your subscription then "
        "renews at $50.00 a year. In addition, $10.00 a month is due from July 15, 2026."
    )


def test_a_change_that_was_undone_leaves_each_interval_as_it_was():
    made = summary_of(cart(replace(SEAT, effective="next_billing")))
    pen = Pen(TONGUES["en"], "USD", "America/Los_Angeles")
    as_before = scheduled_pages._renewal_as_before(pen, made)  # pyright: ignore[reportPrivateUsage]
    assert said(as_before) == "January 1, 2027, $40.00 a year, $10.00 a month"


def test_a_summary_is_read_back_as_it_was_kept():
    made = summary_of(cart())
    assert Summary.from_json(made.to_json()) == made


def test_a_seat_that_renews_is_not_called_paid_once():
    """The subscription has features, of which none is new."""
    subscription = team()
    lead = said(cart_page(scene("en"), facts(SEAT, subscription=subscription)).lead)
    assert lead.startswith("Pay $5.00 today for the rest of this billing year.")


def test_an_empty_rest_is_not_on_the_page():
    made = facts(SEAT)
    empty = made.quote.lines[0]._replace(amount=0, fraction=(0, 1))
    page = cart_page(scene("en"), replace(made, quote=made.quote._replace(lines=(*made.quote.lines, empty))))
    assert [row.label for row in page.ledgers[0].rows] == ["Second seat", "Sales tax", "Due today"]
