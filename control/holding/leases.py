"""What the commander leased, and how old its ground is: counted from when it was first seen here, on a clock that is never set. Pure.

Rule 1: a lease ends at min(its seconds, the last fresh telegram + 35 s). What is found at a start, or after standing still, is only
remembered: it may be as old as the world. Rule 12: a lease with a lower fence than the highest seen is refused.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from control.keys import FRESH_LEASE_S, LEASE_S

EXPIRED, STALE = "expired", "stale"
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Lease:
    """`blind`: it needs no telegram. `person`: a person asked for it, so that it does not wait after a start."""

    fence: int
    seq: int
    level: float
    seconds: float
    blind: bool = False
    person: bool = False

    @property
    def number(self) -> tuple[int, int]:
        return self.fence, self.seq


@dataclass(frozen=True, slots=True)
class Kept:
    """`seen`: monotonic."""

    lease: Lease
    seen: float


def lease_of(text: bytes | str) -> Lease:
    """Raises ValueError for what is no lease. `seconds` are never more than 30."""
    try:
        given: dict[str, Any] = json.loads(text)
        level, seconds = float(given["level"]), float(given["seconds"])
        lease = Lease(
            int(given["fence"]),
            int(given["seq"]),
            level,
            min(seconds, LEASE_S),
            blind=given.get("blind") is True,
            person=given.get("person") is True,
        )
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"no lease: {error!r}") from error
    if not 0 <= level <= 1 or not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(f"a lease of level {level} for {seconds} s")
    return lease


class Leases:
    """Of all outputs. `look` at what there is; `kept` is the newest lease of an output that was seen coming."""

    def __init__(self) -> None:
        self._raw: dict[str, bytes] = {}
        self._last: dict[str, tuple[int, int]] = {}
        self._kept: dict[str, Kept] = {}
        self._fence = -1

    def look(self, found: Mapping[str, bytes], now: float, *, trusted: bool) -> list[str]:
        """What was refused, in words for the log. `trusted` False: at a start, or after a gap, numbers are remembered and no more."""
        refused: list[str] = []
        fresh: list[tuple[str, Lease]] = []
        for name, raw in found.items():
            if self._raw.get(name) == raw:
                continue
            self._raw[name] = raw
            try:
                fresh.append((name, lease_of(raw)))
            except ValueError as error:
                refused.append(f"{name}: {error}")
        for name, lease in sorted(fresh, key=lambda item: item[1].number):
            if lease.fence < self._fence:
                refused.append(f"{name}: fence {lease.fence} after {self._fence}, from another commander")
            elif lease.number > self._last.get(name, (-1, -1)):
                self._fence = lease.fence
                self._last[name] = lease.number
                if trusted:
                    self._kept[name] = Kept(lease, now)
        return refused

    def kept(self, name: str) -> Kept | None:
        return self._kept.get(name)

    def forget(self, name: str) -> None:
        """The output is another device now: what was leased for the old one does not count."""
        self._kept.pop(name, None)


class Freshness:
    """Per meter: when a new number was first seen. Any other number than the last one is new."""

    def __init__(self) -> None:
        self._raw: dict[str, bytes] = {}
        self._seen: dict[str, float] = {}

    def look(self, found: Mapping[str, bytes], now: float, *, trusted: bool) -> None:
        for name, raw in found.items():
            if self._raw.get(name) != raw:
                self._raw[name] = raw
                if trusted:
                    self._seen[name] = now

    def since(self, meters: Iterable[str]) -> float:
        """When the last fresh telegram was seen, of the meter that is worst off; -inf: never, or there is no meter."""
        return min((self._seen.get(name, NEVER) for name in meters), default=NEVER)


def ends(kept: Kept, fresh_since: float) -> tuple[float, str]:
    """When the lease ends (monotonic) and which rule ends it: `expired` or `stale`."""
    own = kept.seen + kept.lease.seconds
    fresh = fresh_since + FRESH_LEASE_S
    return (own, EXPIRED) if kept.lease.blind or own <= fresh else (fresh, STALE)
