"""A HomeWizard P1: its local API answers /api/v1/telegram with the last telegram, and is asked again each period."""

import time

from django.utils.translation import gettext as _

from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters.transports.http import HttpDevice

PATH = "/api/v1/telegram"
LONGEST_S = 5.0


class HomeWizard:
    """Asks once a period over one connection."""

    def __init__(self, address: str, period_s: float = 1) -> None:
        self._device = HttpDevice(address)
        self._period_s = max(1.0, period_s)
        # The answer to one question is there, or given up, before the next is due.
        self._limit_s = min(LONGEST_S, 0.9 * self._period_s)
        self._first = self._ask()
        self._next = time.monotonic() + self._period_s

    def read(self, deadline: float) -> bytes:
        """As of every transport; an answer under way at the deadline is waited for, less than a period."""
        if self._first:
            first, self._first = self._first, b""
            return first
        wait_s = min(self._next, deadline) - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        if time.monotonic() < self._next:
            return b""
        self._next = max(self._next + self._period_s, time.monotonic())
        return self._ask()

    def close(self) -> None:
        self._device.close()

    def _ask(self) -> bytes:
        answer = self._device.ask(PATH, time.monotonic() + self._limit_s, headers={"Accept": "text/plain"})
        if answer.status != 200:
            self._device.close()
            raise self._refused(answer.status)
        return answer.body if answer.body.endswith(b"\n") or not answer.body else answer.body + b"\r\n"

    def _refused(self, status: int) -> DeviceUnavailable | DeviceConfigError:
        names = {"host": self._device.host, "status": status}
        if status == 403:
            return DeviceUnavailable(
                _("%(host)s keeps its local API closed. Switch it on in the HomeWizard app: Settings, Meters, the P1, Local API.") % names
            )
        if status == 404:
            return DeviceConfigError(_("%(host)s has no P1 telegram. Check that this is the address of a HomeWizard P1.") % names)
        return DeviceUnavailable(_("%(host)s answers HTTP %(status)s instead of a telegram. Check that it is a HomeWizard P1.") % names)
