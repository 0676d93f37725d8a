"""One reading of one meter, for Test and doctor.

A port has one reader. While read_meters holds it, the answer is what read_meters heard last; only a port nobody holds
is opened. Nothing here needs the database; Redis away raises redis.RedisError from `from_live`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis
from django.utils.translation import gettext as _

from energysite import agent_states, live
from energysite.text import excerpt, plain
from meters import detect, hints, raw
from meters.configuration import MeterConfig
from meters.facts import facts
from meters.looks import RAW_SHOWN
from meters.models import Meter
from meters.p1 import telegram as p1

READER = "read_meters"
ERROR_SHOWN = 800
# read_meters tells its state every few seconds; older than this it is gone or hangs.
READER_SILENT_S = 15.0


Device = Meter | MeterConfig


@dataclass(frozen=True)
class Check:
    """`ok`: a whole telegram was read, `age_s` ago. Otherwise `error` says in words what is wrong; with `ok`, what a person
    should know all the same (a clock that is off, damaged telegrams). `live`: heard by read_meters."""

    meter: str
    ok: bool
    live: bool
    age_s: float | None = None
    error: str = ""
    dialect: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    raw: str = ""

    def words(self) -> str:
        """The figures in one line."""
        return ", ".join(str(fact) for fact in facts(self.values, self.dialect))


def reader_runs(client: redis.Redis, now: float) -> bool:
    """Whether read_meters lives. Raises redis.RedisError."""
    beats = [live.heartbeats(client).get(READER, 0.0), live.process_states(client).get(READER, {}).get("at", 0.0)]
    return now - max(beats) < READER_SILENT_S


def from_live(meter: Device, client: redis.Redis, now: float) -> Check | None:
    """What read_meters says of this meter, or None when the port is free to be read here."""
    frame = live.last_frames(client).get(meter.name)
    state = agent_states.read(client, meter.name)
    age_s = None if frame is None else max(0.0, now - frame["received"])
    held = reader_runs(client, now) and state.get("status") not in (None, "disabled")
    if not held and (age_s is None or age_s >= meter.period_s):
        return None
    sent = excerpt(raw.last(client, meter.name), RAW_SHOWN)
    if (state.get("status") == "live" and frame is not None) or not held:
        values = {name: value for name, value in (frame or {}).items() if name not in ("source", "time", "received")}
        concern = _said(state) if held else ""
        return Check(meter.name, ok=True, live=True, age_s=age_s, error=concern, values=values, dialect=state.get("dialect", ""), raw=sent)
    return Check(meter.name, ok=False, live=True, age_s=age_s, error=_trouble(meter, state), raw=sent)


def _said(state: dict[str, Any]) -> str:
    """Our own sentences, which may quote a device."""
    return "\n".join(plain(line, ERROR_SHOWN) for line in str(state.get("error") or "").splitlines())


def _trouble(meter: Device, state: dict[str, Any]) -> str:
    if said := _said(state):
        return said
    if state.get("status") == "silent":
        return hints.silence(meter.connection)
    return _("read_meters is opening the connection. Try again in some seconds.")


def probe(meter: Device, deadline_s: float = 25) -> Check:
    """Open the port and listen for one telegram."""
    found = detect.probe(meter.connection, baud=meter.baud, dialect=meter.dialect, deadline_s=deadline_s)
    if not found.ok or found.telegram is None:
        sent = "" if found.telegram is None else excerpt(found.telegram.raw, RAW_SHOWN)
        return Check(meter.name, ok=False, live=False, error=found.hint or "", raw=sent)
    return Check(
        meter.name,
        ok=True,
        live=False,
        age_s=0.0,
        dialect=found.dialect,
        values=p1.to_json(found.telegram),
        raw=excerpt(found.telegram.raw, RAW_SHOWN),
    )


def check(meter: Device, client: redis.Redis | None, clock: Callable[[], float] = time.time) -> Check:
    """From live, else by listening. Redis away (`client` None, or it goes meanwhile): a port that read_meters holds is in use."""
    try:
        known = from_live(meter, client, clock()) if client is not None else None
    except redis.RedisError:
        known = None
    return known or probe(meter)
