"""What one reading of an inverter becomes: readings of its sources, with the counters that the device itself does not keep."""

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from django.utils.translation import gettext as _

from energysite import house, place, sun
from energysite.database import DatabaseAway, asked, give_back
from energysite.errors import BadReading
from meters.counting.limits import FUSE_A, VOLT
from meters.device_readings import DeviceReading
from meters.kinds import BATTERY, PRODUCTION
from meters.models import BatteryReading, ProductionReading
from solar import battery_counter, day_counter, sources
from solar.battery_counter import Count
from solar.day_counter import Last
from solar.fleet import Counter, Fleet, Known
from solar.models import Inverter
from solar.parts import Part, parts_of
from solar.production import Condition, Production

log = structlog.get_logger(__name__)

MOST = 2**31 - 1  # of a column
LONGEST_GAP_PERIODS = 3


@dataclass(slots=True)
class Told:
    """Readings to keep, and counters as the sources have them, where the device does not tell them or tells something else."""

    readings: list[DeviceReading] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)


class Recorder:
    """Of one process. For one inverter at a time; several inverters from several threads."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._last_day: dict[int, Last] = {}
        self._last_battery: dict[int, Count] = {}
        self._newest: dict[int, float] = {}
        self._lock = threading.Lock()

    def told(self, known: Known, found: Production, at: datetime) -> Told:
        """`at`: when it was read. A source that is new while the database is away gets its first reading later. Raises BadReading for
        a number that no inverter tells."""
        _check(found)
        told = Told()
        counters = known.of_kind(PRODUCTION.name)
        for part in parts_of(found, counters.keys()):
            if part.power_w is None and part.total_wh is None and part.day_wh is None:
                continue
            counter = counters.get(part.unit) or self._new(known, part.unit, PRODUCTION.name)
            if counter is not None:
                self._production(known, counter, part, found.condition, at, told)
        if found.battery_w is not None:
            batteries = list(known.of_kind(BATTERY.name).values())
            battery = batteries[0] if batteries else self._new(known, "", BATTERY.name)
            if battery is not None:
                self._battery(known, battery, found.battery_w, at, told)
        return told

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

    def _keep(self, told: Told, known: Known, counter: Counter, at: datetime, values: dict[str, int]) -> None:
        """Not twice in a second, where a period of one is a moment short."""
        newest = self._newest.get(counter.source_id)
        second = at.replace(microsecond=0).timestamp()
        if newest is not None and newest - known.inverter.period_s < second <= newest:
            return
        self._newest[counter.source_id] = second
        told.readings.append(DeviceReading(counter.source_id, counter.kind, at, values))

    # Production

    def _production(self, known: Known, counter: Counter, part: Part, condition: Condition, at: datetime, told: Told) -> None:
        total_wh = part.total_wh
        if part.day_wh is not None and (counter.day is not None or total_wh is None):
            total_wh = self._by_days(known, counter, part.day_wh, condition, at)
            if total_wh is not None:
                told.counters["total_wh"] = total_wh
        given = {"total_wh": total_wh, "production_w": part.power_w}
        values = {name: value for name, value in given.items() if value is not None}
        if values:
            self._keep(told, known, counter, at, values)

    def _by_days(self, known: Known, counter: Counter, day_wh: int, condition: Condition, at: datetime) -> int | None:
        """The continuous counter of a device that counts by days; None where it cannot be told now."""
        zone = ZoneInfo(house.current().zone)
        gap_s = LONGEST_GAP_PERIODS * known.inverter.period_s
        last = self._last_day.get(counter.source_id)
        if last is None or at.timestamp() - last.at > gap_s:
            try:
                with asked():
                    newest = _newest_total(counter.source_id)
            except DatabaseAway:
                if last is None:
                    return None
            else:
                if counter.day is None and (newest is not None or condition is not Condition.PRODUCING):
                    return None  # it does tell a total at other times, or may
                last = last if newest is None else Last(newest[0].timestamp(), newest[1] - counter.base_wh)
            finally:
                give_back()
        today = at.astimezone(zone).date()
        spot = place.of(house.current())
        base_wh = day_counter.base_of(
            counter.base_wh,
            last,
            at.timestamp(),
            day_wh,
            later_day=last is not None and datetime.fromtimestamp(last.at, zone).date() < today,
            sun_is_up=spot is None or not sun.is_night(spot, at.timestamp()),
            longest_gap_s=gap_s,
            most_w=known.inverter.peak_w or 3 * FUSE_A * VOLT,
        )
        if base_wh is None and last is not None:
            log.warning("the energy of the day fell, which cannot be", inverter=known.inverter.name, before=last.day_wh, now=day_wh)
            self._last_day[counter.source_id] = Last(at.timestamp(), last.day_wh)  # it still is what was seen
        if base_wh is None:
            return None
        if base_wh != counter.base_wh or counter.day is None:
            # Before the reading that stands on it.
            self._fleet.learned(known.inverter.pk, replace(counter, base_wh=base_wh, day=today))
        self._last_day[counter.source_id] = Last(at.timestamp(), day_wh)
        return base_wh + day_wh

    # Battery

    def _battery(self, known: Known, counter: Counter, battery_w: int, at: datetime, told: Told) -> None:
        gap_s = LONGEST_GAP_PERIODS * known.inverter.period_s
        last = self._last_battery.get(counter.source_id)
        certain = True
        # A gap may be another process's readings.
        if last is None or at.timestamp() - last.at > 1.5 * known.inverter.period_s:
            try:
                with asked():
                    stored = _newest_count(counter.source_id)
                if stored is not None and (last is None or stored.at > last.at):
                    last = stored
            except DatabaseAway:
                certain = last is not None
            finally:
                give_back()
        values = {"battery_w": battery_w}
        if certain:
            count = battery_counter.counted(last, at.timestamp(), battery_w, gap_s)
            self._last_battery[counter.source_id] = count
            values |= {"charge_wh": count.charge_wh, "discharge_wh": count.discharge_wh}
            told.counters |= {"charge_wh": count.charge_wh, "discharge_wh": count.discharge_wh}
        self._keep(told, known, counter, at, values)


def _check(found: Production) -> None:
    said = [found.power_w, found.total_wh, found.day_wh, found.battery_w]
    said += [value for unit in found.units for value in (unit.power_w, unit.total_wh)]
    for value in said:
        if value is not None and not -MOST <= value <= MOST:
            raise BadReading(_("The inverter tells %(value)s, which no inverter can.") % {"value": value})


def _newest_total(source_id: int) -> tuple[datetime, int] | None:
    rows = ProductionReading.objects.filter(source_id=source_id, total_wh__isnull=False).order_by("-time")
    row = rows.values_list("time", "total_wh").first()
    return None if row is None or row[1] is None else (row[0], row[1])


def _newest_count(source_id: int) -> Count | None:
    rows = BatteryReading.objects.filter(source_id=source_id, charge_wh__isnull=False, discharge_wh__isnull=False).order_by("-time")
    row = rows.values_list("time", "battery_w", "charge_wh", "discharge_wh").first()
    return None if row is None else Count(row[0].timestamp(), row[1] or 0, (row[2] or 0) * 3600, (row[3] or 0) * 3600)
