"""A picture of a back-test as SVG: up to three days as curves, with a strip for each rule of when it was on; longer ones as bars. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from zoneinfo import ZoneInfo

from control.backtest.history import STEP_S, History
from control.backtest.score import Score
from control.backtest.trial import OURS, Result

WIDTH, LEFT, RIGHT = 960, 90, 16
CURVES_H, STRIP_H, GAP = 260, 20, 8
LONGEST_DAY_MIN = 3 * 1440
# Readable on white and on black alike (3:1 on both for areas, 4.5:1 for text through currentColor).
SUN, HOUSE, OURS_FILL, OTHERS_FILL = "#b77900", "#5b7fb5", "#2e8b57", "#8a8f98"
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:currentColor}svg{color:#222;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#eee;background:#16181c}}"
)


def svg(history: History, results: Sequence[Result], title: str) -> str:
    body = _curves(history, results) if history.minutes <= LONGEST_DAY_MIN else _bars([result.score for result in results])
    height, parts = body
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">'
        f'<style>{STYLE}</style><text x="{LEFT}" y="18" font-weight="600">{escape(title)}</text>{_legend()}'
    )
    return "\n".join([head, *parts, "</svg>", ""])


def _legend() -> str:
    """What the two colours are, at the right of the title."""
    parts = []
    for place, colour, said in ((230, SUN, "sun"), (160, HOUSE, "house and grid")):
        x = WIDTH - RIGHT - place
        parts.append(f'<rect x="{x}" y="7" width="14" height="12" fill="{colour}"/><text x="{x + 20}" y="18">{said}</text>')
    return "".join(parts)


def _curves(history: History, results: Sequence[Result]) -> tuple[int, list[str]]:
    top, span = 32, WIDTH - LEFT - RIGHT
    most = max([1000.0, *(w for w in history.solar_w if w is not None), *(w for w in history.house_w if w is not None)])

    def x(minute: float) -> float:
        return LEFT + span * minute / history.minutes

    def y(watts: float) -> float:
        return top + CURVES_H * (1 - watts / most)

    parts = [_axis(history, x, top + CURVES_H)]
    for watts in range(0, int(most) + 1, 1000):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(watts):.1f}" y2="{y(watts):.1f}" stroke="currentColor" opacity=".15"/>'
            f'<text x="{LEFT - 8}" y="{y(watts) + 4:.1f}" text-anchor="end">{watts / 1000:g} kW</text>'
        )
    for name, colour, values in (("sun", SUN, history.solar_w), ("house", HOUSE, history.house_w)):
        points = " ".join(f"{x(i + 0.5):.1f},{y(max(0.0, watts)):.1f}" for i, watts in enumerate(values) if watts is not None)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"><title>{name}</title></polyline>')
    at = top + CURVES_H + 30
    for result in results:
        if result.course is None:
            continue
        one = result.score
        parts.append(f'<text x="{LEFT - 8}" y="{at + 15}" text-anchor="end">{escape(one.name)}</text>')
        fill = OURS_FILL if one.name == OURS else OTHERS_FILL
        for first, until in _runs(result.course.level):
            parts.append(f'<rect x="{x(first):.1f}" y="{at}" width="{x(until) - x(first):.1f}" height="{STRIP_H}" fill="{fill}"/>')
        at += STRIP_H
        said = f"{one.switches} switches, {one.kwh:.1f} kWh, {one.grid_kwh:.2f} kWh from the grid"
        parts.append(f'<text x="{LEFT}" y="{at + 14}">{said}</text>')
        at += 18 + GAP
    return at + 6, parts


def _runs(levels: Sequence[float]) -> list[tuple[int, int]]:
    """[first, until) of each stretch that was on."""
    found, since = [], -1
    for i, level in enumerate(levels):
        if level > 0 and since < 0:
            since = i
        elif level <= 0 and since >= 0:
            found.append((since, i))
            since = -1
    if since >= 0:
        found.append((since, len(levels)))
    return found


def _axis(history: History, x: Callable[[float], float], bottom: float) -> str:
    zone, parts = ZoneInfo(history.zone), []
    every = 120 if history.minutes <= 1500 else 360
    for minute in range(0, history.minutes, every):
        local = datetime.fromtimestamp(history.start + minute * STEP_S, UTC).astimezone(zone)
        parts.append(f'<text x="{x(minute):.1f}" y="{bottom + 18}" text-anchor="middle">{local:%H:%M}</text>')
    return "".join(parts)


def _bars(scores: Sequence[Score]) -> tuple[int, list[str]]:
    """The load's energy of each rule, sun and grid, and the month peaks beside each other."""
    span, at = WIDTH - LEFT - RIGHT, 36
    most = max([1.0, *(one.kwh for one in scores)])
    parts = []
    for one in scores:
        solar, grid = span * one.solar_kwh / most, span * one.grid_kwh / most
        parts.append(
            f'<text x="{LEFT - 8}" y="{at + 15}" text-anchor="end">{escape(one.name)}</text>'
            f'<rect x="{LEFT}" y="{at}" width="{max(0.0, solar):.1f}" height="{STRIP_H}" fill="{SUN}"/>'
            f'<rect x="{LEFT + solar:.1f}" y="{at}" width="{max(0.0, grid):.1f}" height="{STRIP_H}" fill="{HOUSE}"/>'
            f'<text x="{LEFT}" y="{at + STRIP_H + 14}">{one.solar_kwh:.0f} kWh of sun, {one.grid_kwh:.0f} kWh from the grid,'
            f" {one.cost_eur:.0f} EUR</text>"
        )
        at += STRIP_H + 18 + GAP
    parts.append(f'<text x="{LEFT}" y="{at + 18}" font-weight="600">Month peaks (kW)</text>')
    at += 30
    highest = max([2500.0, *(watts for one in scores for watts in one.peaks_w.values())])
    for one in scores:
        parts.append(f'<text x="{LEFT - 8}" y="{at + 40}" text-anchor="end">{escape(one.name)}</text>')
        slot = span / max(1, len(one.peaks_w))
        for number, (month, watts) in enumerate(one.peaks_w.items()):
            tall = 44 * watts / highest
            place = LEFT + number * slot
            fill = OURS_FILL if one.name == OURS else OTHERS_FILL
            parts.append(
                f'<rect x="{place:.1f}" y="{at + 44 - tall:.1f}" width="{slot * 0.5:.1f}" height="{tall:.1f}" fill="{fill}">'
                f"<title>{month}</title></rect>"
                f'<text x="{place + slot * 0.55:.1f}" y="{at + 40}">{watts / 1000:.1f}</text>'
            )
        at += 56
    return at + 6, parts
