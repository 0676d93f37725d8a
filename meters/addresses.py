"""Which addresses a meter may have. Only these reach a device; pyserial's other URL handlers never do."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

SERIAL = re.compile(r"/dev/(serial/by-id/[\w.:+,@=-]+|tty(USB|ACM|AMA)\d+|serial\d)")
PTY = re.compile(r"[\w.-]+")


def is_serial(address: str) -> bool:
    """A serial device, or a pty in DATA_DIR/<mode>/pty (made by demo_house and tests)."""
    return bool(SERIAL.fullmatch(address)) or _is_pty(address)


def _is_pty(address: str) -> bool:
    folder = f"{settings.MODE_DIR}/pty/"
    name = address.removeprefix(folder)
    if name == address or not PTY.fullmatch(name) or name in (".", ".."):
        return False
    target = Path(address).resolve()
    return not target.exists() or target.parent == Path("/dev/pts")


def validate_address(address: str) -> None:
    """Raises ValidationError, in words, for anything but a serial port, socket://host:port, http(s)://host or replay:FILE."""
    if is_serial(address):
        return
    scheme, separator, rest = address.partition("://")
    if separator and scheme in ("socket", "http", "https"):
        try:
            url = urlsplit(address)
            port, host = url.port, url.hostname
        except ValueError:
            port, host = None, None
        if not host or url.username or url.password:
            raise ValidationError(_("Write the address as %(scheme)s://host:port.") % {"scheme": scheme})
        if scheme == "socket" and (port is None or url.path not in ("", "/")):
            raise ValidationError(_("A network port needs its number: socket://host:port."))
        return
    if address.startswith("replay:"):
        name = address.removeprefix("replay:").partition("?")[0]
        if not PTY.fullmatch(name) or name in (".", ".."):
            raise ValidationError(_("A replay names a file in the captures folder: replay:FILE or replay:FILE?speed=20."))
        return
    raise ValidationError(
        _(
            "%(address)s is no meter address. Use /dev/serial/by-id/… or /dev/ttyUSB0 for a cable, "
            "socket://host:port for a network port, or http://host for a HomeWizard P1."
        )
        % {"address": address[:80]}
    )
