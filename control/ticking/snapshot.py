"""From what was told last to a Snapshot that the rules decide on. Pure.

Whoever looks counts ages itself: `Looks` keeps what was seen when, by a clock that is never set. A number of FRESH that is found at
the start is nobody's news (rule 1); afterwards a telegram is taken to be as old as the look before it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from control.rules.facts import FOREVER, Device, Grid, Override, Signal, Snapshot

Frame = Mapping[str, Any]

FRESH_S = 30.0  # rule 2
QUARTER_S = 900
FLOOR_W = 2500
# Of two readings around the begin of a quarter: further apart they say too little of what the counter was there.
NEAR_S = 60.0
# Why the balance of the house tells no battery though there is one.
UNREAD = ("battery_silent", "battery_unread")
# Between the meter's clock and ours: differences below this are the telegram's way here.
SAME_S = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """What counts of the house's row."""

    zone: str = "Europe/Brussels"
    connection: str = "1x230"
    fuse_a: int | None = None
    own_peak_w: int | None = None
    battery_unread: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in Valkey: live frames by source, and control.keys.FRESH, STALE, HELD."""

    frames: Mapping[str, Frame] = field(default_factory=dict)
    fresh: Mapping[str, str] = field(default_factory=dict)
    stale: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Looks:
    """What was seen when (mono), by meter and by output; survives in JSON. `meters`: [number, when, trusted]; `switched`: [HELD's
    since, when]; `told`: [a mark of HELD, when]; `quarter`: [start, counter then or None, time and counter of the last look];
    `shift_s`: the meter's clock less ours."""

    mono: float | None = None
    meters: dict[str, list[Any]] = field(default_factory=dict)
    switched: dict[str, list[float]] = field(default_factory=dict)
    told: dict[str, list[float]] = field(default_factory=dict)
    quarter: list[Any] = field(default_factory=list)
    shift_s: float = 0.0

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def of_json(cls, text: str) -> Looks:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Sight:
    """What a snapshot is made of. `outputs`, `analog`: Load.id or input's id -> name. `peak_w`: the month's, where the meter tells none;
    `base_wh`: the import counters at the begin of a quarter (epoch), for one that began before anybody looked."""

    place: Place
    meters: tuple[str, ...]
    outputs: Mapping[int, str]
    analog: Mapping[int, str] = field(default_factory=dict)
    overrides: Mapping[int, Override] = field(default_factory=dict)
    peak_w: Callable[[], int | None] = lambda: None
    base_wh: Callable[[int], int | None] = lambda _start: None


def of(sight: Sight, told: Told, now: float, mono: float, looks: Looks) -> Snapshot:
    """`now`: epoch s of this machine, `mono`: of its steady clock. `looks` is brought up to date."""
    grid = _grid(sight, told, now, mono, looks)
    at = _at(sight, told, now, looks)
    balance = told.frames.get("house/balance", {})
    holds = balance.get("until", 0.0) >= now
    snapshot = Snapshot(
        at=at,
        mono=mono,
        grid=_with_quarter(grid, sight, told, at, looks),
        zone=sight.place.zone,
        solar_w=balance.get("solar_w") if holds else None,
        battery_w=balance.get("battery_w") if holds else None,
        battery_unread=sight.place.battery_unread or (holds and balance.get("unknown") in UNREAD),
        devices={load: _device(name, told, now, mono, looks) for load, name in sight.outputs.items() if name in told.held},
        signals={
            pk: Signal(float(frame["value"]), max(0.0, now - frame["received"]))
            for pk, name in sight.analog.items()
            if (frame := told.frames.get(name)) is not None and "value" in frame
        },
        overrides={load: replace(one, until=one.until + at - now) for load, one in sight.overrides.items()},
    )
    looks.mono = mono
    return snapshot


# The meter


def _grid(sight: Sight, told: Told, now: float, mono: float, looks: Looks) -> Grid:
    place = sight.place
    grid = Grid(exists=bool(sight.meters), connection=place.connection, fuse_a=place.fuse_a, limit_w=max(FLOOR_W, place.own_peak_w or 0))
    if not sight.meters:
        return replace(grid, stale="no_meter")
    ages = [_age_s(name, told.fresh.get(name), mono, looks) for name in sight.meters]
    doubts = [told.stale[name] for name in sight.meters if name in told.stale]
    stale_s = max(ages)
    fresh = stale_s <= FRESH_S and not doubts
    stale = "" if fresh else doubts[0] if doubts else "never" if stale_s == FOREVER else "silent"
    frames = [told.frames.get(name, {}) for name in sight.meters]
    grid = replace(grid, fresh=fresh, stale=stale, stale_s=stale_s, net_w=_net_w(frames))
    if len(frames) == 1:
        [frame] = frames
        phases = [phase for phase in (1, 2, 3) if f"l{phase}_w" in frame or f"l{phase}_a" in frame]
        amps = [frame.get(f"l{phase}_a") for phase in phases]
        grid = replace(grid, phase_w=tuple(frame.get(f"l{phase}_w") for phase in phases), phase_a=tuple(amps))
    return grid


def _net_w(frames: Iterable[Frame]) -> int | None:
    total = 0
    for frame in frames:
        if "import_w" not in frame and "export_w" not in frame:
            return None
        total += int(frame.get("import_w", 0)) - int(frame.get("export_w", 0))
    return total


def _age_s(meter: str, number: str | None, mono: float, looks: Looks) -> float:
    """Since the last telegram that passed rule 2; FOREVER before there was news of one."""
    seen = looks.meters.get(meter)
    if number is None:
        return FOREVER if seen is None or not seen[2] else mono - seen[1]
    if seen is None:
        looks.meters[meter] = [number, mono, False]
        return FOREVER
    if number != seen[0]:
        looks.meters[meter] = seen = [number, mono if looks.mono is None else looks.mono, True]
    return mono - seen[1] if seen[2] else FOREVER


def _at(sight: Sight, told: Told, now: float, looks: Looks) -> float:
    """By the clock of the meter, whose quarters they are."""
    frame = told.frames.get(sight.meters[0]) if len(sight.meters) == 1 else None
    if frame is not None and 0 <= now - frame["received"] <= FRESH_S:
        shift_s = float(frame["time"] - frame["received"])
        if abs(shift_s - looks.shift_s) > SAME_S:
            looks.shift_s = shift_s
    return now + looks.shift_s


def _with_quarter(grid: Grid, sight: Sight, told: Told, at: float, looks: Looks) -> Grid:
    frames = [told.frames.get(name, {}) for name in sight.meters]
    if not frames:
        return grid
    peaks = [frame["month_peak_w"] for frame in frames if "month_peak_w" in frame]
    peak_w = max(peaks) if len(peaks) == len(frames) else sight.peak_w()
    grid = replace(grid, month_peak_w=peak_w, limit_w=max(grid.limit_w, peak_w or 0))
    tells = all("quarter_w" in frame for frame in frames)
    own_w = _own_quarter_w(frames, None if tells else sight, at, looks)
    if not tells:
        return replace(grid, quarter_w=own_w, quarter_own=True)
    start = at - at % QUARTER_S
    # Where the quarter has just begun, the last telegram is of the one before.
    return replace(grid, quarter_w=sum(frame["quarter_w"] if frame["time"] >= start else 0 for frame in frames))


def _own_quarter_w(frames: list[Frame], sight: Sight | None, at: float, looks: Looks) -> int | None:
    """The energy of the running quarter by the counters, / 900 s; None while nobody knows where they stood at its begin, for which
    `sight` is asked."""
    registers = [[frame[name] for name in ("import_t1_wh", "import_t2_wh") if name in frame] for frame in frames]
    if not all(registers):
        return None
    wh, time = sum(map(sum, registers)), min(float(frame["time"]) for frame in frames)
    start = int(time - time % QUARTER_S)
    if not looks.quarter or looks.quarter[0] != start:
        looks.quarter = [start, _base_wh(start, time, wh, looks), time, wh]
    looks.quarter[2:] = [time, wh]
    if looks.quarter[1] is None and sight is not None:
        looks.quarter[1] = sight.base_wh(start)
    base = looks.quarter[1]
    if base is None:
        return None
    return 0 if start != int(at - at % QUARTER_S) else max(0, round((wh - base) * 3600 / QUARTER_S))


def _base_wh(start: int, time: float, wh: int, looks: Looks) -> float | None:
    if time == start:
        return wh
    if looks.quarter and 0 < time - looks.quarter[2] <= NEAR_S:
        before, before_wh = looks.quarter[2], looks.quarter[3]
        return float(before_wh + (wh - before_wh) * (start - before) / (time - before))
    return None


# The outputs


def _device(name: str, told: Told, now: float, mono: float, looks: Looks) -> Device:
    held = told.held[name]
    return Device(
        level=float(held.get("level") or 0.0),
        read=held.get("read"),
        power_w=held.get("power_w"),
        reachable=bool(held.get("reachable", True)),
        locked=str(held.get("locked") or ""),
        changed_s=_changed_s(name, held.get("since"), now, mono, looks),
        paused=bool(held.get("paused")),
        switches_today=int(held.get("today") or 0),
        safety_class=str(held.get("class", "C")),
        told_s=_told_s(name, held, mono, looks),
    )


def _changed_s(name: str, since: float | None, now: float, mono: float, looks: Looks) -> float:
    """Since its last switch. A clock that is set in between changes nothing: only a switch that is new is dated by it."""
    if since is None:
        return FOREVER
    seen = looks.switched.get(name)
    if seen is None or seen[0] != since:
        age_s = max(0.0, now - since)
        if seen is not None and looks.mono is not None:
            age_s = min(age_s, mono - looks.mono)
        looks.switched[name] = seen = [since, mono - age_s]
    return mono - seen[1]


def _told_s(name: str, held: Mapping[str, Any], mono: float, looks: Looks) -> float:
    mark = zlib.crc32(json.dumps(held, sort_keys=True).encode())
    seen = looks.told.get(name)
    if seen is None or seen[0] != mark:
        looks.told[name] = seen = [mark, mono]
    return mono - seen[1]
