"""The demo house's switches made known to the site, each with a controller; led to the ports that they have this time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from django.utils import timezone

from control.models import Controller, Departure, Output
from control.outputs import set_up
from energysite import agents
from energysite.demo.devices.relay import PIN
from energysite.errors import EnergyError

EVERY_DAY = range(1, 8)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Switched:
    """A device, its output and the controller of what hangs on it. `departures`: kWh by an hour of each day."""

    device: str
    output: str
    of_output: dict[str, Any]
    controller: str
    of_controller: dict[str, Any]
    departures: dict[time, float] = field(default_factory=dict)


SWITCHED = (
    Switched(
        "shelly2",
        "Car plug",
        {"family": Output.Family.SHELLY2, "max_w": 3500},
        "Car",
        {"load": Controller.Load.EV, "load_w": 1380, "priority": 2, "strategy": Controller.Strategy.BUDGET},
    ),
    Switched(
        "tasmota",
        "Boiler plug",
        {"family": Output.Family.TASMOTA, "max_w": 3680},
        "Boiler",
        {"load": Controller.Load.BOILER, "load_w": 2000, "priority": 1, "strategy": Controller.Strategy.PLAN},
        {time(6, 30): 3.0},
    ),
    Switched(
        "homewizard_socket",
        "Pump socket",
        {"family": Output.Family.HOMEWIZARD, "max_w": 2500},
        "Circulation pump",
        {
            "load": Controller.Load.PUMP,
            "load_w": 370,
            "priority": 3,
            "min_on_s": 600,
            "strategy": Controller.Strategy.WINDOW,
            "window_from": time(6, 0),
            "window_to": time(8, 30),
        },
    ),
    Switched(
        "relay",
        "Heater relay",
        {"family": Output.Family.GPIO, "pin": PIN, "active_high": True, "max_w": 1800},
        "Infrared heater",
        {"load_w": 600, "priority": 4, "strategy": Controller.Strategy.THRESHOLD, "upper_w": 900, "deadband_w": 600},
    ),
)
PERIOD_S = 30


def register(addresses: dict[str, str], say: Say) -> None:
    """Outputs and controllers made when they are new; of others only the address is set again. What a person took away, controller or
    output, comes back with the next start, as everything in a demo house does."""
    for known in SWITCHED:
        if known.device in addresses:
            output = _output(known, addresses[known.device])
            _set_up(output, timezone.now(), say)
            if not Controller.objects.filter(output=output).exists() and not Controller.objects.filter(name=known.controller).exists():
                _controller(known, output)


def _output(known: Switched, address: str) -> Output:
    own = "" if known.of_output["family"] == Output.Family.GPIO else address
    output = Output.objects.filter(name=known.output).first()
    if output is None:
        return agents.create(Output, name=known.output, address=own, **known.of_output)
    if own and output.address != own:
        output.address = own
        output.save()
    return output


def _set_up(output: Output, now: datetime, say: Say) -> None:
    """As a person would do at its page: off when its power returns, and a timer of its own where it has one (rule 9 of safety)."""
    if not set_up.has_settings(output):
        return
    try:
        set_up.make_safe(output, now)
    except EnergyError as error:
        say(f"demo house: {output.name} could not be set up: {error}")


def _controller(known: Switched, output: Output) -> None:
    controller = agents.create(Controller, name=known.controller, output=output, dry_run=False, period_s=PERIOD_S, **known.of_controller)
    for by, kwh in known.departures.items():
        for day in EVERY_DAY:
            Departure.objects.create(controller=controller, day=day, by=by, kwh=kwh)
