"""The sandbox's card page and bank page. Wiring: ``app.register_blueprint(bank_blueprint(sandbox.pages, environment))``."""

from __future__ import annotations

from app.bank.hosted import HostedPages
from app.bank.views import bank_blueprint

__all__ = ["HostedPages", "bank_blueprint"]
