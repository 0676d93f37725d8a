"""What people do in a demo house that runs: press a button, pull a plug, wait for a cloud. A line asks, a line of JSON answers.

    tell(folder, "press shelly2")           the button of a switch
    tell(folder, "behave shelly2 lying")    a device's mode: see devices.modes; auto is well again
    tell(folder, "unplug meter")            also a device; "plug meter" puts it back
    tell(folder, "meter frozen")            a fault of its port or clock: see demo.faults; "meter well" ends all of them
    tell(folder, "cloud 600")               the sun is covered for so many seconds
    tell(folder, "sun 4000 1800")           the panels make 4,000 W for so many seconds, by night too
    tell(folder, "sun")                     the sun of the recipe again
    tell(folder, "show")                    {"ok": true, "at", "net_w", "sun_w", "meter": [faults], "switches": {name: {...}}}

Anything else answers {"ok": false, "error": text}.
"""

import asyncio
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from energysite.demo import faults
from energysite.demo.devices.device import Clock, Device
from energysite.demo.devices.modes import Mode, parse_mode
from energysite.demo.devices.relay import Relay
from energysite.demo.devices.switch import SwitchDevice
from energysite.demo.devices.unix import short
from energysite.demo.faults import Fault
from energysite.demo.switched import CLOUD_PCT, SwitchedHouse

SOCKET = "demo.sock"
LONGEST_LINE = 300
CLOUD_S, SUN_S = 600, 1800
MOST_W, MOST_S = 20_000, 86_400


def tell(folder: Path, line: str, timeout_s: float = 5) -> dict[str, Any]:
    """What the demo house that runs on this folder answers. Raises OSError where none runs."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        with short(folder / SOCKET) as path:
            connection.connect(path)
        connection.sendall(line.encode() + b"\n")
        with connection.makefile("rb") as answer:
            told: dict[str, Any] = json.loads(answer.readline() or b'{"ok": false, "error": "it ended"}')
            return told


class Hands:
    """`meter_faults`: the list that the meter's port looks at."""

    def __init__(self, house: SwitchedHouse, devices: Mapping[str, Device], meter_faults: list[Fault], now: Clock, folder: Path) -> None:
        self.house, self.devices, self.meter_faults, self.now = house, devices, meter_faults, now
        self.path = folder / SOCKET
        self._server: asyncio.Server | None = None
        self._file = 0

    async def open(self) -> None:
        """Raises OSError."""
        self.path.unlink(missing_ok=True)
        with short(self.path) as path:
            self._server = await asyncio.start_unix_server(self._serve, path, limit=LONGEST_LINE)
        self.path.chmod(0o600)
        self._file = self.path.stat().st_ino

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self.path.exists() and self.path.stat().st_ino == self._file:
            self.path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self.answer(line.decode(errors="replace"))).encode() + b"\n")
                await writer.drain()
        except (ValueError, OSError):
            pass  # a line without end, or nobody waits for the answer
        finally:
            writer.close()

    async def answer(self, line: str) -> dict[str, Any]:
        words = line.split()
        try:
            match words:
                case ["show"]:
                    return self._shown()
                case ["press", name]:
                    self._switch(name).press()
                case ["behave", name, mode]:
                    await self._device(name).set_mode(parse_mode(mode))
                case ["unplug" | "plug", "meter"]:
                    self._meter([Fault("unplugged", 1)] if words[0] == "unplug" else [])
                case ["unplug" | "plug", name]:
                    await self._device(name).set_mode(Mode("off" if words[0] == "unplug" else "auto"))
                case ["meter", "well"]:
                    self._meter([])
                case ["meter", fault]:
                    self._meter([*self.meter_faults, faults.parse(fault)])
                case ["cloud", *rest] if len(rest) < 2:
                    self.house.sky.pct = CLOUD_PCT
                    self.house.sky.cloud_until = int(self.now()) + _whole(rest, CLOUD_S, MOST_S)
                case ["sun"]:
                    self.house.sky.sun_w = None
                    self.house.sky.cloud_until = 0
                case ["sun", watts, *rest] if len(rest) < 2:
                    until = int(self.now()) + _whole(rest, SUN_S, MOST_S)
                    self.house.sky.sun_w, self.house.sky.sun_until = _whole([watts], 0, MOST_W), until
                    self.house.sky.cloud_until = 0
                case _:
                    raise ValueError(f"{line.strip()!r} is nothing that can be done here.")
        except ValueError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True}

    def _meter(self, found: list[Fault]) -> None:
        self.meter_faults[:] = found

    def _device(self, name: str) -> Device:
        if name not in self.devices:
            raise ValueError(f"There is no {name!r}: {', '.join(sorted(self.devices))}.")
        return self.devices[name]

    def _switch(self, name: str) -> SwitchDevice:
        device = self._device(name)
        if not isinstance(device, SwitchDevice):
            raise ValueError(f"{name} has no button.")
        return device

    def _shown(self) -> dict[str, Any]:
        at = self.house.at
        reading = self.house.reading(at) if at else None
        found = {name: device for name, device in self.devices.items() if isinstance(device, (SwitchDevice, Relay))}
        return {
            "ok": True,
            "at": at,
            "net_w": reading.net_w if reading else None,
            "sun_w": self.house.made((0, 1, 2), at).power_w if at else None,
            "meter": [fault.name for fault in self.meter_faults],
            "switches": {name: self._shown_switch(device) for name, device in found.items()},
        }

    def _shown_switch(self, device: SwitchDevice | Relay) -> dict[str, Any]:
        contact = device.contact
        return {
            "address": device.address,
            "mode": device.mode.name,
            "on": contact.on,
            "closed": contact.closed,
            "power_w": contact.power_w(device.at()),
            "energy_wh": round(contact.energy_wh(device.at()), 3),
            "timer_left_s": round(contact.timer_left_s, 1),
            "switches": contact.switches,
            "source": contact.source,
        }


def _whole(words: list[str], usual: int, most: int) -> int:
    """Raises ValueError, in words."""
    if not words:
        return usual
    if not words[0].isdigit() or int(words[0]) > most:
        raise ValueError(f"{words[0]!r} must be a number from 0 to {most}.")
    return int(words[0])
