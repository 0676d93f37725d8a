"""Hours of the day. One that passes midnight belongs to the day on which it starts. Pure."""

from __future__ import annotations

from control.rules import localtime
from control.rules.facts import Said, Window
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight

WEEK = 7


def sense(rule: Window, sight: Sight) -> None:
    """The clock is all it looks at."""


def think(rule: Window, sight: Sight, house: Memory) -> Wish:
    at, zone = sight.snapshot.at, sight.snapshot.zone
    today = localtime.day_number(at, zone)
    for day in (today - 1, today):
        start, end = _bounds(rule, day, zone)
        if localtime.weekday(day) in rule.days and start <= at < end:
            return Wish(1.0, Said("window_open", {"until_at": round(end)}), end)
    for day in range(today, today + WEEK + 1):
        start, end = _bounds(rule, day, zone)
        if localtime.weekday(day) in rule.days and start > at and end > start:
            return Wish(0.0, Said("window_closed", {"from_at": round(start)}), start)
    return Wish(0.0, Said("window_never"))


def _bounds(rule: Window, day: int, zone: str) -> tuple[float, float]:
    """Epochs of the window that starts on this day; from and until alike is a whole day."""
    later = rule.end_min <= rule.start_min
    return localtime.epoch(day, rule.start_min, zone), localtime.epoch(day + later, rule.end_min, zone)
