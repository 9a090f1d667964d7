"""The contract of ``app.gateways.port``: every adapter's test inherits this class and provides the fixture ``world``."""

from __future__ import annotations

from tests.contract.promises.afterwards import CardPages, Disputes, Refunds, Rules
from tests.contract.promises.ends import BankChecks, Declines, Reading
from tests.contract.promises.notices import Notices
from tests.contract.promises.trouble import Trouble
from tests.contract.promises.two_phases import Idempotency, TwoPhases


class GatewayContract(
    TwoPhases, Idempotency, Reading, Declines, BankChecks, Trouble, Refunds, Disputes, CardPages, Notices, Rules
):
    """Inherit this, name the class ``Test…`` and give it a fixture ``world``."""
