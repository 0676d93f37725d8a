"""A capture file in DATA_DIR/captures as if it came from a port: replay:FILE?speed=N."""

import os
import stat
import time
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from energysite.errors import DeviceConfigError
from meters import addresses, replay

BLOCK = 65536


class Capture:
    def __init__(self, address: str) -> None:
        found = addresses.replay_of(address)
        if found is None:
            raise DeviceConfigError(_("A replay names a file in the captures folder: replay:FILE or replay:FILE?speed=20."))
        self._name, speed = found
        self._file = self._open()
        self._telegrams = replay.schedule(iter(lambda: self._file.read(BLOCK), b""), speed)
        self._count = 0
        self._begin = time.monotonic()
        self._due: tuple[float, bytes] | None = None

    def _open(self) -> BinaryIO:
        path = settings.DATA_DIR / "captures" / self._name
        try:
            # O_NONBLOCK: a pipe of that name would otherwise hold the reader for ever.
            file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
        except OSError as error:
            raise DeviceConfigError(
                _("The capture %(name)s cannot be read: %(why)s. Put the file into %(folder)s.")
                % {"name": self._name, "why": error.strerror, "folder": path.parent}
            ) from error
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise DeviceConfigError(_("The capture %(name)s is no file.") % {"name": self._name})
        return file

    def read(self, deadline: float) -> bytes:
        """One telegram when it is due. Raises DeviceConfigError at the end of the file: replaying again brings nothing new."""
        if self._due is None:
            self._due = next(self._telegrams, None)
        if self._due is None:
            raise DeviceConfigError(
                _("The replay of %(name)s has ended after %(count)s telegrams.") % {"name": self._name, "count": self._count}
            )
        due = self._begin + self._due[0]
        wait_s = min(due, deadline) - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        if time.monotonic() < due:
            return b""
        telegram = self._due[1]
        self._due = None
        self._count += 1
        return telegram

    def close(self) -> None:
        self._file.close()
