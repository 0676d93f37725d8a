"""A day's totals as the page lists them. Counters stay with their registers, so that the script can count on from there."""

from datetime import tzinfo
from typing import Any

import redis
from django.utils.translation import gettext as _

from dashboard import figures
from energysite import agent_states, live
from meters.facts import DAY_FIRST

TARIFFS = ("t1", "t2")
VOLUME_UNITS = {"gas": ("m3", "m³"), "water": ("whole", "l")}


def register_words(meter: str) -> tuple[str, str]:
    """What registers 1 and 2 count: by the dialect that the meter was heard to speak, else just their numbers."""
    try:
        dialect = agent_states.read(live.client(), meter).get("dialect", "")
    except redis.RedisError:
        dialect = ""
    if not dialect:
        return _("register 1"), _("register 2")
    return (_("day"), _("night")) if dialect in DAY_FIRST else (_("night"), _("day"))


def up_to_frame(meter: dict[str, Any], start: int, end: int) -> dict[str, int]:
    """The day's totals counted up to the live frame, which is some seconds ahead of the stored readings they were made from."""
    frame, bases, totals = meter["frame"] or {}, meter["bases"], meter["totals"]
    if not start <= frame.get("time", 0) < end:
        return totals
    counted = {**totals, **{name: frame[name] - base for name, base in bases.items() if name in frame}}
    for key in ("import", "export"):
        registers = [name for name in (f"{key}_t1_wh", f"{key}_t2_wh") if name in totals]
        if f"{key}_wh" in totals and all(name in bases and name in frame for name in registers):
            counted[f"{key}_wh"] = sum(counted[name] for name in registers)
    return counted


def electricity_totals(meter: dict[str, Any], words: tuple[str, str]) -> list[dict[str, Any]]:
    """Imported and injected, each with its two registers. `words` name the registers."""
    found = []
    for key, label in (("import", _("Imported")), ("export", _("Injected"))):
        registers = [f"{key}_{tariff}_wh" for tariff in TARIFFS if f"{key}_{tariff}_wh" in meter["totals"]]
        if f"{key}_wh" not in meter["totals"]:
            continue
        parts = []
        if len(registers) == len(TARIFFS):
            parts = [
                {"label": word, "value": meter["totals"][name], **_counting(meter, [name])}
                for word, name in zip(words, registers, strict=True)
            ]
        found.append({"key": key, "label": label, "value": meter["totals"][f"{key}_wh"], "parts": parts, **_counting(meter, registers)})
    return found


def _counting(meter: dict[str, Any], registers: list[str]) -> dict[str, str]:
    """For the script: registers and where they stood when the day began; nothing where that is not known."""
    bases = meter["bases"]
    if not registers or any(name not in bases for name in registers):
        return {}
    return {"fields": " ".join(registers), "bases": " ".join(str(bases[name]) for name in registers)}


def volume_totals(meter: dict[str, Any], zone: tzinfo) -> list[dict[str, Any]]:
    """Gas and water, where the meter has them."""
    frame = meter["frame"] or {}
    found = []
    for medium, label in (("gas", _("Gas")), ("water", _("Water"))):
        field = f"{medium}_l"
        if field not in meter["totals"] and field not in frame:
            continue
        form, unit = VOLUME_UNITS[medium]
        value = meter["totals"].get(field)
        text = figures.ABSENT if value is None else figures.thousandths(value, 3) if form == "m3" else str(value)
        found.append(
            {
                "medium": medium,
                "label": label,
                "value": value,
                "text": text,
                "format": form,
                "unit": unit,
                "base": meter["bases"].get(field),
                "at_epoch": frame.get(f"{medium}_time"),
                "at": figures.local_time(frame[f"{medium}_time"], zone) if f"{medium}_time" in frame else meter[f"{medium}_at"],
            }
        )
    return found
