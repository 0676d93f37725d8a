"""Options of `demo_house` that speak to the one that runs already: its people."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from energysite.demo import faults, hands
from energysite.demo.devices.modes import MODES, SWITCHES

OPTIONS = ("press", "unplug", "plug", "behave", "meter", "cloud", "sun", "show")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    asked = parser.add_argument_group("to the demo house that runs already on this data folder (nothing is started)")
    asked.add_argument("--press", metavar="SWITCH", help=f"a person at the button of {', '.join(SWITCHES[:-1])}")
    asked.add_argument("--unplug", metavar="NAME", help="meter, or a device: it is away")
    asked.add_argument("--plug", metavar="NAME", help="it is back")
    asked.add_argument("--behave", metavar="DEVICE:MODE", help=f"how a device behaves from now on: {', '.join(MODES)}")
    asked.add_argument("--meter", metavar="FAULT[:N]", help=f"a fault of the meter: {', '.join(faults.DEFAULTS)}; well: none")
    asked.add_argument("--cloud", metavar="SECONDS", nargs="?", const="", help=f"a cloud passes; default {hands.CLOUD_S} s")
    asked.add_argument(
        "--sun", metavar="WATTS[:SECONDS]", help=f"what its panels make, by night too; default {hands.SUN_S} s; off: as it was"
    )
    asked.add_argument("--show", action="store_true", help="its meter and switches, in JSON")


def is_asked(options: dict[str, Any]) -> bool:
    return any(options[name] not in (None, False) for name in OPTIONS)


def lines(options: dict[str, Any]) -> list[str]:
    """What is said to the house, in the order of OPTIONS."""
    found = []
    for name in OPTIONS:
        value = options[name]
        if value in (None, False):
            continue
        if name == "show":
            found.append("show")
        elif name == "sun":
            found.append("sun" if value == "off" else f"sun {value.replace(':', ' ')}")
        elif name == "behave":
            device, _colon, mode = value.partition(":")
            found.append(f"behave {device} {mode}")
        else:
            found.append(f"{name} {value}".strip())
    return found


def ask(options: dict[str, Any], folder: Path, say: Callable[[str], None]) -> None:
    """Raises CommandError where none runs, or it refuses."""
    for line in lines(options):
        try:
            told = hands.tell(folder, line)
        except (OSError, ValueError) as error:
            raise CommandError(f"No demo house answers for {folder} ({error}). Start one: `manage.py up --demo`.") from error
        if not told.pop("ok"):
            raise CommandError(str(told.get("error")))
        say(json.dumps(told, indent=2) if told else f"demo house: {line}: done")
