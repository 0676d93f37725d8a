"""A house with controllers in the test database, and what its meter and its holder tell in Valkey."""

import json
from datetime import UTC, datetime
from typing import Any

from control import keys
from control.models import Controller, Output
from energysite import agents, kept, live
from energysite.permissions import MEMBER, OWNER, VIEWER, Actor

NOON = datetime(2026, 7, 14, 10, tzinfo=UTC)
ANN, BOB, EVE = Actor("ann", OWNER), Actor("bob", MEMBER), Actor("eve", VIEWER)


def make_output(name: str = "Plug", **fields: Any) -> Output:
    return agents.create(Output, name=name, **{"family": "dry_run", "max_w": 3500, **fields})


def make_controller(name: str = "Car", output: Output | None = None, **fields: Any) -> Controller:
    given = {"load": "other", "load_w": 1000, "dry_run": False, "period_s": 10, **fields}
    return agents.create(Controller, name=name, output=output or make_output(f"{name} plug"), **given)


def wipe() -> None:
    live.client().flushdb()
    kept.forget_all()


def say(name: str, at: float, **values: Any) -> None:
    """A live frame of this source."""
    live.publisher().frame(name, {"source": name, "time": int(at), "received": at, **values})


def fresh(number: int, meter: str = "Main", stale: str = "") -> None:
    """A telegram that passed rule 2, or why it did not."""
    live.client().hset(keys.FRESH, meter, number)
    if stale:
        live.client().hset(keys.STALE, meter, stale)
    else:
        live.client().hdel(keys.STALE, meter)


def held(output: str, **values: Any) -> None:
    """What hold_outputs tells of it."""
    told = {"level": 0, "read": 0, "power_w": 0, "reachable": True, "error": None, "class": "A", "locked": "", "since": 0, "today": 0}
    live.client().hset(keys.HELD, output, json.dumps({**told, "person": None, "paused": False, "life": 0, **values}))


def leases() -> dict[str, dict[str, Any]]:
    rows: Any = live.client().hgetall(keys.LEASES)
    return {name.decode(): json.loads(text) for name, text in rows.items()}
