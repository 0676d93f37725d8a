"""The emulated house: speaks P1 on the wire, and can tell the database its past."""

import argparse
import asyncio
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from energysite.demo import faults
from energysite.demo.appliances import appliances
from energysite.demo.calendar import NAMED_DAYS, day_of
from energysite.demo.contacts import Contact
from energysite.demo.devices.modes import DEVICES, MODES, SWITCHES, Mode, parse_device_mode
from energysite.demo.hands import Hands
from energysite.demo.ledger import Ledger
from energysite.demo.moves import Moves
from energysite.demo.outputs import Output, Pty, Tcp
from energysite.demo.profile import Recipe
from energysite.demo.serve import SystemClock, live, replay
from energysite.demo.switched import SwitchedHouse
from energysite.management.commands import _demo_devices as on_the_wire
from energysite.management.commands import _demo_forecast as forecast_past
from energysite.management.commands import _demo_hands as people
from energysite.management.commands import _demo_history as history
from energysite.management.commands import _demo_switches as switches
from energysite.management.commands import _demo_weather as weather_past
from meters.replay import schedule

PTY_NAME = r"letters, digits, dot, dash and underscore"
LOOPBACK = "127.0.0.1"
JOIN_S = 5.0
LOOK_S = 0.2
MOST_DAYS = 4000
LINGER_S = 45.0  # a switch that is on when the site dies switches itself off within this time, for all to see
AFTER_S = 3.0  # and then is seen to be off

log = structlog.get_logger(__name__)


def fault(text: str) -> faults.Fault:
    try:
        return faults.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def device_fault(text: str) -> tuple[str, Mode]:
    try:
        return parse_device_mode(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


class Command(BaseCommand):
    help = (
        "A house on the wire: a Belgian P1 port (3 x 400 V, solar, a car, gas, water) that sends a telegram each second, over a "
        "pseudo-terminal and over TCP. What it tells depends on the seed and the time only: it goes on after a restart as if it had "
        "never stopped. Serves until it is stopped. Examples: `manage.py --demo demo_house --pty meter --register --history 400`; "
        "`manage.py demo_house --tcp 9000 --day cloudy`; `manage.py demo_house --pty meter --replay FILE --speed 20`."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        wire = parser.add_argument_group("where it speaks (at least one)")
        wire.add_argument("--pty", metavar="NAME", help=f"a pseudo-terminal, found at DATA_DIR/<mode>/pty/NAME ({PTY_NAME})")
        wire.add_argument("--tcp", metavar="PORT", type=int, help="a TCP port, for any number of readers")
        wire.add_argument(
            "--devices",
            action="store_true",
            help="its other devices too, on free ports: Fronius and SunSpec inverters (together its sun), SMA WebConnect (the same as the "
            "SunSpec's), a HomeWizard meter (the same as the Fronius's), weather services, an MCP3008 at DATA_DIR/<mode>/spi.sock; and "
            "switches with what hangs on them, which the telegrams show: Shelly of both generations, Tasmota, a HomeWizard socket, and a "
            "relay at DATA_DIR/<mode>/pins.sock",
        )
        wire.add_argument("--bind", default=LOOPBACK, help="the address of its ports; default %(default)s")
        said = parser.add_argument_group("what it says")
        said.add_argument("--seed", type=int, default=1, help="which house; another one has other counters. Default %(default)s")
        said.add_argument("--day", choices=sorted(NAMED_DAYS), default="", help="every day is this one: its sun, its clouds, its people")
        said.add_argument(
            "--speed", type=float, default=1.0, metavar="N", help="N seconds of the house each second; 0: a replay at full speed"
        )
        said.add_argument(
            "--fault",
            type=fault,
            action="append",
            default=[],
            metavar="NAME[:N]",
            help="crc, cut or garbage: every Nth telegram (10); silence: N seconds of each minute (30); frozen: the clock stands still. "
            "May be given several times",
        )
        said.add_argument(
            "--device-fault",
            type=device_fault,
            action="append",
            default=[],
            metavar="DEVICE:MODE[:N]",
            help=f"how one of {', '.join(DEVICES)} behaves: {', '.join(MODES)}; such as fronius:garbage, sunspec:slow:2, sma:status:429. "
            "May be given several times",
        )
        said.add_argument("--replay", metavar="FILE", type=Path, help="not the house, but this capture, at its telegrams' own pace x speed")
        site = parser.add_argument_group("the site's database (demo mode only)")
        site.add_argument("--register", action="store_true", help="make this meter known to the site, once")
        site.add_argument(
            "--history",
            metavar="DAYS",
            type=int,
            default=0,
            help=f"write the readings that are missing since DAYS days ago: every {history.CADENCE_S} s for the last {history.FINE_DAYS} "
            "days, by quarters of an hour before that (from the first of a month)",
        )
        people.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if people.is_asked(options):
            people.ask(options, settings.MODE_DIR, self.say)
            return
        self._check(options)
        try:
            with suppress(KeyboardInterrupt):
                asyncio.run(self._run(options))
        except OSError as error:
            raise CommandError(f"The demo house cannot speak: {error}.") from error

    def _check(self, options: dict[str, Any]) -> None:
        name = options["pty"]
        if name is None and options["tcp"] is None:
            raise CommandError("Say where it speaks: --pty NAME, --tcp PORT, or both.")
        if name is not None and not (name.replace("-", "").replace("_", "").replace(".", "").isalnum() and name.isascii()):
            raise CommandError(f"--pty {name!r}: use {PTY_NAME}.")
        if options["tcp"] is not None and not 0 <= options["tcp"] <= 65535:
            raise CommandError(f"--tcp {options['tcp']} is no port: 1 to 65535, or 0 for any that is free.")
        if options["speed"] < 0 or (options["speed"] == 0 and options["replay"] is None):
            raise CommandError("--speed must be more than 0 (0 only for a replay).")
        if not 0 <= options["history"] <= MOST_DAYS:
            raise CommandError(f"--history takes 0 to {MOST_DAYS} days.")
        if options["replay"] is not None:
            if not options["replay"].is_file():
                raise CommandError(f"There is no capture {options['replay']}.")
            if options["history"]:
                raise CommandError("A replay has no history: leave --history out.")
        if options["device_fault"] and not options["devices"]:
            raise CommandError("--device-fault goes with --devices.")
        if options["devices"] and options["replay"] is not None:
            raise CommandError("A replay has no devices: leave --devices out.")
        if (options["register"] or options["history"]) and settings.MODE != "demo":
            raise CommandError(
                "This is a real house. The demo meter belongs in the demo's own database: use `manage.py --demo demo_house`."
            )

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    async def _run(self, options: dict[str, Any]) -> None:
        stop, ended, counted = threading.Event(), asyncio.Event(), threading.Event()

        def end() -> None:
            stop.set()
            ended.set()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, end)
        outputs: list[Output] = []
        devices = on_the_wire.Devices(self.say)
        recipe = _recipe(options)
        moves = Moves(settings.MODE_DIR, f"{recipe.seed}-{recipe.repeat or 'own'}")
        database: threading.Thread | None = None
        try:
            addresses = await self._open(options, outputs)
            if options["register"] or options["history"]:
                database = threading.Thread(
                    target=self._tell_database, args=(addresses[0], devices, moves, options, stop, counted), name="database", daemon=True
                )
                database.start()
            speaking = asyncio.create_task(self._speak(options, outputs, addresses, devices, moves, stop, counted))
            await asyncio.wait({speaking, asyncio.create_task(ended.wait())}, return_when=asyncio.FIRST_COMPLETED)
            if speaking.done() and not stop.is_set():
                speaking.result()  # it serves for ever: what ended it is an error
            ended.clear()
            await self._linger(devices, speaking, ended)
            speaking.cancel()
        finally:
            stop.set()
            await devices.close()
            moves.close()
            for output in outputs:
                await output.close()
            if database is not None:
                database.join(JOIN_S)

    async def _linger(self, devices: on_the_wire.Devices, speaking: asyncio.Task[None], ended: asyncio.Event) -> None:
        """A house does not end with the program that commands it: while a switch is on because that said so, it goes on, until the
        program or the switch's own timer switched it off, LINGER_S at most, or it is told to end once more."""
        until, on = asyncio.get_running_loop().time() + LINGER_S, devices.commanded()
        waits = bool(on)
        if waits:
            self._last_words(f"demo house: asked to end; {', '.join(on)} still on, waiting {LINGER_S:.0f} s at most for it to go off")
        while on and not speaking.done() and not ended.is_set() and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(LOOK_S)
            off, on = sorted(set(on) - set(devices.commanded())), devices.commanded()
            if off:
                self._last_words(f"demo house: {', '.join(off)} went off")
        if waits and not speaking.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), AFTER_S)

    def _last_words(self, line: str) -> None:
        with suppress(OSError):  # whoever listened may be gone
            self.say(line)

    async def _speak(
        self,
        options: dict[str, Any],
        outputs: list[Output],
        addresses: list[str],
        devices: on_the_wire.Devices,
        moves: Moves,
        stop: threading.Event,
        counted: threading.Event,
    ) -> None:
        """For ever. `counted` is set when the past is known and the devices are on the wire."""
        for address in addresses:
            self.say(f"demo house: speaking at {address}")
        if options["replay"] is not None:
            written = await replay(schedule([options["replay"].read_bytes()], options["speed"]), outputs)
            self.say(f"demo house: the capture has ended after {written} telegrams; the port stays open")
            await asyncio.Event().wait()
        clock = SystemClock(options["speed"])
        ledger = await asyncio.to_thread(self._ledger, _recipe(options), int(clock.now()), stop)
        contacts = {name: Contact(appliances()[name]) for name in SWITCHES} if options["devices"] else {}
        house = SwitchedHouse(ledger, moves, contacts)
        meter_faults = list(options["fault"])

        async def answer() -> None:
            if options["devices"]:
                await devices.open(house, clock.now, dict(options["device_fault"]), settings.MODE_DIR, options["bind"])
                await devices.listen(Hands(house, devices.by_name, meter_faults, clock.now, settings.MODE_DIR))
            counted.set()

        await asyncio.gather(live(house, outputs, clock, meter_faults), answer())

    async def _open(self, options: dict[str, Any], outputs: list[Output]) -> list[str]:
        """Opens what was asked for; the addresses under which a meter finds it."""
        addresses = []
        if options["pty"] is not None:
            link = settings.MODE_DIR / "pty" / options["pty"]
            outputs.append(Pty(link))
            addresses.append(str(link))
        if options["tcp"] is not None:
            tcp = Tcp()
            outputs.append(tcp)
            await tcp.listen(options["bind"], options["tcp"])
            addresses.append(f"socket://{options['bind']}:{tcp.port}")
        return addresses

    def _ledger(self, recipe: Recipe, now: int, stop: threading.Event) -> Ledger:
        """Counters that stand where they should. The first time takes seconds. Raises Stopped."""
        ledger = Ledger(recipe, settings.MODE_DIR)

        def progress(done: int, of: int) -> None:
            if stop.is_set():
                raise history.Stopped
            self.say(f"demo house: counting its past, day {done} of {of}")

        ledger.prepare(day_of(now), progress)
        return ledger

    def _tell_database(
        self,
        address: str,
        devices: on_the_wire.Devices,
        moves: Moves,
        options: dict[str, Any],
        stop: threading.Event,
        counted: threading.Event,
    ) -> None:
        """In a thread of its own: the port must not wait for the database."""
        try:
            began = int(time.time())
            meter = history.patiently(lambda: history.register(address), stop, self.say)
            self.say(f"demo house: the site knows it as {meter.name}")
            while not counted.wait(0.2):
                if stop.is_set():
                    raise history.Stopped
            found = devices.addresses()
            if options["register"] and found:
                history.patiently(lambda: on_the_wire.register(found), stop, self.say)
                history.patiently(lambda: switches.register(found, self.say), stop, self.say)
            if options["history"]:
                house = SwitchedHouse(Ledger(_recipe(options), settings.MODE_DIR), moves, kept_days=history.KEPT_DAYS)
                more = history.patiently(on_the_wire.series, stop, self.say) if found else []
                past = history.History(house, meter, options["history"], stop, self.say, began, more=more)
                past.fill(began)
                past.join_live(began)
                if (weather := history.patiently(on_the_wire.weather, stop, self.say)) is not None:
                    weather_past.fill(house, weather, options["history"], began, stop, self.say)
                    if options["history"] >= forecast_past.FEWEST_DAYS:
                        forecast_past.fill(weather, began, stop, self.say)
        except history.Stopped:
            pass  # asked to end: the next run goes on where this one was
        except Exception:
            log.exception("the demo house could not write its history; it goes on speaking")
        finally:
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined]


def _recipe(options: dict[str, Any]) -> Recipe:
    return Recipe(options["seed"], options["day"])
