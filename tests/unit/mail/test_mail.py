"""Mails say what happened in the reader's language, with a plain part, under one Message-ID."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from app.billing.facts import Interval
from app.billing.result import Line
from app.billing.wording import label
from app.kit import fence
from app.kit.clock import StoppedClock
from app.mail import Composer, FileMailer, MailError, Sender
from app.mail.composing import KINDS
from app.web.i18n import tongue_of

TEMPLATES = Path(__file__).parents[3] / "templates" / "mail"
SENDER = Sender(
    name="Quillmark CRM", legal_name="Quillmark Software Inc.", legal_address="1 Main Street\nPortland", help_email="help@quillmark.example",
    help_phone=None, account_url="https://app.quillmark.example/account", statement_name="QUILLMARK",
    timezone="America/Los_Angeles", prefix="QM", is_test=False,
)  # fmt: skip
RECEIPT = {
    "to": "dana@brightwell.example", "language": "en", "order": "o1", "number": "UP-1234-5678", "subscription": 1048,
    "outcome": "paid", "paid_at": "2026-07-01T21:14:00+00:00", "timezone": "America/Los_Angeles", "currency": "USD",
    "total": 500, "tax": 0, "tax_inclusive": False,
    "lines": [
        {"kind": "charge", "amount": 500, "currency": "USD", "item": 1, "lot": 2, "name": "CRM seat", "quantity": 1,
         "unit_price": 1000, "interval": "1year", "start": "2026-07-01", "end": "2027-01-01", "basis": "month", "fraction": [6, 12], "unit": "month"},
    ],
    "renewal": {"date": "2027-01-01", "amount": 5000, "tax": 0}, "card": {"brand": "visa", "last4": "4242"},
    "consent": {"text": "I agree to pay $5.00 now.", "version": "en-1", "at": "2026-07-01T21:14:00+00:00"},
}  # fmt: skip
NOT_CHARGED = {
    "to": "dana@brightwell.example", "language": "en", "order": "o1", "number": "UP-1", "subscription": 1048,
    "currency": "USD", "total": 500, "why": "declined",
}  # fmt: skip
FRESH_LINK = {
    "to": "dana@brightwell.example", "language": "en", "url": "https://pay.example/u/abc", "subscription": "QM-1048", "short_code": "LK-1", "expires_at": "2026-07-08T00:00:00+00:00",
}  # fmt: skip
REFUNDED = {
    "to": "dana@brightwell.example", "language": "en", "order": "o1", "number": "UP-1", "subscription": 1048, "currency": "USD",
    "amount": 200, "total": 500, "card": {"brand": "visa", "last4": "4242"}, "refunded_at": "2026-07-02T21:14:00+00:00",
    "timezone": "America/Los_Angeles",
}  # fmt: skip
STEP_UP = {
    "to": "dana@brightwell.example", "language": "en", "subscription": "QM-1048", "seed": "m.1", "expires_at": "2026-07-01T21:24:00+00:00",
    "not_after": "2026-07-01T21:24:00+00:00",
}  # fmt: skip
BODIES = {
    "receipt": RECEIPT,
    "not_charged": NOT_CHARGED,
    "fresh_link": FRESH_LINK,
    "refunded": REFUNDED,
    "step_up": STEP_UP,
}


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer(TEMPLATES, tongue_of, {"m.1": "042517"}.__getitem__)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_in_every_language_with_both_parts(composer: Composer, kind: str, language: str):
    mail = composer.compose("id", kind, {**BODIES[kind], "language": language}, SENDER)
    assert mail.subject
    assert "\n" not in mail.subject
    assert SENDER.help_email in mail.text
    assert f'<html lang="{language}">' in mail.html
    assert mail.language == language


@pytest.mark.parametrize(
    ("language", "told"), [("en", "your bank gave it back"), ("fr", "votre banque vous l’a rendu")]
)
def test_nobody_whose_bank_gave_the_money_back_reads_that_nothing_was_charged(
    composer: Composer, language: str, told: str
):
    mail = composer.compose("id", "not_charged", NOT_CHARGED | {"why": "disputed", "language": language}, SENDER)
    for part in (mail.subject, mail.text, mail.html):
        assert "Nothing was charged" not in part
        assert "Rien n’a été" not in part
    assert told in mail.text
    assert told in mail.html


def test_a_receipt_names_the_sum_the_renewal_the_consent_and_where_to_cancel(composer: Composer):
    mail = composer.compose("id", "receipt", RECEIPT, SENDER)
    for words in (
        "We charged $5.00 to your card ending 4242.", "1 × CRM seat, 6 of 12 months: $5.00",
        "Jul 1 to Dec 31, 2026: 6 of 12 months at $10.00 a year", "January 1, 2027", "$50.00", "July 1, 2026, 2:14\u00a0pm\u00a0PDT",
        "I agree to pay $5.00 now.", SENDER.account_url, "QUILLMARK", "UP-1234-5678", "QM-1048",
    ):  # fmt: skip
        assert words in mail.text, words


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_seller_who_has_told_nothing_yet_has_no_empty_places(composer: Composer, kind: str, language: str):
    bare = replace(SENDER, legal_name="", legal_address="", help_email="", account_url="", statement_name="")
    mail = composer.compose("id", kind, {**BODIES[kind], "language": language}, bare)
    for empty in ('href=""', 'href="mailto:"', "<br></p>"):
        assert empty not in mail.html
    for words in ("Questions?", "Des questions", "go to your account", "ouvrez votre compte"):
        assert words not in mail.text + mail.html
    assert "\n\n\n" not in mail.text


def test_the_seller_stands_below_a_mail_with_address_and_help(composer: Composer):
    html = composer.compose("id", "receipt", RECEIPT, replace(SENDER, help_phone="+1 503 <b>")).html
    assert 'Quillmark Software Inc.<br>1 Main Street, Portland<br><a href="mailto:help@quillmark.example"' in html
    assert "</a>, +1 503 &lt;b&gt;</p>" in html


def test_a_french_receipt_speaks_french_throughout(composer: Composer):
    mail = composer.compose("id", "receipt", {**RECEIPT, "language": "fr"}, SENDER)
    assert "1 × CRM seat, 6 mois sur 12 : 5,00\u00a0$US" in mail.text
    assert "Du 1er juil. au 31 déc. 2026\u00a0: 6 mois sur 12 à 10,00\u00a0$US par an" in mail.text
    assert "1er janvier 2027" in mail.text
    assert "Date 1er juillet 2026, 14:14\u00a0UTC−7" in mail.text


def test_a_locale_is_written_its_own_way(composer: Composer):
    mail = composer.compose("id", "receipt", {**RECEIPT, "language": "fr-CA"}, SENDER)
    assert "5,00\u00a0$\u00a0US" in mail.text


def test_a_purchase_without_charge_says_that_nothing_was_charged(composer: Composer):
    mail = composer.compose(
        "id", "receipt", {**RECEIPT, "outcome": "nocharge", "total": 0, "card": {}, "lines": []}, SENDER
    )
    assert "Nothing was charged" in mail.text
    assert "We charged" not in mail.text + mail.html


def test_a_test_book_says_so_first(composer: Composer):
    mail = composer.compose("id", "receipt", RECEIPT, replace(SENDER, is_test=True))
    assert mail.text.startswith("TEST: no money moved.")
    assert "Test: no money moved." in mail.html


def test_what_a_merchant_typed_is_text_and_never_mark_up(composer: Composer):
    mail = composer.compose("id", "receipt", RECEIPT, replace(SENDER, legal_name="<script>alert(1)</script>"))
    assert "<script>" not in mail.html


def test_a_missing_value_is_an_error_and_never_an_empty_place(composer: Composer):
    with pytest.raises(MailError) as refused:
        composer.compose("id", "fresh_link", {"to": "a@b.example", "language": "en", "subscription": "QM-1"}, SENDER)
    assert refused.value.code == "mail_malformed"


def test_an_unknown_kind_is_refused_by_name(composer: Composer):
    with pytest.raises(MailError):
        composer.compose("id", "../receipt", RECEIPT, SENDER)


def test_french_counts_the_part_and_not_the_whole():
    line = Line(
        "charge", 5, "USD", name="x", quantity=1, unit_price=1, interval=Interval("month", 1), basis="day",
        fraction=(1, 31), unit="day",
    )  # fmt: skip
    assert label(line, tongue_of("fr").words) == "1 × x, 1 jour sur 31"
    assert label(line._replace(fraction=(2, 31)), tongue_of("fr").words) == "1 × x, 2 jours sur 31"


@pytest.mark.parametrize("language", ["en", "fr", "ar", "de"])
def test_a_mail_is_spoken_in_a_language_that_has_templates(language: str):
    assert (TEMPLATES / tongue_of(language).language / "receipt.txt").exists()


def test_a_language_without_words_is_written_in_english():
    assert tongue_of("de-AT").language == "en"


def file_mailer(folder: Path) -> FileMailer:
    return FileMailer(folder, StoppedClock(datetime(2026, 7, 1, 21, 14, tzinfo=UTC)))


def test_a_mail_is_a_file_that_a_mail_program_reads(composer: Composer, tmp_path: Path):
    mailer = file_mailer(tmp_path / "outbox")
    mail = composer.compose("receipt:o1:2", "receipt", {**RECEIPT, "language": "fr"}, SENDER)
    mailer.send(mail)
    message = message_from_bytes(mailer.path_of(mail).read_bytes(), policy=default)
    assert message["To"] == "dana@brightwell.example"
    assert message["Subject"] == mail.subject
    assert message["Reply-To"] == SENDER.help_email
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == mail.text.strip()


def test_the_same_mail_sent_twice_is_one_file_with_one_message_id(composer: Composer, tmp_path: Path):
    mailer = file_mailer(tmp_path)
    mail = composer.compose("receipt:o1:2", "receipt", RECEIPT, SENDER)
    mailer.send(mail)
    first = message_from_bytes(mailer.path_of(mail).read_bytes())["Message-ID"]
    mailer.send(mail)
    assert [path.name for path in tmp_path.iterdir()] == ["receipt-o1-2.eml"]
    assert message_from_bytes(mailer.path_of(mail).read_bytes())["Message-ID"] == first


def test_a_line_break_in_an_address_is_refused(composer: Composer, tmp_path: Path):
    mail = composer.compose("id", "receipt", {**RECEIPT, "to": "a@b.example\nBcc: c@d.example"}, SENDER)
    with pytest.raises(MailError) as refused:
        file_mailer(tmp_path).send(mail)
    assert refused.value.is_final


@pytest.mark.parametrize("name", ["Quillmark CRM\nBcc: c@d.example", "Quillmark\rBcc: c@d.example"])
def test_a_line_break_in_a_name_is_refused(composer: Composer, tmp_path: Path, name: str):
    mail = composer.compose("id", "receipt", RECEIPT, replace(SENDER, name=name))
    with pytest.raises(MailError) as refused:
        file_mailer(tmp_path).send(mail)
    assert refused.value.is_final
    assert list(tmp_path.iterdir()) == []


def test_every_line_is_short_enough_for_smtp_and_says_the_same(composer: Composer, tmp_path: Path):
    promise = {"text": "Je paie 5 € " * 200, "version": "fr-1", "at": "2026-07-01T21:14:00+00:00"}
    mailer = file_mailer(tmp_path)
    mail = composer.compose("id", "receipt", {**RECEIPT, "consent": promise}, replace(SENDER, name="Zoë & Søn"))
    mailer.send(mail)
    raw = mailer.path_of(mail).read_bytes()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = message_from_bytes(raw, policy=default)
    assert message["From"].addresses[0].display_name == "Zoë & Søn"
    for kind, said in (("plain", mail.text), ("html", mail.html)):
        assert message.get_body((kind,)).get_content().replace("\r\n", "\n").strip() == said.strip()


def test_an_id_cannot_leave_the_folder(composer: Composer, tmp_path: Path):
    mailer = file_mailer(tmp_path / "outbox")
    mail = composer.compose("../../etc/x", "receipt", RECEIPT, SENDER)
    mailer.send(mail)
    assert mailer.path_of(mail).parent == tmp_path / "outbox"


def test_no_mail_is_sent_inside_a_transaction(composer: Composer, tmp_path: Path):
    mail = composer.compose("id", "receipt", RECEIPT, SENDER)
    with fence.transaction(), pytest.raises(AssertionError):
        file_mailer(tmp_path).send(mail)


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        (
            "en",
            "Confirmation UP-1234-5678",
            "The change is made on January 1, 2027; until then everything stays as it is.",
        ),
        ("fr", "Confirmation UP-1234-5678", "La modification prendra effet le 1er janvier 2027"),
    ],
)
def test_a_scheduled_change_is_confirmed_with_its_day(composer: Composer, language: str, subject: str, sentence: str):
    body = {
        **RECEIPT,
        "outcome": "registered",
        "effective_on": "2027-01-01",
        "total": 0,
        "lines": [],
        "language": language,
    }
    mail = composer.compose("id", "receipt", body, SENDER)
    assert mail.subject.startswith(subject)
    assert sentence in " ".join(mail.text.split())
    assert sentence in mail.html


def test_a_price_that_is_not_prorated_is_told_by_its_rule(composer: Composer):
    line = {**RECEIPT["lines"][0], "rule": "fixed", "fraction": [1, 1]}
    mail = composer.compose("id", "receipt", {**RECEIPT, "lines": [line]}, SENDER)
    assert "One price for the change, whatever time is left" in mail.text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_code_is_made_when_it_is_mailed_and_stands_in_no_subject(composer: Composer, language: str):
    mail = composer.compose("id", "step_up", {**STEP_UP, "language": language}, SENDER)
    assert "042517" in mail.text
    assert "042517" in mail.html
    assert "042517" not in mail.subject


def test_without_the_means_to_make_a_code_no_mail_is_made():
    with pytest.raises(MailError):
        Composer(TEMPLATES, tongue_of).compose("id", "step_up", STEP_UP, SENDER)
