"""Which meters read_meters reads: from the database, or from the last valid copy of it in DATA_DIR."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import redis
import structlog
from django.db import Error, connection

from energysite import live
from energysite.models import House
from meters.models import Meter

log = structlog.get_logger(__name__)

READ_EVERY_S = 30.0
RETRY_S = 5.0


@dataclass(frozen=True)
class MeterConfig:
    """What a reader needs of a Meter."""

    name: str
    connection: str
    baud: int = 0
    dialect: str = "auto"
    take: str = "all"
    slot_s: int = 10
    clock: str = "auto"
    share_port: int | None = None
    enabled: bool = True
    period_s: int = 1
    language: str = "en"  # what is said of the meter is said in the house's language


COLUMNS = tuple(field.name for field in fields(MeterConfig) if field.name != "language")


def from_database() -> list[MeterConfig]:
    """Raises django.db.Error."""
    language = (House.objects.filter(pk=1).first() or House()).language
    return [MeterConfig(**row, language=language) for row in Meter.objects.order_by("name").values(*COLUMNS)]


def as_replay(config: MeterConfig, file: Path) -> MeterConfig:
    """The meter as if `file` were its port: the file's times are trusted."""
    return replace(config, connection=f"replay:{file.name}", share_port=None)


def load(path: Path) -> list[MeterConfig]:
    """The copy; none when there is no file, or one that cannot be used (which is logged)."""
    try:
        return [
            MeterConfig(**{name: entry[name] for name in COLUMNS}, language=entry.get("language", "en"))
            for entry in json.loads(path.read_text())["meters"]
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.error("the copy of the configuration cannot be used", file=str(path), error=str(error))
        return []


def save(path: Path, configs: list[MeterConfig]) -> None:
    _write(path, {"meters": [asdict(config) for config in configs]})


def load_offsets(path: Path) -> dict[str, int]:
    """Learned clock offsets by meter, in seconds."""
    try:
        return {str(name): int(offset) for name, offset in json.loads(path.read_text()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        log.error("the learned clock offsets cannot be used", file=str(path), error=str(error))
        return {}


def save_offsets(path: Path, offsets: dict[str, int]) -> None:
    _write(path, offsets)


def _write(path: Path, content: dict[str, Any]) -> None:
    """A full disk is logged: the copy of before stays."""
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(json.dumps(content, indent=1))
        fresh.replace(path)
    except OSError as error:
        log.error("a file cannot be written", file=str(path), error=str(error))


class Watcher(threading.Thread):
    """Reads the meters at start, when a change is announced and every 30 s; `changed` is called with each new set."""

    def __init__(self, path: Path, changed: Callable[[list[MeterConfig]], None]) -> None:
        super().__init__(name="configuration", daemon=True)
        self._path = path
        self._changed = changed
        self._current: list[MeterConfig] | None = None
        self._away = False
        self._pubsub: redis.client.PubSub | None = None
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        self._stop_asked.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            self._listen(time.monotonic() + (READ_EVERY_S if self._read() else RETRY_S))

    def _read(self) -> bool:
        try:
            configs = from_database()
        except Error as error:
            if not self._away:
                log.warning("the database is away: the last valid configuration is used", error=str(error).strip())
            self._away = True
            if self._current is None:
                self._use(load(self._path))
            return False
        finally:
            connection.close()
        self._away = False
        if configs != self._current:
            self._use(configs)
            save(self._path, configs)
        return True

    def _use(self, configs: list[MeterConfig]) -> None:
        self._current = configs
        self._changed(configs)

    def _listen(self, until: float) -> None:
        """Until a change is announced, Redis is back after having been away, or the time is up."""
        while not self._stop_asked.is_set() and (left_s := until - time.monotonic()) > 0:
            try:
                if self._pubsub is None:
                    pubsub = live.connect().pubsub(ignore_subscribe_messages=True)
                    pubsub.subscribe(live.AGENTS_CHANGED)
                    self._pubsub = pubsub
                    return  # what was announced before nobody heard
                if self._pubsub.get_message(timeout=min(left_s, 1.0)) is not None:
                    return
            except redis.RedisError:
                self._pubsub = None
                self._stop_asked.wait(min(left_s, RETRY_S))
