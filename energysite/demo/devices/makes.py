"""The devices that the demo house can put on the wire, by name."""

from pathlib import Path

from energysite.demo.devices.certificate import certificate
from energysite.demo.devices.device import Clock, Device
from energysite.demo.devices.fronius import Fronius
from energysite.demo.devices.homewizard import HomeWizard
from energysite.demo.devices.mcp3008 import Mcp3008
from energysite.demo.devices.modes import Mode
from energysite.demo.devices.sma import Sma
from energysite.demo.devices.sunspec import SunSpec
from energysite.demo.model import House
from energysite.demo.weather_servers import OpenMeteo, OpenWeatherMap

SPI_SOCKET = "spi.sock"
PLAIN: dict[str, type[Device]] = {
    "fronius": Fronius,
    "sunspec": SunSpec,
    "homewizard": HomeWizard,
    "open_meteo": OpenMeteo,
    "openweathermap": OpenWeatherMap,
}


def make(name: str, house: House, now: Clock, mode: Mode, folder: Path) -> Device:
    """`name`: one of devices.modes.DEVICES; `folder`: where the SPI socket and the SMA's certificate are. It is not open yet.

    Raises KeyError for another name, OSError and CalledProcessError where the certificate cannot be made.
    """
    if name == "sma":
        return Sma(house, now, mode, certificate(folder))
    if name == "spi":
        return Mcp3008(house, now, mode, folder / SPI_SOCKET)
    return PLAIN[name](house, now, mode)
