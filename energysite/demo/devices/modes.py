"""Ways in which a device of the demo house behaves: as the house does, or as devices do on a bad day. Pure.

`auto` follows the house. `day` and `night`: its clock is moved to 13:00 or 1:00 of the day, and goes on from there. `fault`: the
device is well enough to say that it is not. `slow`: one byte of an answer every N seconds (1). `silent`: it takes a question and
never answers. `off`: nobody listens, as a logger that sleeps after dusk. `garbage`: bytes that mean nothing. `html`: somebody
else's page. `redirect`: to another address. `huge`: an answer without end. `status`: HTTP status N (500), or Modbus exception N
(4). `gen24` (Fronius): the newer model, which tells no energy of day and year. Switches: `lying` (says on, nothing flows), `stuck` (says
off, current flows), `overheated` and `overpower` (switched itself off), `restart` (once, then `auto`).
"""

from dataclasses import dataclass

from energysite.demo.calendar import at_wall, day_of

# name -> what it means without a number; None: it takes none
MODES: dict[str, float | None] = {
    "auto": None,
    "day": None,
    "night": None,
    "fault": None,
    "slow": 1.0,
    "silent": None,
    "off": None,
    "garbage": None,
    "html": None,
    "redirect": None,
    "huge": None,
    "status": 0.0,
    "gen24": None,
    "lying": None,
    "stuck": None,
    "overheated": None,
    "overpower": None,
    "restart": None,
}
HOURS = {"day": 13, "night": 1}
SWITCHES = ("shelly2", "shelly1", "tasmota", "homewizard_socket", "relay")
DEVICES = ("fronius", "sma", "sunspec", "homewizard", "spi", "open_meteo", "openweathermap", *SWITCHES)


@dataclass(frozen=True, slots=True)
class Mode:
    """`number`: seconds between two bytes of `slow`; the status of `status`, 0 for the usual one of the device."""

    name: str = "auto"
    number: float = 0.0

    def shift_s(self, at: int) -> int:
        """What a device adds to its clock from this second on."""
        return at_wall(day_of(at), HOURS[self.name]) - at if self.name in HOURS else 0


def parse_mode(text: str) -> Mode:
    """`garbage`, `slow:0.2`, `status:404`. Raises ValueError in words."""
    name, separator, number = text.partition(":")
    if name not in MODES:
        raise ValueError(f"There is no mode {name!r}. Choose from {', '.join(sorted(MODES))}.")
    usual = MODES[name]
    if not separator:
        return Mode(name, usual or 0.0)
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if usual is None or not 0 < value < 1000:
        raise ValueError(f"{text!r}: {'no number goes with ' + name if usual is None else 'the number must lie between 0 and 1000'}.")
    return Mode(name, value)


def parse_device_mode(text: str) -> tuple[str, Mode]:
    """`fronius:garbage`, `sunspec:slow:2`: which device, and how it behaves. Raises ValueError in words."""
    device, separator, rest = text.partition(":")
    if device not in DEVICES or not separator:
        raise ValueError(f"{text!r}: write DEVICE:MODE, with one of {', '.join(DEVICES)} before the colon.")
    return device, parse_mode(rest)
