"""Fronius with Solar API v1: local, without login. The power flow tells of the whole site, one more answer of each inverter.

At night P_PV is null, and PAC and the DC values are absent while the energies stay; a zero only with status code 0. GEN24 tells
no energy of day and year. Where there is a battery, PAC and the energies hold what it gives as well: then only P_PV is the panels'.
"""

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.text import plain
from meters.transports.answers import JsonDevice, number, part, percent, whole
from solar.production import Condition, Production, Unit, condition_of

FLOW = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
INVERTER = "/solar_api/v1/GetInverterRealtimeData.cgi?Scope=Device&DeviceId={unit}&DataCollection=CommonInverterData"
# Head.Status.Code: the logger answers, the inverter behind it does not (Timeout, LNRequestTimeout, DeviceNotAvailable).
OKAY, BAD_ARGUMENT, NO_ANSWER = 0, 6, (5, 8, 12)
# DeviceStatus.StatusCode; 0 to 6 is starting up, which it also says all night.
RUNNING, STANDBY, FAULT = 7, 8, 10
# While the others make less than this, one that is not reached has gone to sleep before them.
DUSK_W = 100


class Fronius:
    family = "fronius"
    shortest_period_s = 10

    def __init__(self, address: str, units: tuple[int, ...] = ()) -> None:
        """`units`: device ids of the inverters; empty: those that the power flow names."""
        self._device = JsonDevice(address)
        self._units = units

    def read(self, deadline: float) -> Production:
        flow = data_of(self._device.json(FLOW, deadline))
        names = [str(unit) for unit in self._units] or sorted(_named(flow))
        if not names:
            # So does a logger whose inverters sleep.
            words = _("The Fronius names no inverter. By day, check that it is set up in its own pages.")
            raise DeviceUnavailable(words) from TimeoutError()
        answers = {name: self._inverter(name, deadline) for name in names}
        return production(flow, answers)

    @property
    def heard(self) -> str:
        return self._device.heard

    def close(self) -> None:
        self._device.close()

    def _inverter(self, name: str, deadline: float) -> dict[str, Any] | None:
        """None where the logger does not reach it."""
        answer = self._device.json(INVERTER.format(unit=name), deadline)
        code = part(answer, "Head", "Status", "Code")
        if code == BAD_ARGUMENT:
            raise _no_inverter(name)
        return None if code in NO_ANSWER else data_of(answer)


def data_of(answer: Any) -> dict[str, Any]:
    """Body.Data of an answer that says it is good. Raises BadReading."""
    code = part(answer, "Head", "Status", "Code")
    if code != OKAY or isinstance(code, bool):
        reason = plain(str(part(answer, "Head", "Status", "Reason") or ""))[:120]
        raise BadReading(_("The Fronius answers with status %(code)s. %(reason)s") % {"code": plain(str(code))[:20], "reason": reason})
    data = part(answer, "Body", "Data")
    if not isinstance(data, dict):
        raise BadReading(_("The Fronius answers without data. Check that its Solar API is switched on."))
    return data


def production(flow: dict[str, Any], inverters: dict[str, dict[str, Any] | None]) -> Production:
    """Of a power flow and the answer of each inverter (None: not reached), all with status 0. Raises BadReading,
    DeviceUnavailable, DeviceConfigError."""
    site = part(flow, "Site")
    if not isinstance(site, dict):
        raise BadReading(_("The Fronius answers without its site. Check that its Solar API is switched on."))
    battery_w, battery_pct = _battery(flow, site)
    units = {name: _unit(name, data, _named(flow).get(name)) for name, data in inverters.items()}
    _check_reached(units, inverters, _named(flow))
    powers = [unit.power_w for unit in units.values()]
    totals = [unit.total_wh for unit in units.values()]
    condition, code = _condition(site, inverters, units)
    if battery_w is not None:
        panels_w = max(0, whole(site["P_PV"], "P_PV") or 0) if "P_PV" in site else None
        only = tuple(Unit(name) for name in units) if len(units) > 1 else tuple(Unit(name, panels_w) for name in units)
        return Production(panels_w, condition, battery_w=battery_w, battery_pct=battery_pct, code=code, units=only)
    known = [total for total in totals if total is not None]
    whole_site = None not in inverters.values() and units.keys() >= _named(flow).keys()
    # Whole Wh of each inverter; the site's sum, which is rounded, only where none of them counts.
    total = sum(known) if len(known) == len(totals) else whole(site.get("E_Total"), "E_Total") if whole_site and not known else None
    return Production(
        power_w=None if None in powers else sum(power for power in powers if power is not None),
        condition=condition,
        day_wh=whole(site.get("E_Day"), "E_Day") if whole_site else None,
        total_wh=total,
        code=code,
        units=tuple(units.values()),
    )


def _named(flow: dict[str, Any]) -> dict[str, Any]:
    """What the power flow tells of each inverter."""
    found = part(flow, "Inverters")
    return found if isinstance(found, dict) else {}


def _unit(name: str, data: dict[str, Any] | None, flow: Any) -> Unit:
    power = None if data is None else whole(part(data, "PAC", "Value"), "PAC")
    if power is None:
        power = whole(part(flow, "P"), "P")
    total = None if data is None else whole(part(data, "TOTAL_ENERGY", "Value"), "TOTAL_ENERGY")
    if power is None and data is not None and part(data, "DeviceStatus", "StatusCode") != RUNNING:
        power = 0  # absent at night, in an answer that is good
    return Unit(name, None if power is None else max(0, power), total)


def _check_reached(units: dict[str, Unit], inverters: dict[str, dict[str, Any] | None], named: Collection[str]) -> None:
    """One that its logger does not reach sleeps, if there are others and they do next to nothing. Raises DeviceConfigError where the
    power flow does not know it either, DeviceUnavailable."""
    lost = [name for name, data in inverters.items() if data is None and units[name].power_w is None]
    others = [units[name].power_w or 0 for name in units if name not in lost]
    if lost and (not others or sum(others) >= DUSK_W):
        if named and lost[0] not in named:
            raise _no_inverter(lost[0])
        words = _("The Fronius does not reach its inverter %(unit)s. By day, check the cable between them.")
        raise DeviceUnavailable(words % {"unit": lost[0]}) from TimeoutError()
    for name in lost:
        units[name] = Unit(name, 0)


def _no_inverter(name: str) -> DeviceConfigError:
    return DeviceConfigError(_("The Fronius has no inverter %(unit)s. Check the units in its own pages.") % {"unit": name})


def _battery(flow: dict[str, Any], site: dict[str, Any]) -> tuple[int | None, float | None]:
    """W (positive: it gives) and percent; None and None without a battery. P_Akku is null while it rests; GEN24 without a battery
    tells a charge of 0 and calls it disabled."""
    power = whole(site.get("P_Akku"), "P_Akku")
    for given in _named(flow).values():
        charge = number(part(given, "SOC"), "SOC")
        if charge is not None and (power is not None or part(given, "Battery_Mode") not in (None, "disabled")):
            return power or 0, percent(charge)
    return power, None


def _condition(site: dict[str, Any], inverters: dict[str, dict[str, Any] | None], units: dict[str, Unit]) -> tuple[Condition, str]:
    of_each = {name: _condition_of(data, units[name]) for name, data in inverters.items()}
    faulty = [inverters[name] for name, condition in of_each.items() if condition is Condition.FAULT]
    errors = [part(data, "DeviceStatus", "ErrorCode") for data in faulty]
    code = next((plain(str(error))[:20] for error in errors if error not in (None, 0, -1)), "")
    condition = condition_of(of_each.values())
    if condition is not Condition.FAULT and (whole(site.get("P_PV"), "P_PV") or 0) > 0:
        condition = Condition.PRODUCING
    return condition, code


def _condition_of(data: dict[str, Any] | None, unit: Unit) -> Condition:
    code = part(data, "DeviceStatus", "StatusCode")
    if code == FAULT:
        return Condition.FAULT
    if unit.power_w:
        return Condition.PRODUCING
    if data is None:
        return Condition.ASLEEP
    return Condition.STANDBY if code in (None, RUNNING, STANDBY) else Condition.ASLEEP
