"""Counters that a device does not keep itself: over days where it tells only the day's energy, and of what tells only its power.

Each goes on from the newest stored reading, so that a restart loses nothing, and another process may have read meanwhile.
"""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from energysite import house, place, sun
from energysite.database import DatabaseAway, asked, give_back
from meters.counting.limits import FUSE_A, VOLT
from meters.device_readings import COUNTED_HERE
from meters.kinds import BATTERY
from meters.models import BatteryReading, ProductionReading
from solar import day_counter, power_counter
from solar.day_counter import Last
from solar.fleet import Counter, Fleet, Known
from solar.power_counter import Count
from solar.production import Condition

log = structlog.get_logger(__name__)

LONGEST_GAP_PERIODS = 3
# An inverter that makes power tells its counter within so many readings, or has none that can be used.
SURE_AFTER = 3


class ByDays:
    """Of sources whose device tells the energy of the day."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._last: dict[int, Last] = {}

    def total_wh(self, known: Known, counter: Counter, day_wh: int, condition: Condition, at: datetime) -> int | None:
        """The continuous counter; None where it cannot be told now, and for a device that does tell it at other times."""
        gap_s = LONGEST_GAP_PERIODS * known.inverter.period_s
        last = self._last.get(counter.source_id)
        if last is None or at.timestamp() - last.at > gap_s:
            try:
                with asked():
                    newest = _newest_total(counter.source_id)
            except DatabaseAway:
                if last is None:
                    return None
            else:
                if counter.day is None and (newest is not None or condition is not Condition.PRODUCING):
                    return None
                last = last if newest is None else Last(newest[0].timestamp(), newest[1] - counter.base_wh)
            finally:
                give_back()
        base_wh = self._base_of(known, counter, last, day_wh, at)
        if base_wh is None:
            return None
        if base_wh != counter.base_wh or counter.day is None:
            # Before the reading that stands on it.
            self._fleet.learned(known.inverter.pk, replace(counter, base_wh=base_wh, day=at.astimezone(_zone()).date()))
        self._last[counter.source_id] = Last(at.timestamp(), day_wh)
        return base_wh + day_wh

    def _base_of(self, known: Known, counter: Counter, last: Last | None, day_wh: int, at: datetime) -> int | None:
        zone, spot = _zone(), place.of(house.current())
        base_wh = day_counter.base_of(
            counter.base_wh,
            last,
            at.timestamp(),
            day_wh,
            later_day=last is not None and datetime.fromtimestamp(last.at, zone).date() < at.astimezone(zone).date(),
            sun_is_up=spot is None or not sun.is_night(spot, at.timestamp()),
            longest_gap_s=LONGEST_GAP_PERIODS * known.inverter.period_s,
            most_w=known.inverter.peak_w or 3 * FUSE_A * VOLT,
        )
        if base_wh is None and last is not None:
            log.warning("the energy of the day fell, which cannot be", inverter=known.inverter.name, before=last.day_wh, now=day_wh)
            self._last[counter.source_id] = Last(at.timestamp(), last.day_wh)  # that much was seen
        return base_wh


class ByPower:
    """Of batteries, and of panels whose inverter tells no counter of theirs."""

    def __init__(self) -> None:
        self._last: dict[int, Count] = {}
        self._without: dict[int, int] = {}  # readings in a row of panels that make power, without a counter

    def panels(self, known: Known, counter: Counter, power_w: int, condition: Condition, at: datetime) -> Count | None:
        """None for a device that tells its counter at other times."""
        if counter.source_id not in self._last:
            try:
                with asked():
                    newest = _newest_panels(counter.source_id)
            except DatabaseAway:
                return None
            finally:
                give_back()
            if newest is None:
                without = self._without.get(counter.source_id, 0) + (condition is Condition.PRODUCING)
                self._without[counter.source_id] = without
                if without < SURE_AFTER:
                    return None
            elif not newest[1]:
                return None
        return self.count(known, counter, power_w, at)

    def told(self, counter: Counter) -> None:
        """The device has told its counter itself."""
        self._without.pop(counter.source_id, None)

    def count(self, known: Known, counter: Counter, power_w: int, at: datetime) -> Count | None:
        """None where nobody knows how far it had come: this process is new, and the database away."""
        last = self._last.get(counter.source_id)
        if last is None or at.timestamp() - last.at > 1.5 * known.inverter.period_s:
            try:
                with asked():
                    stored = _newest_count(counter)
            except DatabaseAway:
                if last is None:
                    return None
            else:
                last = stored if stored is not None and (last is None or stored.at > last.at) else last
            finally:
                give_back()
        count = power_counter.counted(last, at.timestamp(), power_w, LONGEST_GAP_PERIODS * known.inverter.period_s)
        self._last[counter.source_id] = count
        return count


def _zone() -> ZoneInfo:
    return ZoneInfo(house.current().zone)


def _newest_total(source_id: int) -> tuple[datetime, int] | None:
    rows = ProductionReading.objects.filter(source_id=source_id, total_wh__isnull=False).order_by("-time")
    row = rows.values_list("time", "total_wh").first()
    return None if row is None or row[1] is None else (row[0], row[1])


def _newest_panels(source_id: int) -> tuple[Count, bool] | None:
    """With whether it was counted here."""
    rows = ProductionReading.objects.filter(source_id=source_id, total_wh__isnull=False).order_by("-time")
    row = rows.values_list("time", "production_w", "total_wh", "flags").first()
    if row is None:
        return None
    return Count(row[0].timestamp(), row[1] or 0, 0, (row[2] or 0) * 3600), bool(row[3] & COUNTED_HERE)


def _newest_count(counter: Counter) -> Count | None:
    if counter.kind != BATTERY.name:
        newest = _newest_panels(counter.source_id)
        return None if newest is None else newest[0]
    known = {"charge_wh__isnull": False, "discharge_wh__isnull": False}
    rows = BatteryReading.objects.filter(source_id=counter.source_id, **known).order_by("-time")
    row = rows.values_list("time", "battery_w", "charge_wh", "discharge_wh").first()
    return None if row is None else Count(row[0].timestamp(), row[1] or 0, (row[2] or 0) * 3600, (row[3] or 0) * 3600)
