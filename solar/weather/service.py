"""What every weather service needs: a question over HTTP, its refusals in words, and numbers and times that can be true.

The key stands in the question's path, so paths are never told, and answers and reasons only without the key.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from django.utils.translation import gettext as _

from energysite.device_look import HEARD_SHOWN
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.text import excerpt, plain
from meters.transports.answers import document, masked, number, part
from meters.transports.http import Answer, HttpDevice
from solar.weather.report import Report, Values

REASON_SHOWN = 120
# What weather on earth can be, with some room: anything else is another unit, or nonsense.
RANGES = {"temperature": (-90.0, 60.0), "cloud": (0.0, 100.0), "humidity": (0.0, 110.0), "wind": (0.0, 120.0), "light": (-10.0, 1600.0)}


class Service(Protocol):
    def ask(self, now: datetime, deadline: float) -> Report:
        """The weather now and for two days, by `deadline` (time.monotonic()). Raises DeviceUnavailable (a retry can help),
        DeviceConfigError (it cannot), BadReading."""

    @property
    def heard(self) -> str:
        """At most HEARD_SHOWN characters of the last answer."""

    def close(self) -> None: ...


class HttpService:
    """One service at http(s)://host. Its certificate is checked: it is not a device at home, and may be sent a key."""

    def __init__(self, address: str, *, secrets: Iterable[str] = ()) -> None:
        self._device = HttpDevice(address)
        self._secrets = [secret for secret in secrets if secret]
        self._last = b""

    @property
    def host(self) -> str:
        return self._device.host

    @property
    def heard(self) -> str:
        return excerpt(masked(self._last, self._secrets), HEARD_SHOWN)

    def close(self) -> None:
        self._device.close()

    def json(self, path: str, deadline: float) -> dict[str, Any]:
        """The answer to a good question. Raises DeviceUnavailable, DeviceConfigError, BadReading."""
        self._last = b""
        answer = self._device.ask(path, deadline, headers={"Accept": "application/json"})
        self._last = answer.body
        if answer.status != 200:
            raise self._refused(answer)
        given = document(self._device, answer, self._secrets)
        if not isinstance(given, dict):
            raise BadReading(_("%(host)s answers, but not with the weather. Check the address.") % {"host": self.host})
        return given

    def _refused(self, answer: Answer) -> Exception:
        try:
            given = document(self._device, Answer(200, answer.headers, answer.body), self._secrets)
        except BadReading:
            given = None  # the status says enough
        reason = part(given, "reason") or part(given, "message")
        return self.refusal(answer.status, reason)

    def refusal(self, status: int, reason: Any) -> Exception:
        """What to raise for an answer that is no weather. `reason`: the service's own words, whatever they are."""
        said = plain(masked(str(reason or "").encode("utf-8", "replace"), self._secrets).decode("utf-8", "replace"))[:REASON_SHOWN]
        names = {"host": self.host, "status": status, "reason": f"“{said}”" if said else ""}
        if 300 <= status < 400:
            return DeviceConfigError(
                _("%(host)s sends us elsewhere (HTTP %(status)s), and we do not go. Use the address it leads to.") % names
            )
        if status == 401:
            return DeviceConfigError(
                _("%(host)s does not accept the key (HTTP 401). Copy it again from the service's site; a new key works after two hours.")
                % names
            )
        if status == 429:
            words = _("%(host)s says that it is asked too often (HTTP 429). Choose a longer period. %(reason)s") % names
            return DeviceUnavailable(words.strip())
        if 400 <= status < 500:
            words = _("%(host)s does not take our question (HTTP %(status)s). Check the service you chose, and the address. %(reason)s")
            return DeviceConfigError((words % names).strip())
        return DeviceUnavailable(_("%(host)s answers HTTP %(status)s. It is asked again.") % names)


def value(given: Any, kind: str, what: str) -> float | None:
    """A number that such a quantity can have; None for null. Raises BadReading."""
    found = number(given, what)
    low, high = RANGES[kind]
    if found is not None and not low <= found <= high:
        raise BadReading(_("%(what)s is %(value)s, which no weather on earth is.") % {"what": what, "value": f"{found:g}"})
    return found


def light(given: Any, what: str) -> float | None:
    """W/m2; sensors and models tell a little less than nothing at night."""
    found = value(given, "light", what)
    return None if found is None else max(0.0, found)


def values(given: Any, kind: str, what: str, count: int) -> Values:
    """A list of `count` values; empty where it is missing. Raises BadReading."""
    if given is None:
        return []
    if not isinstance(given, list) or len(given) != count:
        raise BadReading(_("%(what)s is no list of %(count)s values.") % {"what": what, "count": count})
    return [light(one, what) if kind == "light" else value(one, kind, what) for one in given]


def moment(given: Any, what: str) -> int:
    """An epoch second. Raises BadReading for text in a zone of its own, and for what is no time at all."""
    found = number(given, what)
    if found is None or found != int(found) or not 0 < found < 2**33:
        raise BadReading(_("%(what)s is %(value)s, which is no time.") % {"what": what, "value": plain(repr(given))[:40]})
    return int(found)


def check_near(at: int, now: datetime, within_s: int, host: str) -> None:
    """Raises BadReading for weather of another time: an old answer, or a clock that is wrong here or there."""
    if abs(at - now.timestamp()) > within_s:
        names = {"host": host, "told": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}", "now": f"{now.astimezone(UTC):%Y-%m-%d %H:%M}"}
        raise BadReading(_("%(host)s tells of %(told)s UTC, and here it is %(now)s UTC. Check this machine's clock.") % names)
