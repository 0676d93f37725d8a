"""The demo house's devices in a thread, for tests: real servers on free ports of this machine.

    from energysite.demo.on_the_wire import on_the_wire

    with on_the_wire(house, lambda: at, ("fronius", "sunspec")) as wire:
        Fronius(wire["fronius"].address).read(deadline)   # "http://127.0.0.1:34567"
        wire.set("fronius", "garbage")                    # or day, night, fault, slow:0.2, silent, off, html, redirect,
                                                          # huge, status:404, gen24, auto: see devices.modes
        house.made((0,), at)                              # what the Fronius should have told; (1,) and (2,): units 1 and 2
                                                          # of the SunSpec; (0, 1, 2): all the house's sun

`house` is an energysite.demo.model.House (tests: `tests.energysite.demo.house()`); the function gives the epoch second that the
devices live in, which may change while they run. Names: `fronius` and `sunspec` are the house's sun; `sma` (password
devices.sma.PASSWORD) is the SunSpec's two units over WebConnect, `homewizard` the meter in the Fronius's circuit; `spi` listens at
`folder`/spi.sock and answers demo.signals.raw_value. `open_meteo` and `openweathermap` (key weather_servers.KEY) tell the house's weather
and what was foretold of it (demo.forecasts).

Switches: `shelly1`, `shelly2`, `tasmota`, `homewizard_socket`, and `relay`, which listens at `folder`/pins.sock (devices.relay tells how
it is spoken to). Each has an appliance behind it (demo.appliances):

    wire["shelly2"].password = "secret"     # digest, basic, or user and password in the query, as the make has it
    wire.press("shelly2")                   # a person at its button
    wire["shelly2"].contact.on              # what it says; .closed: whether current can flow; .timer_left_s, .switches, .uptime_s
    wire.set("shelly2", "lying")            # stuck, overheated, overpower, restart: see devices.switch

Their timers run on `mono`, seconds of a clock that is never set; a test that passes its own need not wait. What is drawn counts on
`house` seconds.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from energysite.demo.contacts import Mono
from energysite.demo.devices.device import Clock, Device
from energysite.demo.devices.makes import make
from energysite.demo.devices.modes import parse_mode
from energysite.demo.devices.switch import SwitchDevice
from energysite.demo.model import House

START_S = 30
INVERTERS = ("fronius", "sunspec")


class Wire:
    """Devices by name. Their ports stay the same whatever they do."""

    def __init__(self, devices: dict[str, Device], loop: asyncio.AbstractEventLoop) -> None:
        self.devices, self._loop = devices, loop

    def __getitem__(self, name: str) -> Device:
        return self.devices[name]

    def press(self, name: str) -> None:
        """A person presses the button of this switch."""
        device = self.devices[name]
        assert isinstance(device, SwitchDevice), f"{name} has no button"
        device.press()

    def set(self, name: str, mode: str) -> None:
        """Comes back when the device behaves so; raises ValueError for a mode that there is not."""
        asyncio.run_coroutine_threadsafe(self.devices[name].set_mode(parse_mode(mode)), self._loop).result(START_S)


@contextmanager
def on_the_wire(
    house: House,
    now: Clock,
    names: Iterable[str] = INVERTERS,
    modes: Mapping[str, str] | None = None,
    folder: Path | None = None,
    mono: Mono = time.monotonic,
) -> Iterator[Wire]:
    """`modes`: how a device behaves from the start, by its name. `folder`: of the sockets and the SMA's certificate. `mono`: of timers."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo devices", daemon=True)
    devices: dict[str, Device] = {}

    async def each(what: str) -> None:
        for device in devices.values():
            await getattr(device, what)()

    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="energysite-wire-")))
        for name in names:
            devices[name] = make(name, house, now, parse_mode((modes or {}).get(name, "auto")), place, mono)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(each("open"), loop).result(START_S)
            yield Wire(devices, loop)
        finally:
            asyncio.run_coroutine_threadsafe(each("close"), loop).result(START_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
