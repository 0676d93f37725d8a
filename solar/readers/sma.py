"""SMA WebConnect: JSON behind a login of the rights "user". A device has few sessions, so each read logs out again."""

import json
from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable, EnergyError
from energysite.text import plain
from meters.transports.answers import JsonDevice, part, percent, whole
from solar.production import Condition, Production, Unit, summed

POWER = "6100_40263F00"  # W to the grid: of the panels and the battery
PANELS = "6100_0046C200"  # W of the panels, where there is a battery
GENERATED, YIELD = "6400_0046C300", "6400_00260100"  # Wh, by model; with a battery only the first is the panels' alone
DAY = "6400_00262200"  # Wh
STRINGS = "6380_40251E00"  # W of each string
CHARGING, DISCHARGING, CHARGE = "6100_00496900", "6100_00496A00", "6100_00295A00"  # of the battery: W, W, percent
CONDITION = "6180_08214800"  # a list of tags: 307 ok, 35 fault, 303 off, 455 warning
FAULT_TAG, OFF_TAG = 35, 303
KEYS = (POWER, PANELS, GENERATED, YIELD, DAY, STRINGS, CHARGING, DISCHARGING, CHARGE, CONDITION)
JSON = {"Content-Type": "application/json;charset=UTF-8"}
TOO_MANY_SESSIONS, WRONG_PASSWORD = 503, 401


class SmaWebConnect:
    family = "sma"
    shortest_period_s = 5

    def __init__(self, address: str, password: str) -> None:
        self._device = JsonDevice(address, secrets=[password])
        self._password = password

    def read(self, deadline: float) -> Production:
        session = self._login(deadline)
        try:
            given = self._post(f"/dyn/getValues.json?sid={session}", {"destDev": [], "keys": list(KEYS)}, deadline)
        finally:
            self._logout(session, deadline)
        return production(given)

    @property
    def heard(self) -> str:
        return self._device.heard

    def close(self) -> None:
        self._device.close()

    def _login(self, deadline: float) -> str:
        given = self._post("/dyn/login.json", {"right": "usr", "pass": self._password}, deadline)
        session, error = part(given, "result", "sid"), part(given, "err")
        if isinstance(session, str) and session:
            self._device.secrets = [self._password, session]
            if session.isalnum():
                return session
        names = {"host": self._device.host, "error": plain(str(error))[:40]}
        if error == WRONG_PASSWORD:
            raise DeviceConfigError(_("%(host)s refuses the password of its user group.") % names)
        if error == TOO_MANY_SESSIONS:
            raise DeviceUnavailable(_("%(host)s has no free session. Log out of its own pages, or wait some minutes.") % names)
        raise DeviceUnavailable(_("%(host)s does not let us log in (%(error)s).") % names)

    def _logout(self, session: str, deadline: float) -> None:
        try:
            self._device.http.ask(f"/dyn/logout.json?sid={session}", deadline, method="POST", headers=JSON, body=b"{}")
        except DeviceUnavailable:
            self._device.close()  # the session ends by itself after some minutes; what was read is good

    def _post(self, path: str, body: dict[str, Any], deadline: float) -> Any:
        return self._device.json(path, deadline, method="POST", headers=JSON, body=json.dumps(body).encode())


def answers_at(address: str, deadline: float) -> bool:
    """Whether such a device is there. It is asked without a session: a login with a wrong password would count against its users."""
    device = JsonDevice(address)
    try:
        given = device.json("/dyn/getValues.json?sid=none", deadline, method="POST", headers=JSON, body=b'{"destDev":[],"keys":[]}')
    except EnergyError:
        return False
    finally:
        device.close()
    return isinstance(part(given, "err"), int)


def production(given: Any) -> Production:
    """Of an answer of getValues; several devices behind one address are summed. Raises BadReading."""
    if (error := part(given, "err")) is not None:
        raise DeviceUnavailable(_("The SMA ended our session (%(error)s). It is asked again.") % {"error": plain(str(error))[:40]})
    devices = part(given, "result")
    if not isinstance(devices, dict) or not devices:
        raise BadReading(_("The SMA answers without values. Is it another model? Read it over SunSpec Modbus instead."))
    return summed([_device(plain(name)[:40], values) for name, values in devices.items()])


def _device(name: str, values: Any) -> Production:
    """All values are null at night; that is no power as long as anything else is told."""
    tags = [entry for given in _values(values, CONDITION) if isinstance(given, list) for entry in given]
    tag = part(tags[0], "tag") if tags else None
    battery = [_number(values, key) for key in (DISCHARGING, CHARGING)]
    charge = percent(_number(values, CHARGE))
    with_battery = battery != [None, None] or charge is not None
    power = _power(values, with_battery)
    day = None if with_battery else _number(values, DAY)
    total = _total(values, with_battery)
    if power is None and (tag is not None or total is not None or day is not None):
        power = 0
    watts = None if power is None else max(0, power)
    return Production(
        power_w=watts,
        condition=_condition(tag, watts),
        day_wh=day,
        total_wh=total,
        battery_w=None if battery == [None, None] else (battery[0] or 0) - (battery[1] or 0),
        battery_pct=charge,
        units=(Unit(name, watts, total),),
    )


def _power(values: Any, with_battery: bool) -> int | None:
    power = _number(values, PANELS if with_battery else POWER)
    if power is None:
        known = [watts for value in _values(values, STRINGS) if (watts := whole(value, STRINGS)) is not None]
        power = sum(known) if known else None
    return power


def _total(values: Any, with_battery: bool) -> int | None:
    """A model that uses the other counter leaves this one at 0."""
    counters = [_number(values, GENERATED)] if with_battery else [_number(values, key) for key in (GENERATED, YIELD)]
    told = [counter for counter in counters if counter is not None]
    return next((counter for counter in told if counter), told[0] if told else None)


def _condition(tag: Any, power: int | None) -> Condition:
    if tag == FAULT_TAG:
        return Condition.FAULT
    if power:
        return Condition.PRODUCING
    return Condition.ASLEEP if tag == OFF_TAG or tag is None else Condition.STANDBY


def _number(values: Any, key: str) -> int | None:
    found = _values(values, key)
    return whole(found[0], key) if found else None


def _values(values: Any, key: str) -> list[Any]:
    """What stands at {key: {"1" or another number: [{"val": …}, …]}}."""
    channels = part(values, key)
    if not isinstance(channels, dict):
        return []
    return [entry.get("val") for entries in channels.values() if isinstance(entries, list) for entry in entries if isinstance(entry, dict)]
