"""One fault in one house, from a seed: everything on, something breaks, and how long each output stayed on without ground."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.faults.breaking import FAULTS, OFF, SAFE_S, Broken
from tests.faults.site import FAMILIES, Site

# Watched for so long after the bound, so that what comes on again by itself is seen.
MORE_S = 60.0
AFTERWARDS_S = 200.0


@dataclass(frozen=True, slots=True)
class Found:
    """Of one output. `seconds`: the longest time on without ground, or until somebody was told; `within_s`: its bound."""

    fault: str
    seed: int
    output: str
    wants: str
    seconds: float
    within_s: float

    @property
    def safe(self) -> bool:
        return self.seconds <= self.within_s

    def __str__(self) -> str:
        return f"{self.fault}, seed {self.seed}, class {self.output}: {self.wants} after {self.seconds:g} s, at most {self.within_s:g}"


@dataclass(frozen=True, slots=True)
class Episode:
    """`presses`: of people who do not exist; a fault must not look like one."""

    fault: str
    seed: int
    found: tuple[Found, ...]
    presses: int


def run(fault: str, seed: int) -> Episode:
    """Raises AssertionError where the house does not even come on."""
    luck = random.Random(f"{fault} {seed}")
    site = Site(luck, hanging=10 if fault.startswith("ten hang") else 0)
    if fault == "meter frozen (no clock)":
        site.meter.has_clock = False
        site.meter.base_w = 200 - sum(site.load_w.values())  # so little that counters that stand still could be true
    if fault.startswith("counters"):
        site.meter.base_w = luck.choice((-1, 1)) * 3000 - sum(site.load_w.values())  # above what a counter's resolution hides
    site.all_on()
    site.run(luck.uniform(150, 260) if fault.startswith("counters") else luck.uniform(5, 40))
    if not all(site.plugs[name].level for name in FAMILIES):
        raise AssertionError(f"{fault}, seed {seed}: it went off before anything broke")
    broken = FAULTS[fault](site)
    return Episode(fault, seed, tuple(_watched(site, broken, fault, seed)), site.worker.presses)


def _watched(site: Site, broken: Broken, fault: str, seed: int) -> list[Found]:
    began, mended = site.time.mono, False
    owed = set(broken.classes) if broken.once else set()
    worst, running = dict.fromkeys(broken.classes, 0.0), dict.fromkeys(broken.classes, 0.0)
    last_s = broken.within_s + MORE_S + (min(broken.lasts_s, AFTERWARDS_S) if broken.lasts_s < AFTERWARDS_S else 0.0)
    while site.time.mono - began < last_s:
        broken.each_second()
        site.second()
        broken.each_second()
        if not mended and site.time.mono - began >= broken.lasts_s:
            broken.mend()
            mended = True
        for name in broken.classes:
            on = site.plugs[name].level > 0
            if not on:
                owed.discard(name)
            running[name] = running[name] + 1.0 if on and (name in owed or not mended) else 0.0
            worst[name] = max(worst[name], running[name])
    if broken.wants == OFF:
        return [Found(fault, seed, name, OFF, worst[name], broken.within_s) for name in broken.classes]
    told = {name: site.worker.told.get(name, float("inf")) - began for name in broken.classes}
    return [Found(fault, seed, name, broken.wants, told[name], broken.within_s) for name in broken.classes]


def several(number: int, first: int = 0) -> list[Episode]:
    """So many, of all faults by turns."""
    names = list(FAULTS)
    return [run(names[index % len(names)], index // len(names)) for index in range(first, first + number)]


__all__ = ["SAFE_S", "Episode", "Found", "run", "several"]
