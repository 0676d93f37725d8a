"""What the rules remember from one step to the next. Pure.

Times of monotonic clocks are of one process and of one run: `restarted` keeps what is true after a start as well (epochs, energies) and
forgets the rest, so that a start is a start (rule 8: off, then wait).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

from control.rules.facts import Said

HOURS = 24


@dataclass(frozen=True, slots=True)
class Wish:
    """What a strategy, or a person's mode, wants. `must`: the departure needs it now, from the grid if need be. `next_at`: epoch when a
    wait that is told ends. `raise_to_w`: how high a quarter's import may become for it, where the peak may be raised for a departure."""

    level: float
    said: Said
    next_at: float | None = None
    must: bool = False
    raise_to_w: int = 0


@dataclass
class LoadMemory:
    """Of one load. Names that end in `_mono` are of the running clock, `_at` are epochs; None: not so."""

    # Its last thinking.
    slot: int = -1
    mode: str = ""
    strategy: str = ""
    wish: Wish | None = None
    # What it was told last, and since when: all there is of a load in dry-run.
    level: float = 0.0
    changed_mono: float | None = None
    day: int = 0
    day_switches: int = 0
    # Strategies.
    credit_wh: float = 0.0
    debt_wh: float = 0.0
    sun_day: int = 0
    sun_running: bool = False
    day_start_count: int = 0
    day_delivered_wh: float = 0.0
    day_borrowed_wh: float = 0.0
    phase_mono: float | None = None
    samples: tuple[tuple[float, int, float], ...] = ()
    sum_ws: float = 0.0
    sum_s: float = 0.0
    beyond_mono: float | None = None
    signal_on: bool = False
    plan_by_at: float = 0.0
    plan_look_at: float = 0.0
    plan_start_at: float = 0.0
    plan_fits_wh: float = 0.0
    plan_raise_w: int = 0
    delivered_wh: float = 0.0
    # The guard.
    shed_quarter: int = -1
    fuse_mono: float | None = None
    # Did it switch?
    before_w: int | None = None
    seen_level: float = 0.0
    seen_mono: float | None = None
    proven: bool = True
    low_mono: float | None = None
    drew: bool = False
    idle_at: float | None = None
    retry_mono: float | None = None
    stuck_mono: float | None = None
    over_mono: float | None = None
    locked: str = ""
    locked_release: int = 0
    lost_mono: float | None = None
    full_at: float = 0.0


# What is still true in another process.
LASTING = (
    "day",
    "day_switches",
    "plan_by_at",
    "delivered_wh",
    "shed_quarter",
    "locked",
    "locked_release",
    "full_at",
    "sun_day",
    "day_start_count",
    "day_delivered_wh",
    "day_borrowed_wh",
)


@dataclass
class Memory:
    """Of the house. `base_w`: what it takes from the grid without our loads, learned for each hour of the local day; -1: not yet."""

    started_mono: float = 0.0
    mono: float | None = None
    loads: dict[int, LoadMemory] = field(default_factory=dict)
    base_w: tuple[float, ...] = (-1.0,) * HOURS
    hour: int = -1
    hour_ws: float = 0.0
    hour_s: float = 0.0
    quarter: int = -1
    quarter_ws: float = 0.0
    look_mono: float | None = None
    ahead_mono: float | None = None
    peak_told: int = -1
    fuse_mono: float | None = None
    fuse_seen: int = 0

    @classmethod
    def fresh(cls, mono: float) -> Memory:
        """Just started: everything is off and waits (rule 8)."""
        return cls(started_mono=mono)

    def restarted(self, mono: float) -> Memory:
        """The same house after a start: what lasts is kept, and everything waits again."""
        loads = {load: LoadMemory(**{name: getattr(kept, name) for name in LASTING}) for load, kept in self.loads.items()}
        return Memory(started_mono=mono, loads=loads, base_w=self.base_w)

    def copy(self) -> Memory:
        """Its own records; what they hold is never changed in place."""
        twin = object.__new__(Memory)
        twin.__dict__.update(self.__dict__)
        twin.loads = {}
        for load, kept in self.loads.items():
            other = twin.loads[load] = object.__new__(LoadMemory)
            other.__dict__.update(kept.__dict__)
        return twin

    def to_json(self) -> str:
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        plain["loads"] = {str(load): _plain(kept) for load, kept in self.loads.items()}
        return json.dumps(plain, separators=(",", ":"))

    @classmethod
    def of_json(cls, text: str) -> Memory:
        """Raises ValueError for what is none; names of another version are left out."""
        try:
            told: dict[str, Any] = json.loads(text)
            loads = {int(load): _load(kept) for load, kept in told.pop("loads").items()}
            base_w = tuple(float(value) for value in told.pop("base_w"))
            if len(base_w) != HOURS:
                raise ValueError("base_w")
            names = {one.name for one in fields(cls)}
            return cls(loads=loads, base_w=base_w, **{name: value for name, value in told.items() if name in names})
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"no memory: {error!r}") from error


def _plain(kept: LoadMemory) -> dict[str, Any]:
    told = dict(kept.__dict__)
    wish = kept.wish
    if wish is not None:
        told["wish"] = [wish.level, wish.said.code, dict(wish.said.params), wish.next_at, wish.must, wish.raise_to_w]
    return told


def _load(told: dict[str, Any]) -> LoadMemory:
    names = {one.name for one in fields(LoadMemory)}
    known = {name: value for name, value in told.items() if name in names}
    if known.get("wish"):
        level, code, params, next_at, must, raise_to_w = known["wish"]
        known["wish"] = Wish(level, Said(code, params), next_at, must, raise_to_w)
    known["samples"] = tuple((mono, w, s) for mono, w, s in known.get("samples", ()))
    return LoadMemory(**known)
