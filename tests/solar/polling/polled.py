"""Inverters on the wire, polled: when, which, and what is seen of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from energysite import agent_states, agents, live
from solar.models import Inverter
from tests.emulators.http_device import HttpLookalike

NOON = datetime(2026, 6, 21, 11, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 21, 23, 0, tzinfo=UTC)


class Clock:
    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def step(self, seconds: float = 10) -> None:
        self.at += timedelta(seconds=seconds)


def a_fronius(device: HttpLookalike, **fields: Any) -> Inverter:
    return agents.create(
        Inverter, **{"name": "Roof", "family": "fronius", "address": device.address, "period_s": 10, "peak_w": 5000, **fields}
    )


def a_json_device(device: HttpLookalike, **fields: Any) -> Inverter:
    paths = {"page": "/status", "power_path": "w"}
    return agents.create(Inverter, **{"name": "Roof", "family": "http_json", "address": device.address, "period_s": 10, **paths, **fields})


def state_of(name: str = "Roof") -> dict[str, Any]:
    return agent_states.read(live.client(), name)


def frame_of(name: str = "Roof") -> live.Frame:
    return live.last_frames()[name]
