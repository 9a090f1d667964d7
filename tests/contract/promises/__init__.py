"""The contract's promises by subject; ``tests.contract.gateway_contract`` puts them together."""

import pytest

for _name in ("steps", "two_phases", "ends", "trouble", "afterwards", "notices"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")
