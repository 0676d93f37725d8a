"""SMA WebConnect: JSON behind a login of the rights "user". A device has few sessions, so each read logs out again."""

import json
from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.text import plain
from solar.production import Condition, Production, Unit, summed
from solar.readers.answers import JsonDevice, part, whole

POWER = "6100_40263F00"
TOTALS = ("6400_0046C300", "6400_00260100")  # Wh, by model
DAY = "6400_00262200"  # Wh
STRINGS = "6380_40251E00"  # W of each string
CONDITION = "6180_08214800"  # a list of tags: 307 ok, 35 fault, 303 off, 455 warning
FAULT_TAG, OFF_TAG = 35, 303
KEYS = (POWER, *TOTALS, DAY, STRINGS, CONDITION)
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


def production(given: Any) -> Production:
    """Of an answer of getValues; several devices behind one address are summed. Raises BadReading."""
    devices = part(given, "result")
    if not isinstance(devices, dict) or not devices:
        raise BadReading(_("The SMA answers without values. Is it another model? Read it over SunSpec Modbus instead."))
    return summed([_device(plain(name)[:40], values) for name, values in devices.items()])


def _device(name: str, values: Any) -> Production:
    tags = [entry for given in _values(values, CONDITION) if isinstance(given, list) for entry in given]
    tag = part(tags[0], "tag") if tags else None
    power = _number(values, POWER)
    if power is None:
        strings = [whole(value, STRINGS) for value in _values(values, STRINGS)]
        known = [value for value in strings if value is not None]
        power = sum(known) if known else 0  # null at night, in an answer that is whole
    total = next((found for key in TOTALS if (found := _number(values, key)) is not None), None)
    power = max(0, power)
    if tag == FAULT_TAG:
        condition = Condition.FAULT
    elif power:
        condition = Condition.PRODUCING
    else:
        condition = Condition.ASLEEP if tag == OFF_TAG or tag is None else Condition.STANDBY
    return Production(power, condition, _number(values, DAY), total, units=(Unit(name, power, total),))


def _number(values: Any, key: str) -> int | None:
    found = _values(values, key)
    return whole(found[0], key) if found else None


def _values(values: Any, key: str) -> list[Any]:
    """What stands at {key: {"1" or another number: [{"val": …}, …]}}."""
    channels = part(values, key)
    if not isinstance(channels, dict):
        return []
    return [entry.get("val") for entries in channels.values() if isinstance(entries, list) for entry in entries if isinstance(entry, dict)]
