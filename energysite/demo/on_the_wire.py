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
"""

import asyncio
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from energysite.demo.devices.device import Clock, Device
from energysite.demo.devices.makes import make
from energysite.demo.devices.modes import parse_mode
from energysite.demo.model import House

START_S = 30
INVERTERS = ("fronius", "sunspec")


class Wire:
    """Devices by name. Their ports stay the same whatever they do."""

    def __init__(self, devices: dict[str, Device], loop: asyncio.AbstractEventLoop) -> None:
        self.devices, self._loop = devices, loop

    def __getitem__(self, name: str) -> Device:
        return self.devices[name]

    def set(self, name: str, mode: str) -> None:
        """Comes back when the device behaves so; raises ValueError for a mode that there is not."""
        asyncio.run_coroutine_threadsafe(self.devices[name].set_mode(parse_mode(mode)), self._loop).result(START_S)


@contextmanager
def on_the_wire(
    house: House, now: Clock, names: Iterable[str] = INVERTERS, modes: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[Wire]:
    """`modes`: how a device behaves from the start, by its name. `folder`: of the SPI socket and the SMA's certificate."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo devices", daemon=True)
    devices: dict[str, Device] = {}

    async def each(what: str) -> None:
        for device in devices.values():
            await getattr(device, what)()

    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="energysite-wire-")))
        for name in names:
            devices[name] = make(name, house, now, parse_mode((modes or {}).get(name, "auto")), place)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(each("open"), loop).result(START_S)
            yield Wire(devices, loop)
        finally:
            asyncio.run_coroutine_threadsafe(each("close"), loop).result(START_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
