"""A P1 cable on a serial port, 115200 8N1 or 9600 7E1, held exclusively; or a pty that stands for one."""

import errno
import os
import select
import stat
import time
from pathlib import Path

import serial
from django.utils.translation import gettext as _

from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters.transports.holders import holders, in_use

# DSMR 2.2 and 3 speak 9600 baud with 7 bits and even parity, everything later 115200 with 8 bits and none.
SLOW = 9600
CHUNK = 4096


class Cable:
    def __init__(self, path: str, baud: int = 115200) -> None:
        self._path = path
        self._port = _open(path, baud)
        self._poll = select.poll()
        self._poll.register(self._port.fileno(), select.POLLIN)

    def read(self, deadline: float) -> bytes:
        wait_s = max(0.0, deadline - time.monotonic())
        if not self._poll.poll(wait_s * 1000):
            return b""
        try:
            data = os.read(self._port.fileno(), CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceUnavailable(self._gone()) from error
        if not data:
            raise DeviceUnavailable(self._gone())
        return data

    def _gone(self) -> str:
        return _("%(port)s went away while it was being read. Check the cable; reading goes on when it is back.") % {"port": self._path}

    def close(self) -> None:
        self._port.close()


def _open(path: str, baud: int) -> serial.Serial:
    device = str(Path(path).resolve())
    try:
        is_device = stat.S_ISCHR(Path(device).stat().st_mode)
    except OSError:
        raise DeviceUnavailable(_missing(path)) from None
    if not is_device:
        raise DeviceConfigError(_("%(port)s is no serial port.") % {"port": path})
    # Programs that do not lock a port steal each other's bytes. A pty is held open by whoever made it.
    if not device.startswith("/dev/pts/") and holders(device):
        raise DeviceUnavailable(in_use(path, device))
    slow = baud == SLOW
    try:
        return serial.Serial(
            device,
            baud,
            bytesize=serial.SEVENBITS if slow else serial.EIGHTBITS,
            parity=serial.PARITY_EVEN if slow else serial.PARITY_NONE,
            timeout=0,
            exclusive=True,
        )
    except (serial.SerialException, OSError) as error:
        raise _in_words(path, device, error.errno) from error
    except ValueError as error:
        raise DeviceConfigError(_("%(port)s cannot do %(baud)s baud.") % {"port": path, "baud": baud}) from error


def _missing(path: str) -> str:
    return _("There is no %(port)s. Check that the cable is plugged in.") % {"port": path}


def _in_words(path: str, device: str, number: int | None) -> DeviceUnavailable | DeviceConfigError:
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceUnavailable(_missing(path))
    if number in (errno.EACCES, errno.EPERM):
        # Just after plugging in, the group is not set yet: trying again can help.
        words = _(
            "This account may not open %(port)s. Add it to the port's group: `sudo usermod -aG %(group)s $USER`, "
            "then log in again (or restart the service)."
        )
        return DeviceUnavailable(words % {"port": path, "group": _group(device)})
    if number in (errno.EAGAIN, errno.EBUSY):
        return DeviceUnavailable(in_use(path, device))
    if number in (errno.ENOTTY, errno.EINVAL):
        return DeviceConfigError(_("%(port)s is no serial port.") % {"port": path})
    why = os.strerror(number) if number else _("unknown reason")
    return DeviceUnavailable(_("%(port)s cannot be opened: %(why)s. Unplug the cable and plug it in again.") % {"port": path, "why": why})


def _group(device: str) -> str:
    try:
        group = Path(device).group()
    except (OSError, KeyError):
        return "dialout"
    return group if group != "root" else "dialout"
