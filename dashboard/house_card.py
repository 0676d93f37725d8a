"""The house's balance in words and bars, for the first HTML. The page's script goes on from there (housenow.js)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from dashboard import ages, figures
from dashboard.house_bars import bars, parts_of
from dashboard.house_day import HouseDay
from dashboard.texts import say
from solar.moment import Unknown

# Sentences that know a time, and those for when there is none; `{device}` is whose fault it is.
TIMED = {Unknown.METER_SILENT: "use_meter_silent", Unknown.SOLAR_SILENT: "use_solar_silent", Unknown.BATTERY_SILENT: "use_battery_silent"}


def card(balance: Mapping[str, Any], now: datetime, zone: tzinfo) -> dict[str, Any]:
    """`balance`: as in the payload."""
    frame = balance["frame"] or {}
    coming, going = parts_of(frame)
    found = bars(frame)
    labels = {
        "solar": _("Solar"),
        "battery": _("Battery"),
        "import": _("Import"),
        "house": _("House"),
        "export": _("Injection"),
        "unknown": _("Unknown"),
    }
    return {
        "use_w": frame.get("use_w"),
        "solar_w": frame.get("solar_w"),
        "sentence": sentence(frame, now, zone),
        "sides": [
            {
                "name": name,
                "label": label,
                "segments": drawn,
                "parts": [
                    {"key": key, "label": labels[key], "field": f"{name}_{key}", "w": w}
                    for key, w in (*side.items(), ("unknown", gap or None))
                ],
            }
            for name, label, side, (drawn, gap) in (("in", _("In"), coming, found[0]), ("out", _("Out"), going, found[1]))
        ],
        "frame": json.dumps(frame, separators=(",", ":")),
        **totals(balance["day"]),
    }


def totals(day: HouseDay) -> dict[str, Any]:
    """What was used and made on the day, as the page lists it; nothing of what is not known."""
    found = []
    if day.use_wh is not None:
        found.append(_item("house", "use", _("Used"), day.use_wh, say_share("self_sufficient", day.self_sufficiency)))
    if day.solar_wh is not None:
        found.append(_item("solar", "solar", _("Solar"), day.solar_wh, say_share("used_here", day.self_consumption)))
    known = ages.length(day.known_s) if day.known_s is not None and day.use_wh is not None else ""
    script = {"bases": day.bases, "parts": day.parts} if day.bases else {}
    return {
        "totals": found,
        "known": _("Use is known for %(time)s of the day") % {"time": known} if known else "",
        "script": json.dumps(script, separators=(",", ":")),
    }


def _item(key: str, name: str, label: str, value: int, share: str) -> dict[str, Any]:
    return {"key": key, "name": name, "label": label, "value": value, "share": share}


def say_share(name: str, share: float | None) -> str:
    """Whole percents; "" where there is no share."""
    return "" if share is None else say(name, share=f"{percent(share)} %")


def percent(share: float) -> int:
    """Rounded as the page's script does, half up."""
    return int(100 * share + 0.5)


def sentence(frame: Mapping[str, Any], now: datetime, zone: tzinfo) -> str:
    """Why the use is not known, or that the sun is down; "" where there is nothing to say."""
    code = frame.get("unknown")
    if code is None:
        if not frame.get("asleep"):
            return "" if frame else say("use_waiting")
        return say("solar_asleep_until", time=_clock(frame["dawn"], now, zone)) if "dawn" in frame else say("solar_asleep")
    device = frame.get("of", "")
    if code in TIMED:
        if "since" in frame:
            return say(TIMED[code], time=_clock(frame["since"], now, zone), device=device)
        return say(f"{TIMED[code]}_never", device=device)
    return say(f"use_{code}", device=device)


def _clock(epoch: float, now: datetime, zone: tzinfo) -> str:
    """With its date where that is not within a day of now."""
    near = abs(epoch - now.timestamp()) < ages.DAY_S
    return figures.local_time(epoch, zone, "%H:%M" if near else "%d.%m. %H:%M")
