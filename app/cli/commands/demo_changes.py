"""The demo's stories for each kind of change that the engine prices; the reference case comes first."""

from __future__ import annotations

from app.billing.facts import Change, Interval
from app.cli.commands.demo_story import Story, seat
from app.links.claims import Discount, WrittenOffer

YEAR = Interval("year", 1)

CHANGES: tuple[Story, ...] = (
    Story(
        "reference", "A second seat at an offer price",
        "The reference case: half a year of a seat at 10.00 a year. Three cards on file, one expiring, one expired.",
        "brightwell", seat(unit_price=1000),
    ),
    Story(
        "extended-seat", "A second seat, both for a year from today",
        "The new seat gets a full year; the old one is extended by six months, so that both end together and July 1 "
        "becomes the billing date.",
        "wrenfield", WrittenOffer(1, "crm-seat", 2, alignment="extend_existing"),
    ),
    Story(
        "upgrade", "CRM Standard to CRM Pro",
        "A change of plan: the unused half of what was paid is credited against half a year of the new plan.",
        "harlow", WrittenOffer(1, "crm-pro", 1),
    ),
    Story(
        "fixed-price", "CRM Solo to CRM Standard for 9.00",
        "This path has one price, whatever is left of the year: nothing is prorated or credited, and CRM Standard renews "
        "at its list price.",
        "finchley", WrittenOffer(1, "crm-seat", 1),
    ),
    Story(
        "difference", "CRM Pro to CRM Suite for the difference",
        "This path charges the new yearly price less the old one for each of the two seats, in full although half the year "
        "is gone; nothing is credited.",
        "granby", WrittenOffer(1, "crm-suite", 2),
    ),
    Story(
        "monthly-to-yearly", "CRM Standard by the month to CRM Pro by the year",
        "Two seats begin a year today: what is left of the month is credited, the year is charged in full.",
        "ashgrove", (Change(1, "crm-pro", 2, interval=YEAR, alignment="reset"),),
    ),
    Story(
        "keep-day", "The same plan by the year, billing day kept",
        "The year is counted from the start of the running month, so the next billing date is a year after it.",
        "ashgrove-lab", (Change(1, interval=YEAR, alignment="keep_day"),),
    ),
    Story(
        "support", "24-hour support added",
        "An option for the whole subscription, priced for the rest of the year; it renews with the two seats.",
        "tidewater", WrittenOffer(1, "crm-seat", 2, ("support24",)),
    ),
    Story(
        "guests", "From five guest users to twelve",
        "An option with a scale: only the seven that are added are charged, at 6.00 a year each.",
        "foxhollow", (Change(1, options=("guests=12",)),),
    ),
    Story(
        "signatures", "From 10 to 60 e-signatures a month, and single sign-on",
        "Two features: a quota bought in steps of ten and a switch. Both are prorated and renew.",
        "larkspur", (Change(1, features=(("signatures", 60), ("sso", 1))),),
    ),
    Story(
        "texts", "300 text messages",
        "Usage is bought once at its full price, whatever is left of the year. It never renews.",
        "marlow", (Change(1, features=(("texts", 300),)),),
    ),
    Story(
        "three-seats", "Three more seats with 20 % off once",
        "From two seats to five. The discount counts today only, the renewal is at the full price.",
        "northgate", seat(5, Discount("percent", 2000)),
    ),
    Story(
        "three-periods", "A second seat, half price for three periods",
        "Today's charge is the first of the three, so two renewals are discounted after it; the page says so.",
        "sandhurst", seat(2, Discount("percent", 5000, "periods", 3)),
    ),
    Story(
        "choose", "Seats, the shopper chooses how many",
        "A saved offer of 2 to 10 seats at 30.00 a year each: type a number, press Update price, and buy that many.",
        "stonebridge", seat(3, unit_price=3000), choose=(2, 10),
    ),
    Story(
        "several-items", "A fourth seat and a second phone line",
        "Two items in one quote and one charge. They end on different days, so each part is priced for its own rest.",
        "thornbury", (Change(1, quantity=4), Change(2, quantity=2)),
    ),
    Story(
        "new-item", "The phone dialer beside the CRM",
        "A new item joins the date of the seats: half a year today, then both renew together.",
        "whitby", (Change(None, "dialer", 2),),
    ),
    Story(
        "downgrade-later", "CRM Pro to CRM Standard at the renewal",
        "Nothing is due today: the change is scheduled for January 1 and can be taken back until then.",
        "hawthorn", WrittenOffer(1, "crm-seat", 2, effective="next_billing"),
    ),
    Story(
        "downgrade-now", "CRM Pro to CRM Standard today",
        "The credit is larger than the charge. This path's policy puts the difference on the customer's balance.",
        "kingsley", WrittenOffer(1, "crm-seat", 1),
    ),
    Story(
        "early-renewal", "A renewal one month early, with a third seat",
        "A full year of three seats is charged today. The month that is left is carried over, one to one: next billing on "
        "August 1 of next year.",
        "pemberton", WrittenOffer(1, "crm-seat", 3, effective="early_renewal"),
    ),
    Story(
        "balance", "A second seat, part of it from the balance",
        "20.00 for half a year, less 12.00 that stand to the customer's credit.",
        "calloway", seat(),
    ),
    Story(
        "minimum", "A third seat three days before the renewal",
        "Three days of a seat come to 0.33. That is below the merchant's minimum charge of 1.00, so it is let off; the "
        "renewal has three seats.",
        "hollis", seat(3),
    ),
    Story(
        "tax", "A second seat with sales tax",
        "A Canadian customer: 5 % GST on the sum of the lines, told as a line of its own.",
        "northlake", seat(),
    ),
    Story(
        "trial", "From the trial to CRM Pro",
        "The path ends the trial: a full year is charged today, and nothing is credited because nothing was paid.",
        "bramley", WrittenOffer(1, "crm-pro", 2),
    ),
    Story(
        "euros", "CRM Pro in euros, VAT included",
        "A French merchant and customer: the page speaks French, prices hold 20 % VAT. Add ?lang=en to read it in English.",
        "atelier-lumiere", WrittenOffer(1, "crm-pro", 2), merchant="quillmark-eu",
    ),
)  # fmt: skip
