"""How a test or a fault harness makes the sandbox misbehave on purpose, also from another process."""

from __future__ import annotations

from app.gateways.sandbox import payments
from app.gateways.sandbox.cards import Fault
from app.gateways.sandbox.host import Host
from app.gateways.sandbox.keys import expire_keys


class SandboxControls:
    """Commands to the gateway's side. No code of the application uses them."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def fail_next(self, verb: str, fault: Fault, *, times: int = 1, order: str | None = None) -> None:
        """The next ``times`` calls of ``verb`` (for that order, or any) end with this fault."""
        with self._host.ledger.write() as c:
            c.execute(
                "INSERT INTO faults (verb, fault, times, order_mark) VALUES (?,?,?,?)", (verb, fault, times, order)
            )

    def expire_keys(self) -> None:
        """Every idempotency key is forgotten now."""
        with self._host.ledger.write() as c:
            expire_keys(c)

    def land_due(self) -> None:
        """Late calls act and pending payments end, as far as their time has come."""
        self._host.land_due()

    def open_dispute(self, payment: str) -> str:
        """The cardholder contests this captured payment; the dispute's reference."""
        host = self._host
        with host.ledger.write() as c:
            row = c.execute("SELECT * FROM payments WHERE id = ?", (payment,)).fetchone()
            return payments.open_dispute(c, host.around, row, host.clock.now())

    def close_dispute(self, ref: str, *, won: bool) -> None:
        """The bank decides the dispute."""
        host = self._host
        with host.ledger.write() as c:
            payments.close_dispute(c, host.around, ref, won=won, now=host.clock.now())
