"""What a module says in the log, whatever was configured before in this process."""

from __future__ import annotations

from collections.abc import MutableMapping
from types import ModuleType
from typing import Any

import pytest
import structlog

Lines = list[MutableMapping[str, Any]]


def said_by(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> Lines:
    """Everything that these modules log from now on, of every level; the list grows as they do."""
    capture = structlog.testing.LogCapture()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(), processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    for module in modules:
        monkeypatch.setattr(module, "_log", logger)
    return capture.entries
