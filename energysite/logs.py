"""One event a line: JSON where a machine reads it, plain words on a terminal."""

import logging
import logging.config
import sys
import time
from typing import Any

import structlog

# They say at INFO what only their authors need.
QUIET = ("daphne", "asyncio", "celery", "django.channels.server", "axes")


class Once(logging.Filter):
    """The same event at most once a minute: what is away is said every second otherwise.

    `brief`: a traceback becomes its last line. So it does below ERROR: a stranger who is turned away is no fault of the page.
    """

    PAUSE_S = 60.0

    def __init__(self, *, brief: bool) -> None:
        super().__init__()
        self.brief = brief
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        words = record.getMessage() + (f" {type(error).__name__}: {error}" if error is not None else "")
        now = time.monotonic()
        if now - self._said.get(words, float("-inf")) < self.PAUSE_S:
            return False
        if len(self._said) > 100:
            self._said.clear()
        self._said[words] = now
        if self.brief or record.levelno < logging.ERROR:
            record.msg, record.args, record.exc_info = words, (), None
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
            "filters": {"once": {"()": Once, "brief": False}, "once in brief": {"()": Once, "brief": True}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
            "root": {"handlers": ["stderr"], "level": options["level"].upper()},
            "loggers": {
                **{name: {"level": "WARNING"} for name in QUIET},
                # They try again each second while Valkey or PostgreSQL is away, the first with a traceback each time.
                "channels_redis.pubsub": {"filters": ["once in brief"]},
                "psycopg.pool": {"filters": ["once in brief"]},
                "celery.beat": {"filters": ["once in brief"]},
                "django_celery_beat.schedulers": {"filters": ["once in brief"]},
                # A page that is asked for each second and fails.
                "django.request": {"filters": ["once"]},
            },
        }
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
