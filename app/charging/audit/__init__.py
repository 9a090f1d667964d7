"""Proves the whole book: every invariant that the database and the gateway's ledger can show, checked row by row."""

from app.charging.audit.findings import Broken, Finding
from app.charging.audit.running import run

__all__ = ["Broken", "Finding", "run"]
