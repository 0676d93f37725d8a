"""The demo house's devices beside its meter: put on the wire, and made known to the site at the ports that they have this time."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from energysite import agents
from energysite.demo import signals
from energysite.demo.devices import sma
from energysite.demo.devices.device import Clock, Device
from energysite.demo.devices.makes import make
from energysite.demo.devices.modes import DEVICES, Mode
from energysite.demo.hands import Hands
from energysite.demo.model import House
from energysite.demo.profile import ROOF
from energysite.demo.roof import SHARES_PCT
from energysite.demo.sun import LATITUDE_DEG, LONGITUDE_DEG
from energysite.demo.switched import SwitchedHouse
from energysite.demo.weather_servers import KEY
from energysite.management.commands._demo_history import Series
from energysite.models import Agent
from energysite.models import House as HouseRow
from meters.kinds import PRODUCTION
from meters.models import AnalogInput, ProductionReading
from solar import sources
from solar.models import Inverter, RoofPlane, Weather

PRODUCTION_S, PRODUCTION_DAYS = 60, 5  # between two readings of the last days that were
SOUTH_DEG = 180
PORTS = "demo-ports.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Known:
    """A device as the site knows it. `parts`: which inverters of the roof each of its units is."""

    device: str
    model: type[Agent]
    name: str
    settings: dict[str, Any]
    parts: dict[str, int] = field(default_factory=dict)

    def peak_w(self) -> int:
        return _share(ROOF.peak_w, self.parts.values())

    def limit_w(self) -> int:
        return _share(ROOF.inverter_w, self.parts.values())


def _share(watts: float, parts: Iterable[int]) -> int:
    return round(watts * sum(SHARES_PCT[part] for part in parts) / 100)


INVERTERS = (
    Known("fronius", Inverter, "Fronius", {"family": "fronius", "period_s": 10}, {"1": 0}),
    Known("sunspec", Inverter, "SMA", {"family": "sunspec", "units": "1, 2", "period_s": 10}, {"1": 1, "2": 2}),
)
WEATHER = Known("open_meteo", Weather, "Open-Meteo", {"provider": "open_meteo", "period_s": 900})
OUTSIDE = Known(
    "spi",
    AnalogInput,
    "Outside",
    {
        "device": "demo",
        "channel": signals.OUTSIDE,
        "offset": signals.OUTSIDE_OFFSET,
        "factor": signals.OUTSIDE_FACTOR,
        "unit": "°C",
        "period_s": 60,
    },
)


class Devices:
    """On the wire. One that cannot be there is left out, and said."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.by_name: dict[str, Device] = {}
        self._house: House | None = None
        self._hands: Hands | None = None

    async def open(self, house: House, now: Clock, modes: dict[str, Mode], folder: Path, host: str) -> None:
        self._house = house
        ports = _ports(folder / PORTS)
        for name in DEVICES:
            try:
                # In a thread: the first time a certificate is made.
                device = await asyncio.to_thread(make, name, house, now, modes.get(name, Mode()), folder)
                await _open(device, host, ports.get(name, 0))
            except (OSError, subprocess.CalledProcessError) as error:
                self._say(f"demo house: no {name}: {error}")
                continue
            self.by_name[name] = device
            self._say(f"demo house: {name} at {device.address}{_hint(name)}")
        try:
            (folder / PORTS).write_text(json.dumps({name: device.port for name, device in self.by_name.items()}))
        except OSError as error:
            self._say(f"demo house: its devices will move at the next start: {error}")

    async def listen(self, hands: Hands) -> None:
        """To the people of the house."""
        try:
            await hands.open()
        except OSError as error:
            self._say(f"demo house: nobody can be heard at {hands.path}: {error}")
            return
        self._hands = hands

    def commanded(self) -> list[str]:
        """The switches that are on because a program said so."""
        return self._house.commanded() if isinstance(self._house, SwitchedHouse) else []

    def addresses(self) -> dict[str, str]:
        return {name: device.address for name, device in self.by_name.items()}

    async def close(self) -> None:
        if self._hands is not None:
            await self._hands.close()
        for device in self.by_name.values():
            await device.close()


async def _open(device: Device, host: str, port: int) -> None:
    """At the port of the last time: a device that moved is another one to who counts its switches. Raises OSError."""
    try:
        await device.open(host, port)
    except OSError:
        if not port:
            raise
        await device.open(host)  # somebody else has it now


def _ports(path: Path) -> dict[str, int]:
    """Of the last time; none where nobody wrote them down."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): port for name, port in found.items() if isinstance(port, int)} if isinstance(found, dict) else {}


def _hint(name: str) -> str:
    if name == "sma":
        return f", password {sma.PASSWORD}"
    return f", key {KEY}" if name == "openweathermap" else ""


def register(addresses: dict[str, str]) -> None:
    """The devices at these addresses, made known when they are new, and led there when they are not."""
    HouseRow.objects.filter(pk=1, latitude=None, longitude=None).update(latitude=LATITUDE_DEG, longitude=LONGITUDE_DEG)
    for known in INVERTERS:
        if known.device in addresses:
            inverter = _agent(known, peak_w=known.limit_w(), address=addresses[known.device])
            _plane(known, inverter.pk)
    if WEATHER.device in addresses:
        _agent(WEATHER, address=addresses[WEATHER.device])
    if OUTSIDE.device in addresses:
        _agent(OUTSIDE)


def _agent(known: Known, **fields: Any) -> Agent:
    """Only its address is set again: what somebody has changed besides stays."""
    found: Agent | None = known.model._default_manager.filter(name=known.name).first()
    if found is None:
        return agents.create(known.model, name=known.name, **known.settings, **fields)
    address = fields.get("address")
    if address is not None and getattr(found, "address", address) != address:
        found.address = address  # type: ignore[attr-defined]
        found.save()
    return found


def _plane(known: Known, inverter_id: int) -> None:
    RoofPlane.objects.get_or_create(
        name=f"Roof {known.name}",
        defaults={
            "tilt_deg": ROOF.slope_deg,
            "azimuth_deg": SOUTH_DEG + ROOF.azimuth_deg,
            "peak_w": known.peak_w(),
            "limit_w": known.limit_w(),
            "inverter_id": inverter_id,
        },
    )


def series() -> list[Series]:
    """The sources of the inverters' units, made when they are new: where their past is written to."""
    found = []
    for known in INVERTERS:
        try:
            inverter = Inverter.objects.get(name=known.name)
        except ObjectDoesNotExist:
            continue  # somebody took it away
        for unit, part in known.parts.items():
            counter = sources.ensure(inverter.pk, unit, PRODUCTION.name)
            found.append(Series(PRODUCTION.name, ProductionReading, counter.source_id, "solar", PRODUCTION_S, (part,), PRODUCTION_DAYS))
    return found


def weather() -> Weather | None:
    """None where somebody took it away, or it was never there."""
    return Weather.objects.filter(name=WEATHER.name).first()
