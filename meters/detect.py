"""Finding a meter: which ports there are, and what speaks on one of them."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from energysite.errors import EnergyError
from meters import addresses, hints
from meters.p1.framer import Framer
from meters.p1.telegram import Telegram
from meters.transports import connect

FAST, SLOW = 115200, 9600
# At the wrong speed most bytes are no text; a stream joined halfway is text from the first byte.
ENOUGH_BYTES = 48
TEXT_SHARE = 0.85
# Text without a telegram for this long, and the other speed is tried: every dialect sends one within 10 s.
PATIENCE_S = 12.0
SAMPLE = 200
# A slow answer over Wi-Fi gets more time than one of many a minute would.
POLL_S = 3.0

silence_hint = hints.silence
unreadable_hint = hints.unreadable


@dataclass(frozen=True)
class Port:
    """A serial port: `address` is what a meter's connection takes, `name` is for a person."""

    address: str
    name: str


@dataclass(frozen=True)
class Device:
    """A counter that was recognised: medium "electricity", "gas" or "water"."""

    medium: str
    serial: str


@dataclass(frozen=True)
class Probe:
    """`ok`: a valid telegram came. Otherwise `hint` says what to check; `telegram` is then the last one that came, if any."""

    ok: bool
    baud: int
    dialect: str
    telegram: Telegram | None
    devices: tuple[Device, ...]
    seconds: float
    hint: str = ""


def ports(dev: Path = Path("/dev")) -> list[Port]:
    """The serial ports of this machine: by their lasting names first, then those that have none."""
    found, seen = [], set()
    for path in [
        *sorted((dev / "serial/by-id").glob("*")),
        *sorted(dev.glob("ttyUSB*")),
        *sorted(dev.glob("ttyACM*")),
        *sorted(dev.glob("ttyAMA*")),
        *sorted(dev.glob("serial[0-9]")),
    ]:
        device = path.resolve()
        if device not in seen and device.exists():
            seen.add(device)
            found.append(Port(str(path), _name(path)))
    for path in sorted((settings.MODE_DIR / "pty").glob("*")):
        if addresses.is_pty(str(path)) and path.exists():
            found.append(Port(str(path), _("Emulated meter “%(name)s”") % {"name": path.name}))
    return found


def _name(path: Path) -> str:
    """usb-FTDI_FT232R_USB_UART_A601-if00-port0 -> FTDI FT232R USB UART A601."""
    if path.parent.name != "by-id":
        return path.name
    bare = re.sub(r"-if[0-9a-f]+(-port\d+)?$", "", path.name.removeprefix("usb-"))
    return " ".join(bare.replace("_", " ").split()) or path.name


def probe(
    address: str,
    *,
    baud: int = 0,
    dialect: str = "auto",
    deadline_s: float = 25,
    begins: Callable[[int], None] = lambda _baud: None,
) -> Probe:
    """Listen at `address` until a valid telegram comes or the time is up. Never raises: `hint` says what went wrong.

    `begins` is told each speed as its turn comes.
    baud 0: a cable is tried at 115200 8N1, and at 9600 7E1 once bytes came that are no telegram.
    """
    begin = time.monotonic()
    listener = _Listener(address, dialect, begin + deadline_s)
    speeds = [baud] if baud or not addresses.is_serial(address) else [FAST, SLOW]
    hint = ""
    try:
        for speed in speeds:
            begins(speed or FAST)
            listener.listen(speed or FAST, last=speed == speeds[-1])
            if listener.telegram is not None or not listener.sample:
                break
    except EnergyError as error:
        hint = str(error)
    valid = listener.valid
    telegram = valid or listener.telegram
    return Probe(
        ok=valid is not None,
        baud=listener.baud,
        dialect=telegram.dialect if telegram is not None else "",
        telegram=telegram,
        devices=_devices(valid),
        seconds=round(time.monotonic() - begin, 1),
        hint="" if valid is not None else hint or _hint(listener),
    )


def _devices(telegram: Telegram | None) -> tuple[Device, ...]:
    if telegram is None:
        return ()
    return (Device("electricity", telegram.serial), *(Device(volume.medium, volume.serial) for volume in telegram.volumes))


def _hint(listener: "_Listener") -> str:
    if listener.telegram is not None:
        return hints.checksum(listener.telegram.error or "")
    if listener.sample:
        return hints.unreadable(listener.sample, tried_both=listener.tried_both)
    return hints.silence(listener.address)


class _Listener:
    """What was heard so far, over both speeds."""

    def __init__(self, address: str, dialect: str, deadline: float) -> None:
        self.address = address
        self.baud = 0
        self.valid: Telegram | None = None
        self.telegram: Telegram | None = None
        self.sample = b""
        self.tried_both = False
        self._dialect = dialect
        self._deadline = deadline

    def listen(self, baud: int, *, last: bool) -> None:
        """Until a valid telegram, the deadline, or (where another speed is left to try) bytes that are none.

        Raises DeviceUnavailable or DeviceConfigError.
        """
        from meters.p1.decoder import decode  # late: dsmr-parser takes 4 MB of the web server, and only a look needs it

        self.tried_both = self.baud != 0
        self.baud = baud
        self.sample = b""
        framer = Framer()
        give_up = self._deadline
        transport = connect(self.address, baud=baud, period_s=POLL_S)
        try:
            while self.valid is None and time.monotonic() < give_up:
                data = transport.read(give_up)
                if data and not self.sample and not last:
                    give_up = min(give_up, time.monotonic() + PATIENCE_S)
                self.sample = (self.sample + data)[-SAMPLE:]
                for raw in framer.feed(data):
                    self._take(decode(raw, self._dialect))
                if not last and not self.telegram and _is_noise(self.sample):
                    return
        finally:
            transport.close()

    def _take(self, telegram: Telegram) -> None:
        self.telegram = telegram
        if telegram.valid:
            self.valid = telegram


def _is_noise(sample: bytes) -> bool:
    text = sum(32 <= byte < 127 or byte in (10, 13) for byte in sample)
    return len(sample) >= ENOUGH_BYTES and text < TEXT_SHARE * len(sample)
