"""The inverters as they are configured, and which of their counters is which source: kept in memory, and in DATA_DIR for a process that
starts while the database is away (passwords encrypted as in the database).

Read again when an agent's settings changed anywhere (a number in Valkey grows), and every 30 seconds all the same.
"""

import functools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import connection

from energysite import live
from energysite.database import DatabaseAway, asked, give_back
from solar.models import Inverter, InverterSource

log = structlog.get_logger(__name__)

READ_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of one unit. `base_wh`, `day`: as in InverterSource."""

    unit: str
    kind: str
    source_id: int
    base_wh: int = 0
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Known:
    inverter: Inverter
    counters: tuple[Counter, ...]

    def of_kind(self, kind: str) -> dict[str, Counter]:
        return {counter.unit: counter for counter in self.counters if counter.kind == kind}


Everything = dict[int, Known]


class Fleet:
    """Of one process, for any of its threads."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._known: Everything | None = None
        self._from_disk = False
        self._until = float("-inf")
        self._generation: bytes | None = None
        self._lock = threading.Lock()

    def of(self, pk: int) -> Known | None:
        """The inverter, switched on or off; None where there is none. Raises DatabaseAway where nothing was ever read."""
        generation = _generation()
        with self._lock:
            stale = self._known is None or self._from_disk or generation != self._generation or self._clock() >= self._until
            if stale or pk not in (self._known or {}):
                self._read(generation)
            return (self._known or {}).get(pk)

    def learned(self, pk: int, counter: Counter) -> None:
        """A counter is new, or its base has changed. The database is told where it is there, and otherwise when it is back."""
        with self._lock:
            known = (self._known or {}).get(pk)
            if known is None or self._known is None:
                return
            others = tuple(one for one in known.counters if one.source_id != counter.source_id)
            self._known = {**self._known, pk: replace(known, counters=(*others, counter))}
            try:
                with asked():
                    _write_base(counter)
            except DatabaseAway:
                self._until = float("-inf")
            finally:
                give_back()
            _save(self._path, self._known)

    def _read(self, generation: bytes | None) -> None:
        try:
            with asked():
                found = _with_newer_bases(from_database(), self._known or {})
        except DatabaseAway:
            if self._known is None:
                self._known = load(self._path)
                self._from_disk = True
            if self._known is None:
                raise
            return
        finally:
            give_back()
        if self._from_disk or found != self._known or _settings(found) != _settings(self._known):
            _save(self._path, found)
        self._known, self._from_disk = found, False
        self._generation, self._until = generation, self._clock() + READ_EVERY_S


def _generation() -> bytes | None:
    """None while Valkey is away: then only the clock tells."""
    try:
        return live.client().get(live.AGENTS_GENERATION)  # type: ignore[return-value]
    except redis.RedisError:
        return None


def from_database() -> Everything:
    """In two statements. Raises django.db.Error."""
    counters: dict[int, list[Counter]] = {}
    rows = InverterSource.objects.filter(source__retired=None).order_by("pk")
    for pk, unit, kind, source_id, base_wh, day in rows.values_list("inverter_id", "unit", "source__kind", "source_id", "base_wh", "day"):
        counters.setdefault(pk, []).append(Counter(unit, kind, source_id, base_wh, day))
    return {inverter.pk: Known(inverter, tuple(counters.get(inverter.pk, ()))) for inverter in Inverter.objects.order_by("pk")}


def _with_newer_bases(found: Everything, before: Everything) -> Everything:
    """A base only grows: one that grew while the database was away is written now."""
    ours = {counter.source_id: counter for known in before.values() for counter in known.counters}
    for pk, known in found.items():
        counters = []
        for counter in known.counters:
            mine = ours.get(counter.source_id)
            if mine is not None and (mine.base_wh > counter.base_wh or (mine.day is not None and counter.day is None)):
                _write_base(mine)
                counter = mine
            counters.append(counter)
        found[pk] = replace(known, counters=tuple(counters))
    return found


def _write_base(counter: Counter) -> None:
    InverterSource.objects.filter(source_id=counter.source_id).update(base_wh=counter.base_wh, day=counter.day)


def _settings(everything: Everything | None) -> list[dict[str, Any]]:
    """Django compares rows by their id alone."""
    return [{field.attname: getattr(known.inverter, field.attname) for field in _fields()} for known in (everything or {}).values()]


def _fields() -> list[Any]:
    return list(Inverter._meta.concrete_fields)


def _save(path: Path, everything: Everything) -> None:
    """A full disk is logged: the copy of before stays."""
    rows = [
        {
            "inverter": {field.attname: field.get_prep_value(getattr(known.inverter, field.attname)) for field in _fields()},
            "counters": [{**asdict(counter), "day": counter.day and counter.day.isoformat()} for counter in known.counters],
        }
        for known in everything.values()
    ]
    fresh = path.with_suffix(f".{threading.get_ident()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.touch(0o600)
        fresh.write_text(json.dumps({"inverters": rows}, indent=1))
        fresh.replace(path)
    except OSError as error:
        log.error("a file cannot be written", file=str(path), error=str(error))


def load(path: Path) -> Everything | None:
    """The copy; None where there is none, or one that cannot be used, which is logged."""
    try:
        rows = json.loads(path.read_text())["inverters"]
        return {known.inverter.pk: known for known in map(_known_of, rows)}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.error("the copy of the inverters' settings cannot be used", file=str(path), error=str(error))
        return None


def _known_of(row: dict[str, Any]) -> Known:
    values = {}
    for field in _fields():
        given = row["inverter"][field.attname]
        values[field.attname] = field.from_db_value(given, None, connection) if hasattr(field, "from_db_value") else given
    counters = tuple(
        Counter(**{**counter, "day": None if counter["day"] is None else date.fromisoformat(counter["day"])}) for counter in row["counters"]
    )
    return Known(Inverter(**values), counters)


@functools.cache
def fleet() -> Fleet:
    """The process's own."""
    return Fleet(settings.MODE_DIR / "config" / "inverters.json")
