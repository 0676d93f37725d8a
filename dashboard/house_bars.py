"""Where the power comes from and where it goes, as two bars of the same length. Pure; the page's script does the same (balance.js)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# A difference that is no more than this part of the whole is the devices' inaccuracy.
AGREES = 0.1


@dataclass(frozen=True, slots=True)
class Segment:
    """Of a bar, in percent of its length; `key`: its colour."""

    key: str
    x: float
    width: float


def parts_of(frame: Mapping[str, Any]) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """What comes in and what goes out, W, from a balance as a live frame; None is what is not known. No battery, no part of it."""
    battery = frame.get("battery_w")
    coming: dict[str, int | None] = {"solar": frame.get("solar_w")}
    going: dict[str, int | None] = {"house": frame.get("use_w")}
    if battery is not None:
        coming["battery"], going["battery"] = max(0, battery), max(0, -battery)
    coming["import"], going["export"] = frame.get("import_w"), frame.get("export_w")
    return coming, going


def bars(frame: Mapping[str, Any]) -> tuple[tuple[list[Segment], int], tuple[list[Segment], int]]:
    """Of what comes and of what goes: segments, and the W of the last, "unknown", which the shorter side ends in where the two differ by
    more than a tenth."""
    sides = parts_of(frame)
    sums = [sum(w or 0 for w in side.values()) for side in sides]
    whole = max(sums)
    return _side(sides[0], sums[0], whole), _side(sides[1], sums[1], whole)


def _side(side: Mapping[str, int | None], known: int, whole: int) -> tuple[list[Segment], int]:
    gap = whole - known
    gap = gap if gap > AGREES * whole else 0
    found, x = [], 0.0
    for key, w in (*side.items(), ("unknown", gap)):
        width = 100 * (w or 0) / whole if whole else 0.0
        found.append(Segment(key, round(x, 3), round(width, 3)))
        x += width
    return found, gap
