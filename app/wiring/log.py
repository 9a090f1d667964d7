"""The log: one line an event on the standard error. Neither a token nor a value of a variable ever gets into it (I28)."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from gunicorn.glogging import Logger as GunicornLogger

from app.config import Settings
from app.kit.redaction import without_secrets

OURS = ("liftlink", "app")
"""The loggers that are ours: by hand, and by module name."""
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_TOKEN = re.compile(r"\b[0-9A-Za-z]{1,8}\.[\w-]{4,}\.[\w-]{20,}", re.ASCII)
"""``kid.payload.signature``, cut short or whole: whoever reads a log must not be able to open what it names."""


def without_tokens(line: str) -> str:
    """The line with every link and page token taken out, and every secret of a gateway."""
    return _TOKEN.sub("(token)", without_secrets(line))


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_tokens(super().format(record))


class _StandardError(logging.StreamHandler[Any]):
    """To the standard error as it is at the moment of the line, also after somebody put another one in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def configure_log(settings: Settings) -> None:
    """Our own loggers from ``LIFTLINK_LOG_LEVEL`` on; other libraries' warnings stay where Python puts them."""
    level = _LEVELS[settings.log_level]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        # The level is asked at each line: a logger that spoke before keeps what it was configured with then.
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=True,
    )
    handler = _StandardError()
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(settings)],
        )
    )
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


class ServerLogger(GunicornLogger):
    """The server's own warnings, which quote request lines and paths as they came: tokens are taken out of them too."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(_Redacting(self.error_fmt, self.datefmt))


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_tokens(super().format(record))


def _renderers(settings: Settings) -> list[Any]:
    # Plain tracebacks: the pretty ones print every local variable, which may be a card's token or a customer's address.
    if settings.log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
