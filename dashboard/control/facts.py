"""What the pages of control know, gathered from whatever answers: the database, and Valkey with what the holder tells."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import redis

from control import queries
from control.models import Controller, ControllerDay, Decision, Output, Override
from energysite import house, live
from energysite.models import House
from meters.models import Meter

logger = logging.getLogger(__name__)

# What a tick told is of this moment for three ticks.
TOLD_S = 30.0
# Three beats of the worker; hold_outputs tells every second and is started again when it stands still for ten.
WORKER_SILENT_S, HOLDER_SILENT_S, METER_SILENT_S = 30.0, 10.0, 30.0


@dataclass(frozen=True, slots=True)
class One:
    """A controller. `state`: what the last tick told, empty where that is too long ago; `held`: of its output, empty while nobody tells."""

    controller: Controller
    state: Mapping[str, Any]
    held: Mapping[str, Any]
    decision: Decision | None
    override: Override | None
    day: ControllerDay

    @property
    def output(self) -> Output:
        return self.controller.output

    @property
    def level(self) -> float | None:
        """What the device says of itself, else what it was told last."""
        read = self.held.get("read")
        return read if read is not None else self.held.get("level")


@dataclass(frozen=True, slots=True)
class Facts:
    """`frames`: the last ones of the meters; `beats`: when each process beat last, epoch. `valkey`: it answers; else both are empty."""

    at: datetime
    house: House
    ones: list[One]
    meters: list[Meter]
    copied: bool
    valkey: bool
    frames: Mapping[str, live.Frame]
    beats: Mapping[str, float]

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.house.zone)

    @property
    def epoch(self) -> float:
        return self.at.timestamp()

    def worker_silent_for(self) -> float | None:
        """Seconds; None where it never beat, or nobody can tell."""
        return self._since(self.beats.get("worker"))

    def holder_silent_for(self) -> float | None:
        """The same of hold_outputs, which tells of each output every second."""
        told = [one.held["at"] for one in self.ones if one.held.get("at")]
        return self._since(max([*told, self.beats.get("hold_outputs", 0.0)]) or None)

    def _since(self, epoch: float | None) -> float | None:
        return None if epoch is None else max(0.0, self.epoch - epoch)

    def of_meters(self) -> list[live.Frame]:
        """The last telegram of each meter in use."""
        return [self.frames[meter.name] for meter in self.meters if meter.name in self.frames]

    def meter_heard(self) -> float | None:
        """When the freshest meter spoke last, epoch."""
        return max((frame["received"] for frame in self.of_meters()), default=None)

    @property
    def meter_silent(self) -> bool:
        heard = self.meter_heard()
        return self.valkey and (heard is None or self.epoch - heard > METER_SILENT_S)


def gather(at: datetime, name: str | None = None) -> Facts:
    """Of all controllers, or of one. Needs the database: raises what `database.asked` makes a DatabaseAway of."""
    overview = queries.overview(at)
    chosen = sorted((one for one in overview.controllers if name in (None, one.row.name)), key=lambda one: not one.row.enabled)
    decisions = {one.controller_id: one for one in _latest([one.row.pk for one in chosen])}
    frames, beats = _told() if overview.live else ({}, {})
    ones = [
        One(
            shown.row,
            shown.state if (shown.silent_s(at) or 0.0) <= TOLD_S else {},
            shown.held,
            decisions.get(shown.row.pk),
            shown.override,
            shown.today,
        )
        for shown in chosen
    ]
    meters = list(Meter.objects.filter(enabled=True).order_by("pk"))
    return Facts(at, house.current(), ones, meters, overview.copied, overview.live, frames, beats)


def _latest(keyed: list[int]) -> Iterable[Decision]:
    """One index look-up a controller, however long the log is."""
    return Decision.objects.raw(
        "SELECT d.* FROM unnest(%s::bigint[]) AS c(id)"
        " CROSS JOIN LATERAL (SELECT * FROM control_decision WHERE controller_id = c.id ORDER BY time DESC LIMIT 1) AS d",
        [keyed],
    )


def _told() -> tuple[dict[str, live.Frame], dict[str, float]]:
    try:
        return live.of_kind(live.last_frames()), live.heartbeats()
    except redis.RedisError as error:
        logger.warning("no live values for the pages of control: %s", error)
        return {}, {}
