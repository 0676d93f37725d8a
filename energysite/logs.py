"""One event a line: JSON where a machine reads it, plain words on a terminal."""

import logging
import logging.config
import sys
import time
from typing import Any

import structlog

# They say at INFO what only their authors need.
QUIET = ("daphne", "asyncio", "celery.beat", "django_celery_beat", "django.channels.server", "axes")


class Once(logging.Filter):
    """The same event of the same place at most once a minute, in one line: a server that is away is said every second otherwise."""

    PAUSE_S = 60.0

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        reason = f"{record.exc_info[0].__name__}: {record.exc_info[1]}" if record.exc_info and record.exc_info[0] else ""
        key = (record.pathname, record.lineno, reason[:200])
        now = time.monotonic()
        if now - self._said.get(key, float("-inf")) < self.PAUSE_S:
            return False
        if len(self._said) > 100:
            self._said.clear()
        self._said[key] = now
        if reason:
            record.msg, record.args, record.exc_info = f"{record.getMessage()} {reason}", (), None
        return True


def configure(options: dict[str, Any]) -> None:
    """Route the standard library's and structlog's events through one renderer. options: {"level": name}."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer(colors=True) if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "event": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                }
            },
            "filters": {"once": {"()": Once}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
            "root": {"handlers": ["stderr"], "level": options["level"].upper()},
            "loggers": {
                **{name: {"level": "WARNING"} for name in QUIET},
                # It tries again each second while Valkey is away, with a traceback each time.
                "channels_redis.pubsub": {"filters": ["once"]},
            },
        }
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
