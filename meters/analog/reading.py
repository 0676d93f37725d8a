"""One run of an analog input's agent: the value is read, kept, shown, and how it went is told."""

import time
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone, translation

from energysite import agent_states, device_reads, house, live
from energysite.database import DatabaseAway, asked, give_back
from energysite.errors import EnergyError
from energysite.text import plain
from meters.analog import chip
from meters.device_readings import DeviceReading, keep
from meters.models import AnalogInput

ERROR_SHOWN = 800

# The settings as they were last read, for while the database is away; and how many runs failed in a row.
_known: dict[int, AnalogInput] = {}
_failures: dict[int, int] = {}


def read(pk: int, now: Callable[[], datetime] = timezone.now) -> None:
    """Nothing where the input is switched off or gone. What the chip does is told in the state; raises DatabaseAway where the
    settings were never read."""
    given = _settings(pk)
    if given is None:
        return
    with translation.override(house.current().language):
        give_back()
        try:
            with device_reads.reading(given.name, given.period_s, given.version) as deadline:
                if deadline is None:
                    return
                at, began = now(), time.monotonic()
                value = round(given.value_of(chip.raw_value(given.device, given.channel, deadline)), 3)
                response_ms = round(1000 * (time.monotonic() - began))
            keep([DeviceReading(given.source_id, "analog", at, {"value_milli": round(1000 * value)})])
        except EnergyError as error:
            _failures[pk] = _failures.get(pk, 0) + 1
            agent_states.report(given.name, status="error", error=plain(str(error), ERROR_SHOWN), failures=_failures[pk])
            return
    _failures.pop(pk, None)
    _show(given, at, value)
    good = {"last_success": at.timestamp(), "response_ms": response_ms, "value": value, "failures": 0}
    agent_states.report(given.name, status="ok", error=None, **good)


def _settings(pk: int) -> AnalogInput | None:
    try:
        with asked():
            found = AnalogInput.objects.filter(pk=pk, enabled=True).first()
    except DatabaseAway:
        if pk not in _known:
            raise
        return _known[pk]
    if found is None:
        _known.pop(pk, None)
    else:
        _known[pk] = found
    return found


def _show(given: AnalogInput, at: datetime, value: float) -> None:
    frame: live.Frame = {
        "source": given.name,
        "kind": "analog",
        "time": at.timestamp(),
        "received": at.timestamp(),
        "period_s": given.period_s,
        "value": value,
    }
    if given.unit:
        frame["unit"] = given.unit
    live.publisher().frame(given.name, frame)
