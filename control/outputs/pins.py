"""Which pins of a Raspberry Pi may switch something, and what they do while it starts (rule 11 of safety). Pure.

GPIO 0 to 8 are pulled up and 9 to 27 down from power-on until a program drives them (BCM2835 ARM Peripherals, table 6-31); a line
`gpio=N=op,dl` in /boot/firmware/config.txt has the firmware drive them within a second or two, a resistor on the board at once.
"""

from collections.abc import Collection
from dataclasses import dataclass

SERIAL = (14, 15)
SPI = (7, 8, 9, 10, 11)
LAST_PULLED_UP = 8
LAST = 27
# Nothing else is usually on them; those that a HAT's memory or the I2C bus takes are left out.
LOW_AT_START = (17, 27, 22, 23, 24, 25, 16, 26, 12, 13, 18, 19, 20, 21)
HIGH_AT_START = (5, 6, 4)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a pin that says "on" while the machine starts: another `pin` (None: none is free), a resistor (`pull`: up or
    down), and a `line` for config.txt, which is worth having in any case."""

    pin: int | None
    pull: str
    line: str


def is_serial(pin: int) -> bool:
    """Of the serial console: its text would switch the relay."""
    return pin in SERIAL


def is_spi(pin: int) -> bool:
    return pin in SPI


def pulled_up(pin: int) -> bool:
    """While nobody drives it."""
    return pin <= LAST_PULLED_UP


def on_at_start(pin: int, active_high: bool) -> bool:
    return pulled_up(pin) == active_high


def line(pin: int, active_high: bool) -> str:
    """Of config.txt: an output, driven to the level that is off."""
    return f"gpio={pin}=op,{'dl' if active_high else 'dh'}"


def advice(pin: int, active_high: bool, taken: Collection[int] = ()) -> Advice | None:
    """None where the pin is off at start. `taken`: by other outputs."""
    if not on_at_start(pin, active_high):
        return None
    better = LOW_AT_START if active_high else HIGH_AT_START
    free = next((one for one in better if one not in taken), None)
    return Advice(free, "down" if active_high else "up", line(pin, active_high))
