"""Which addresses a meter may have. Only these reach a device; pyserial's other URL handlers never do."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from meters.host_port import SCHEMES, host_and_port

__all__ = ["host_and_port", "is_pty", "is_serial", "replay_of", "validate_address"]

SERIAL = re.compile(r"/dev/(serial/by-id/[\w.:+,@=-]*\w[\w.:+,@=-]*|tty(USB|ACM|AMA)\d+|serial\d)", re.ASCII)
NAME = re.compile(r"[\w.-]*\w[\w.-]*", re.ASCII)
SPEED = re.compile(r"\d{1,5}(\.\d{1,3})?", re.ASCII)


def is_serial(address: str) -> bool:
    """A serial device, or a pty in DATA_DIR/<mode>/pty (made by demo_house and tests)."""
    return bool(SERIAL.fullmatch(address)) or is_pty(address)


def is_pty(address: str) -> bool:
    """A link in DATA_DIR/<mode>/pty that leads to /dev/pts, or to nothing as yet."""
    folder = f"{settings.MODE_DIR}/pty/"
    name = address.removeprefix(folder)
    if name == address or not NAME.fullmatch(name):
        return False
    target = Path(address).resolve()
    return not target.exists() or target.parent == Path("/dev/pts")


def replay_of(address: str) -> tuple[str, float] | None:
    """(file name in the captures folder, speed) of replay:FILE or replay:FILE?speed=N, 0 for full speed; or None."""
    name, _question, query = address.removeprefix("replay:").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    speed = options.pop("speed", "1")
    if not address.startswith("replay:") or not NAME.fullmatch(name) or options or not SPEED.fullmatch(speed):
        return None
    return name, float(speed)


def validate_address(address: str) -> None:
    """Raises ValidationError, in words, for anything but a serial port, socket://host:port, http(s)://host or replay:FILE."""
    if is_serial(address):
        return
    scheme, separator, _rest = address.partition("://")
    if separator and scheme in SCHEMES:
        found = host_and_port(address)
        if found is None:
            raise ValidationError(_("Write the address as %(scheme)s://host:port.") % {"scheme": scheme})
        if scheme == "socket" and found[1] is None:
            raise ValidationError(_("A network port needs its number: socket://host:port."))
        return
    if address.startswith("replay:"):
        if replay_of(address) is None:
            raise ValidationError(_("A replay names a file in the captures folder: replay:FILE or replay:FILE?speed=20."))
        return
    raise ValidationError(
        _(
            "%(address)s is no meter address. Use /dev/serial/by-id/… or /dev/ttyUSB0 for a cable, "
            "socket://host:port for a network port, or http://host for a HomeWizard P1."
        )
        % {"address": address[:80]}
    )
