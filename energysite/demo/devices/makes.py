"""The devices that the demo house can put on the wire, by name."""

import time
from pathlib import Path

from energysite.demo.appliances import appliances
from energysite.demo.contacts import Contact, Mono
from energysite.demo.devices.certificate import certificate
from energysite.demo.devices.device import Clock, Device
from energysite.demo.devices.fronius import Fronius
from energysite.demo.devices.homewizard import HomeWizard
from energysite.demo.devices.homewizard_socket import HomeWizardSocket
from energysite.demo.devices.mcp3008 import Mcp3008
from energysite.demo.devices.modes import SWITCHES, Mode
from energysite.demo.devices.relay import Relay
from energysite.demo.devices.shelly1 import Shelly1
from energysite.demo.devices.shelly2 import Shelly2
from energysite.demo.devices.sma import Sma
from energysite.demo.devices.sunspec import SunSpec
from energysite.demo.devices.switch import SwitchDevice
from energysite.demo.devices.tasmota import Tasmota
from energysite.demo.model import House
from energysite.demo.switched import SwitchedHouse
from energysite.demo.weather_servers import OpenMeteo, OpenWeatherMap

SPI_SOCKET = "spi.sock"
PINS_SOCKET = "pins.sock"
PLAIN: dict[str, type[Device]] = {
    "fronius": Fronius,
    "sunspec": SunSpec,
    "homewizard": HomeWizard,
    "open_meteo": OpenMeteo,
    "openweathermap": OpenWeatherMap,
}
SWITCHED: dict[str, type[SwitchDevice]] = {
    "shelly1": Shelly1,
    "shelly2": Shelly2,
    "tasmota": Tasmota,
    "homewizard_socket": HomeWizardSocket,
}


def make(name: str, house: House, now: Clock, mode: Mode, folder: Path, mono: Mono = time.monotonic) -> Device:
    """`name`: one of devices.modes.DEVICES; `folder`: where the sockets of SPI and pins and the SMA's certificate are. `mono`: the
    clock of switches' timers, where the house has no contact of that name. It is not open yet.

    Raises KeyError for another name, OSError and CalledProcessError where the certificate cannot be made.
    """
    if name == "sma":
        return Sma(house, now, mode, certificate(folder))
    if name == "spi":
        return Mcp3008(house, now, mode, folder / SPI_SOCKET)
    if name in SWITCHES:
        known = house.contacts.get(name) if isinstance(house, SwitchedHouse) else None
        contact = known or Contact(appliances()[name], mono)
        if name == "relay":
            return Relay(house, now, mode, folder / PINS_SOCKET, contact)
        return SWITCHED[name](house, now, mode, contact)
    return PLAIN[name](house, now, mode)
