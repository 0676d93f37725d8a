"""One event a line, as the site's other processes write them, without what they write them with: that takes twice this process's memory."""

import json
import logging
import sys
from datetime import UTC, datetime

LEVELS = ("debug", "info", "warning", "error")


class Line(logging.Formatter):
    """JSON where a machine reads it, plain words on a terminal."""

    def __init__(self, *, plain: bool) -> None:
        super().__init__()
        self._plain = plain

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if self._plain:
            return f"{when} [{record.levelname.lower():7}] {record.getMessage()}" + (f"\n{trace}" if trace else "")
        event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name, "timestamp": when}
        return json.dumps({**event, **({"exception": trace} if trace else {})}, ensure_ascii=False)


def configure(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line(plain=sys.stderr.isatty()))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
