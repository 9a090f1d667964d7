"""What stands behind the sandbox's own two pages: the card page and the bank page. Reading changes nothing."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.gateways.sandbox import payments, wallet
from app.gateways.sandbox.cards import CARDS, Effect, TestCard, card_of_number
from app.gateways.sandbox.host import Host
from app.gateways.sandbox.ledger import Row

_SILENT = Effect.CHALLENGE_SILENT


@dataclass(frozen=True, slots=True)
class CardPage:
    """``status``: ``open`` · ``complete`` · ``expired``."""

    ref: str
    status: str
    description: str
    return_url: str


@dataclass(frozen=True, slots=True)
class CheckPage:
    """One question of the bank's; ``answers`` is False for the bank that never answers. ``amount`` in minor units."""

    ref: str
    waiting: bool
    answers: bool
    merchant: str
    amount: int
    currency: str
    brand: str
    last4: str
    return_url: str


class SandboxPages:
    """What the door ``bank`` is handed. References are unguessable; ``form_token`` ties a form to the page it came from."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._secret = host.ledger.secret("form")

    def now(self) -> datetime:
        return self._host.clock.now()

    def form_token(self, ref: str) -> str:
        return hmac.digest(self._secret, ref.encode(), "sha256").hex()[:32]

    def test_cards(self) -> Sequence[TestCard]:
        """Every number that the card page takes, with what it shows."""
        return tuple(CARDS.values())

    def test_card(self, number: str) -> TestCard | None:
        return card_of_number(number)

    def card_page(self, ref: str) -> CardPage | None:
        row = self._setup(ref)
        if row is None:
            return None
        status = "complete" if row["card"] else "expired" if wallet.setup_expired(row, self.now()) else "open"
        return CardPage(ref, status, row["description"], row["return_url"])

    def add_card(self, ref: str, number: str, exp_month: int, exp_year: int) -> None:
        """Keeps the test card for the setup's customer, once: a second press changes nothing."""
        card = card_of_number(number)
        if card is None:
            raise ValueError("not a test number")
        token = self._host.around.new_ref("card_sandbox_")
        secret = self._host.ledger.secret("fingerprint")
        with self._host.ledger.write() as c:
            row: Row | None = c.execute("SELECT * FROM setups WHERE ref = ?", (ref,)).fetchone()
            if row is None or row["card"] or wallet.setup_expired(row, self.now()):
                return
            owner = (row["account"], bool(row["livemode"]), row["customer"])
            fingerprint = wallet.fingerprint_of(secret, card)
            wallet.keep_card(c, owner, token, card, (exp_month, exp_year), fingerprint, self.now())
            c.execute("UPDATE setups SET card = ? WHERE ref = ?", (token, ref))

    def check_page(self, ref: str) -> CheckPage | None:
        with self._host.ledger.read() as c:
            row: Row | None = c.execute("SELECT * FROM payments WHERE challenge = ?", (ref,)).fetchone()
        if row is None:
            return None
        card = CARDS[row["behaviour"]]
        return CheckPage(
            ref=ref,
            waiting=row["status"] == "requires_action",
            answers=card.effect is not _SILENT,
            merchant=row["description"],
            amount=row["amount"],
            currency=row["currency"],
            brand=card.brand,
            last4=card.last4,
            return_url=row["return_url"],
        )

    def answer_check(self, ref: str, *, approve: bool) -> None:
        """Approves or refuses, once; an answer after the payment went on changes nothing."""
        with self._host.ledger.write() as c:
            row: Row | None = c.execute("SELECT * FROM payments WHERE challenge = ?", (ref,)).fetchone()
            if row is not None:
                payments.answer_challenge(c, self._host.around, row, approve=approve, now=self.now())

    def _setup(self, ref: str) -> Row | None:
        with self._host.ledger.read() as c:
            return c.execute("SELECT * FROM setups WHERE ref = ?", (ref,)).fetchone()
