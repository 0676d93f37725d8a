"""A house that switches: outputs, controllers, and what the holder and the last tick told of them."""

import json
import time
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from control import keys
from control.models import Controller, Decision, Output, Switch
from energysite import agent_states, agents, live
from meters.models import Meter

HELD: dict[str, Any] = {
    "level": 1,
    "read": 1,
    "power_w": 3412,
    "energy_wh": 120_400,
    "reachable": True,
    "error": None,
    "class": "A",
    "why": "leased",
    "locked": "",
    "paused": False,
    "person": None,
    "today": 3,
    "life": 412,
    "timer_s": 38,
}
# What the tick says of a controller whose car is charged with the sun.
STATE: dict[str, Any] = {
    "status": "on",
    "error": None,
    "level": 1.0,
    "wish": 1.0,
    "rule": "strategy",
    "code": "surplus_carries",
    "params": {"surplus_w": 3640, "need_w": 3400},
    "rejected": [],
    "mode": "auto",
    "dry_run": False,
    "surplus_w": 3640,
    "power_w": 3412,
    "read": 1,
    "energy_wh": 4200,
    "solar_wh": 4200,
}


def logged_in(role: str = "viewer") -> Client:
    client = Client(headers={"host": "localhost"})
    user = User.objects.create_user(f"{role} {User.objects.count()}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def make_load(name: str = "Car", **fields: Any) -> Controller:
    """A controller that really switches, and its output, called "<name>'s plug"."""
    output = agents.create(Output, name=f"{name}'s plug", family="dry_run", max_w=16_000)
    return agents.create(Controller, **{"name": name, "output": output, "dry_run": False, "load_w": 3400, **fields})


def hold(controller: Controller, *, age_s: float = 0.0, **told: Any) -> None:
    """As hold_outputs tells of its output."""
    held = {**HELD, "at": time.time() - age_s, "since": time.time() - 600, "read_at": time.time() - age_s, **told}
    live.client().hset(keys.HELD, controller.output.name, json.dumps(held))


def tick(controller: Controller, *, age_s: float = 0.0, **told: Any) -> None:
    """As the last tick told of it, and the worker that made it."""
    state = {**STATE, **told}
    agent_states.tell(controller.name, state)
    if age_s:
        live.client().hset(f"agent:{controller.name}", "at", json.dumps(time.time() - age_s))
    live.client().hset(live.HEARTBEATS, "worker", repr(time.time() - age_s))


def frame(controller: Controller, **values: Any) -> None:
    """The live frame of a tick: pages fetch anew what it is about."""
    now = time.time()
    told = {"source": controller.name, "kind": "control", "time": int(now), "received": round(now, 3), "level": 1.0, "code": "mode_on"}
    assert live.publisher().frame(controller.name, {**told, **values})


def telegram(age_s: float = 0.0, **values: Any) -> Meter:
    """A meter, and its last telegram."""
    meter = Meter.objects.first() or agents.create(Meter, name="Main", connection="/dev/ttyUSB0")
    at = time.time() - age_s
    known = {"import_w": 120, "export_w": 0, "quarter_w": 610, "month_peak_w": 3480}
    live.publisher().frame(meter.name, {"source": meter.name, "time": int(at), "received": round(at, 3), **known, **values})
    return meter


def decide(controller: Controller, at: datetime | None = None, **fields: Any) -> Decision:
    plain: dict[str, Any] = {
        "time": at or timezone.now() - timedelta(minutes=5),
        "level": 0.0,
        "rule": "strategy",
        "code": "surplus_below",
        "params": {"surplus_w": 640, "below_w": 1200, "for_s": 300},
        "wish": 0.0,
        "rejected": [],
        "inputs": {"net_w": -640, "fresh": True, "surplus_w": 640, "level": 1.0},
        "dry_run": False,
    }
    return Decision.objects.create(controller=controller, **{**plain, **fields})


def switched(controller: Controller, level: float, cause: str = "leased", at: datetime | None = None) -> Switch:
    return Switch.objects.create(output=controller.output, time=at or timezone.now() - timedelta(minutes=5), level=level, cause=cause)
