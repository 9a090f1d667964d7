"""What must be told: recorded in the transaction that made it true, delivered later, at least once."""

from app.outbox.delivering import MailRow, deliver_due
from app.outbox.recording import outbox_id, record, record_once

__all__ = ["MailRow", "deliver_due", "outbox_id", "record", "record_once"]
