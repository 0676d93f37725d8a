"""What the house uses at this moment, from the last frames of its meters and inverters. Pure.

Values of one moment: the balance is made when an inverter has just been read, and a meter's last frame is then a second old. A value
older than twice its source's period is not known any more, and use with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from meters import balance
from solar.production import Condition

SOURCE, KIND = "house/balance", "balance"
# A telegram a second may come late by some; nothing younger than this is old.
LEAST_S = 5.0
# An inverter that is due within a second or was due up to so many seconds ago is being read: its value is waited for.
SOON_S, PATIENT_S = 1.0, 3.0
# Values so far apart may disagree on a ramp of the sun without anything being wrong: the next ones tell.
APART_S = 2.0
# A house that ever injected this much has something that makes power, read or not.
INJECTS_WH = 1000

Frame = dict[str, Any]


class Unknown(StrEnum):
    """Why the use cannot be told; the first that holds, in this order."""

    NO_METER = "no_meter"
    METER_SILENT = "meter_silent"
    METER_UNTOLD = "meter_untold"  # a meter without power registers
    SOLAR_SILENT = "solar_silent"
    SOLAR_UNTOLD = "solar_untold"  # the inverter answers and does not say its power
    SOLAR_OFF = "solar_off"  # switched off in its settings
    BATTERY_SILENT = "battery_silent"  # one that was read before
    BATTERY_UNREAD = "battery_unread"  # the house has one that nobody reads
    SOLAR_UNREAD = "solar_unread"  # the house injects, and nothing that makes power is read
    DISAGREE = "disagree"  # more goes out than comes in


@dataclass(frozen=True, slots=True)
class Device:
    """A meter or an inverter in use. `battery`: it has told of one. `asleep`: its agent says so."""

    name: str
    period_s: float
    enabled: bool = True
    battery: bool = False
    asleep: bool = False

    def limit_s(self) -> float:
        """How old its value may be."""
        return max(LEAST_S, 2 * self.period_s)


@dataclass(frozen=True, slots=True)
class Trouble:
    code: Unknown
    name: str = ""
    since: float | None = None


@dataclass(slots=True)
class Part:
    """One quantity of the house: W (None: not known), its counter in Wh, and until when that is true (epoch)."""

    w: int | None = 0
    counters: dict[str, int] | None = None
    until: float | None = None
    oldest: float | None = None

    def hold(self, received: float, until: float) -> None:
        self.until = until if self.until is None else min(self.until, until)
        self.oldest = received if self.oldest is None else min(self.oldest, received)


def frame_of(
    meters: Iterable[Device],
    inverters: Iterable[Device],
    frames: Mapping[str, Frame],
    now: float,
    *,
    night: bool,
    unread_battery: bool,
    dawn: float | None = None,
) -> Frame | None:
    """The balance as a live frame, absent values not being known; None where an inverter is being read just now and the one that was
    told holds for so long. `now`, `dawn`: epoch s. `night`: the sun is down, so that an inverter that sleeps makes nothing.

    {"source", "kind", "time", "received", "until", "use_w", "solar_w", "import_w", "export_w", "battery_w" (positive while it gives)},
    counters of the same moment where all of a kind told them ("import_wh", "export_wh", "solar_wh", "charge_wh", "discharge_wh"), "asleep"
    and "dawn" while all inverters sleep, and for a use that is not known "unknown" (a code), "of" (whose fault), "since".
    """
    meters, inverters = list(meters), list(inverters)
    if any(_is_due(device, frames.get(device.name), now) for device in inverters):
        return None
    pace = min((device.period_s for device in inverters if device.enabled), default=0.0)
    troubles: list[Trouble] = []
    grid_in, grid_out = _grid(meters, frames, now, pace, troubles)
    solar, battery = _inverters(inverters, frames, now, night, troubles)
    if unread_battery:
        troubles.append(Trouble(Unknown.BATTERY_UNREAD))
    counters = {**(grid_in.counters or {}), **(grid_out.counters or {})}
    if not inverters and (counters.get("export_wh", 0) >= INJECTS_WH or grid_out.w):
        troubles.append(Trouble(Unknown.SOLAR_UNREAD))
    found = balance.at_moment(grid_in.w, grid_out.w, solar.w, battery.w)
    parts = (grid_in, grid_out, solar, battery)
    if not troubles and found is not None and found.use is None:
        ages = [part.oldest for part in parts if part.oldest is not None]
        if now - min(ages) > APART_S:
            return None
        troubles.append(Trouble(Unknown.DISAGREE))
    frame: Frame = {"source": SOURCE, "kind": KIND, "time": int(now), "received": round(now, 3)}
    frame["until"] = round(min((part.until for part in parts if part.until is not None), default=now), 1)
    told = {
        "use_w": found.use if found is not None and not troubles else None,
        "solar_w": solar.w if inverters else None,
        "import_w": grid_in.w,
        "export_w": grid_out.w,
        "battery_w": battery.w if any(device.battery for device in inverters) or battery.w else None,
        **counters,
        **(solar.counters or {}),
        **(battery.counters or {}),
    }
    frame |= {name: value for name, value in told.items() if value is not None}
    if inverters and all(_asleep(device, frames, now, night) for device in inverters):
        frame |= {"asleep": True} | ({} if dawn is None else {"dawn": round(dawn)})
    return frame | _words(troubles)


def _words(troubles: list[Trouble]) -> Frame:
    if not troubles:
        return {}
    worst = min(troubles, key=lambda trouble: list(Unknown).index(trouble.code))
    said: Frame = {"unknown": worst.code.value}
    if worst.name:
        said["of"] = worst.name
    if worst.since is not None:
        said["since"] = round(worst.since)
    return said


def _is_due(device: Device, frame: Frame | None, now: float) -> bool:
    """Within a moment of its next reading, which comes with a balance of its own."""
    if not device.enabled or frame is None or device.period_s < 2 * PATIENT_S:
        return False
    return device.period_s - SOON_S <= now - frame["received"] <= device.period_s + PATIENT_S


def _grid(meters: list[Device], frames: Mapping[str, Frame], now: float, pace: float, troubles: list[Trouble]) -> tuple[Part, Part]:
    """What comes in and goes out; a balance holds until the next one, so the meters' values in it as long as an inverter's."""
    grid_in, grid_out = Part(counters={}), Part(counters={})
    if not meters:
        troubles.append(Trouble(Unknown.NO_METER))
        grid_in.w = grid_out.w = None
    for meter in meters:
        frame = frames.get(meter.name)
        if frame is None or now - frame["received"] > meter.limit_s():
            troubles.append(Trouble(Unknown.METER_SILENT, meter.name, None if frame is None else frame["received"]))
            grid_in.w = grid_out.w = None
            grid_in.counters = grid_out.counters = None
            continue
        if "import_w" not in frame and "export_w" not in frame:
            troubles.append(Trouble(Unknown.METER_UNTOLD, meter.name))
            grid_in.w = grid_out.w = None
        for part, way in ((grid_in, "import"), (grid_out, "export")):
            part.w = _plus(part.w, frame.get(f"{way}_w", 0))
            registers = [frame[name] for name in (f"{way}_t1_wh", f"{way}_t2_wh") if name in frame]
            if part.counters is not None and registers:
                part.counters[f"{way}_wh"] = part.counters.get(f"{way}_wh", 0) + sum(registers)
            part.hold(frame["received"], frame["received"] + max(meter.limit_s(), 2 * pace))
    return grid_in, grid_out


def _inverters(inverters: list[Device], frames: Mapping[str, Frame], now: float, night: bool, troubles: list[Trouble]) -> tuple[Part, Part]:
    """What the sun makes, and what batteries give."""
    solar, battery = Part(counters={}), Part(counters={})
    for device in inverters:
        frame = frames.get(device.name, {})
        fresh = bool(frame) and now - frame["received"] <= device.limit_s()
        since = frame.get("received")
        if not device.enabled:
            troubles.append(Trouble(Unknown.SOLAR_OFF, device.name))
            solar.w = None
        elif _sleeps(device, frame, fresh, night):
            _count(solar, {"solar_wh": frame.get("total_wh")})
        elif not fresh:
            troubles.append(Trouble(Unknown.SOLAR_SILENT, device.name, since))
            solar.w = None
        elif "power_w" in frame:
            solar.w = _plus(solar.w, max(0, frame["power_w"]))
            _count(solar, {"solar_wh": frame.get("total_wh")})
            solar.hold(frame["received"], frame["received"] + device.limit_s())
        else:
            troubles.append(Trouble(Unknown.SOLAR_UNTOLD, device.name))
            solar.w = None
        if device.battery or "battery_w" in frame:
            _battery(battery, device, frame if fresh else {}, since, troubles)
    return solar, battery


def _asleep(device: Device, frames: Mapping[str, Frame], now: float, night: bool) -> bool:
    frame = frames.get(device.name, {})
    fresh = bool(frame) and now - frame["received"] <= device.limit_s()
    return device.enabled and _sleeps(device, frame, fresh, night)


def _sleeps(device: Device, frame: Frame, fresh: bool, night: bool) -> bool:
    """It says so itself, or its logger went to sleep with the sun."""
    condition = frame.get("condition")
    if condition == Condition.ASLEEP or device.asleep:
        return fresh or night
    return condition == Condition.STANDBY and "power_w" not in frame and fresh and night


def _battery(battery: Part, device: Device, frame: Frame, since: float | None, troubles: list[Trouble]) -> None:
    if "battery_w" not in frame:
        troubles.append(Trouble(Unknown.BATTERY_SILENT, device.name, since))
        battery.w = None
        return
    battery.w = _plus(battery.w, frame["battery_w"])
    _count(battery, {name: frame.get(name) for name in ("charge_wh", "discharge_wh")})
    battery.hold(frame["received"], frame["received"] + device.limit_s())


def _count(part: Part, counters: Mapping[str, int | None]) -> None:
    """A sum that lacks a part is none."""
    if part.counters is None or any(value is None for value in counters.values()):
        part.counters = None
        return
    for name, value in counters.items():
        part.counters[name] = part.counters.get(name, 0) + (value or 0)


def _plus(sum_w: int | None, w: int) -> int | None:
    return None if sum_w is None else sum_w + w
