"""What one reading of an inverter becomes: readings of its sources, with the counters that the device itself does not keep."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.utils.translation import gettext as _

from energysite.database import DatabaseAway, asked, give_back
from energysite.errors import BadReading
from meters.device_readings import COUNTED_HERE, DeviceReading
from meters.kinds import BATTERY, PRODUCTION
from solar import sources
from solar.fleet import Counter, Fleet, Known
from solar.models import Inverter
from solar.own_counters import ByDays, ByPower
from solar.parts import Part, parts_of
from solar.production import Condition, Production

log = structlog.get_logger(__name__)

MOST = 2**31 - 1  # of a column


@dataclass(slots=True)
class Told:
    """Readings to keep, and counters as the sources have them, where the device does not tell them or tells something else."""

    readings: list[DeviceReading] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Of one process. For one inverter at a time; several inverters from several threads."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._by_days, self._by_power = ByDays(fleet), ByPower()
        self._newest: dict[int, float] = {}

    def told(self, known: Known, found: Production, at: datetime) -> Told:
        """`at`: when it was read. A source that is new while the database is away gets its first reading later. Raises BadReading for
        a number that no inverter tells."""
        _check(found)
        told = Told()
        counters = known.of_kind(PRODUCTION.name)
        parts = parts_of(found, counters.keys())
        for part in parts:
            if part.power_w is None and part.total_wh is None and part.day_wh is None:
                continue
            counter = counters.get(part.unit) or self._new(known, part.unit, PRODUCTION.name)
            if counter is not None:
                total_wh = self._production(known, counter, part, found.condition, at, told)
                if len(parts) == 1 and total_wh is not None:
                    told.counters["total_wh"] = total_wh
        if found.has_battery:
            # One that tells only its charge is a source as well: what the house uses is then known to be unknown.
            batteries = list(known.of_kind(BATTERY.name).values())
            battery = batteries[0] if batteries else self._new(known, "", BATTERY.name)
            if battery is not None and found.battery_w is not None:
                self._battery(known, battery, found.battery_w, at, told)
        return told

    def _production(self, known: Known, counter: Counter, part: Part, condition: Condition, at: datetime, told: Told) -> int | None:
        """Returns what is stored as its counter."""
        total_wh, flags = part.total_wh, 0
        if part.day_wh is not None and (counter.day is not None or total_wh is None):
            total_wh = self._by_days.total_wh(known, counter, part.day_wh, condition, at)
        elif total_wh is not None:
            self._by_power.told(counter)
        elif part.power_w is not None and counter.day is None:
            count = self._by_power.panels(known, counter, part.power_w, condition, at)
            if count is not None:
                total_wh, flags = count.given_wh, COUNTED_HERE
        self._keep(told, known, counter, at, {"total_wh": total_wh, "production_w": part.power_w}, flags)
        return total_wh

    def _battery(self, known: Known, counter: Counter, battery_w: int, at: datetime, told: Told) -> None:
        count = self._by_power.count(known, counter, battery_w, at)
        counters = {} if count is None else {"charge_wh": count.taken_wh, "discharge_wh": count.given_wh}
        told.counters |= counters
        self._keep(told, known, counter, at, {"battery_w": battery_w, **counters}, COUNTED_HERE)

    def _new(self, known: Known, unit: str, kind: str) -> Counter | None:
        try:
            with asked():
                counter = sources.ensure(known.inverter.pk, unit, kind)
        except DatabaseAway:
            log.warning("a new counter waits for the database", inverter=known.inverter.name, unit=unit)
            return None
        except Inverter.DoesNotExist:
            return None  # deleted while it was read
        finally:
            give_back()
        self._fleet.learned(known.inverter.pk, counter)
        return counter

    def _keep(self, told: Told, known: Known, counter: Counter, at: datetime, values: dict[str, int | None], flags: int) -> None:
        """Not twice in a second, where a period of one is a moment short."""
        said = {name: value for name, value in values.items() if value is not None}
        newest = self._newest.get(counter.source_id)
        second = at.replace(microsecond=0).timestamp()
        if not said or (newest is not None and newest - known.inverter.period_s < second <= newest):
            return
        self._newest[counter.source_id] = second
        told.readings.append(DeviceReading(counter.source_id, counter.kind, at, said, flags))


def _check(found: Production) -> None:
    said = [found.power_w, found.total_wh, found.day_wh, found.battery_w]
    said += [value for unit in found.units for value in (unit.power_w, unit.total_wh)]
    for value in said:
        if value is not None and not -MOST <= value <= MOST:
            raise BadReading(_("The inverter tells %(value)s, which no inverter can.") % {"value": value})
