"""An answer of a device as JSON, and numbers in it that can be trusted. What is wrong is told in words with the device's name."""

import json
import math
from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.text import plain
from meters.transports.http import Answer, HttpDevice

SHOWN = 80


def document(device: HttpDevice, answer: Answer) -> Any:
    """The parsed body of a good answer. Raises DeviceUnavailable, DeviceConfigError (a retry cannot help), BadReading."""
    check_status(device, answer)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        start = plain(answer.body[:SHOWN].decode("utf-8", "replace"))
        raise BadReading(
            _("%(host)s answers, but not with numbers: “%(start)s…”. Check that the address is the device's own.")
            % {"host": device.host, "start": start}
        ) from error


def check_status(device: HttpDevice, answer: Answer) -> None:
    names = {"host": device.host, "status": answer.status}
    if answer.status == 200:
        return
    if answer.status in (401, 403):
        raise DeviceConfigError(
            _("%(host)s refuses (HTTP %(status)s). Check its password, and that its local access is switched on.") % names
        )
    if answer.status == 404:
        raise DeviceConfigError(_("%(host)s does not know this question (HTTP 404). Check the make you chose, and the address.") % names)
    if 300 <= answer.status < 400:
        raise DeviceConfigError(_("%(host)s sends us elsewhere (HTTP %(status)s), and we do not go. Use the address it leads to.") % names)
    if answer.status == 429:
        raise DeviceUnavailable(_("%(host)s says that it is asked too often (HTTP 429). Choose a longer period.") % names)
    raise DeviceUnavailable(_("%(host)s answers HTTP %(status)s. It is asked again.") % names)


def number(value: Any, what: str) -> float | None:
    """None for null; BadReading for text, true, NaN or infinity."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadReading(_("%(what)s is %(value)s, which is no number.") % {"what": what, "value": plain(repr(value))[:SHOWN]})
    return float(value)


def whole(value: Any, what: str, factor: float = 1.0) -> int | None:
    """`number` times a factor as an integer, rounded to the nearest."""
    found = number(value, what)
    return None if found is None else round(found * factor)


def part(given: Any, *path: str) -> Any:
    """What lies at a path of names; None where a step is missing or leads through something that has no names."""
    for name in path:
        if not isinstance(given, dict):
            return None
        given = given.get(name)
    return given
