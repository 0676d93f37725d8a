"""What pages may ask of controllers and outputs. Nothing here commands; that is `control.ticking.overrides`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import redis
from django.db.models import Prefetch

from control import keys, models
from control.rules.facts import Load
from control.ticking import known, recording
from control.ticking.house_told import TICKING
from energysite import agent_states, house, live, timegrid

KIND = "control"


@dataclass(frozen=True, slots=True)
class Shown:
    """One controller as a page shows it. `row.output` is read along, `departures` too.

    `state`: what the last tick said of it (`control.ticking.telling.state_of`), with "at"; the copy of a minute ago while Valkey is away,
    and empty before the first tick. `held`: what hold_outputs says of its output, see `control.keys`. `today`: of the local day so far.
    """

    row: models.Controller
    departures: list[models.Departure]
    override: models.Override | None
    today: models.ControllerDay
    state: dict[str, Any] = field(default_factory=dict)
    held: dict[str, Any] = field(default_factory=dict)

    @property
    def solar_pct(self) -> int | None:
        """Of today's energy; None where there was none."""
        return round(100 * self.today.solar_wh / self.today.energy_wh) if self.today.energy_wh > 0 else None

    def silent_s(self, now: datetime) -> float | None:
        """Since the last tick that decided about it; None before the first."""
        at = self.state.get("at")
        return None if at is None else max(0.0, now.timestamp() - at)


@dataclass(frozen=True, slots=True)
class Overview:
    """`controllers` in order of priority, those switched off too. `tick`: {"at", "took_s", "late_s", "loads"} of the last one, empty
    before it. `live`: False while Valkey is away. `copied`: everything runs dry until the owner answers (rule 12)."""

    controllers: list[Shown]
    tick: dict[str, Any]
    live: bool
    copied: bool


def overview(now: datetime) -> Overview:
    """In five statements. Raises django.db.Error."""
    rows = list(
        models.Controller.objects.select_related("output", "signal", "state")
        .prefetch_related("departures", Prefetch("overrides", queryset=models.Override.objects.filter(ended=None), to_attr="running"))
        .order_by("priority", "pk")
    )
    today = timegrid.local_day(now, ZoneInfo(house.current().zone))
    days = {day.controller_id: day for day in models.ControllerDay.objects.filter(local_date=today)}
    copied = models.Commander.objects.filter(pk=1, copied=True).exists()
    try:
        tick, held, states = _live([row.name for row in rows])
    except redis.RedisError:
        tick, held, states, alive = {}, {}, {}, False
    else:
        alive = True
    shown = [
        Shown(
            row=row,
            departures=list(row.departures.all()),
            override=_standing(getattr(row, "running", []), now),
            today=days.get(row.pk) or models.ControllerDay(controller=row, local_date=today),
            state=states.get(row.name) or dict(row.state.state),
            held=held.get(row.output.name, {}),
        )
        for row in rows
    ]
    return Overview(shown, tick, alive, copied)


def _standing(running: list[models.Override], now: datetime) -> models.Override | None:
    """The tick ends it some seconds after its end: by then it is over."""
    return next((one for one in running if one.until > now), None)


def _live(names: list[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    client = live.client()
    pipe = client.pipeline(transaction=False)
    pipe.hget(TICKING, "tick")
    pipe.hgetall(keys.HELD)
    tick, held = pipe.execute()
    return (
        json.loads(tick) if tick else {},
        {name.decode(): json.loads(text) for name, text in held.items()},
        agent_states.read_all(client, names),
    )


def held() -> dict[str, dict[str, Any]]:
    """What hold_outputs says, by output's name. Raises redis.RedisError."""
    rows = cast(dict[bytes, bytes], live.client().hgetall(keys.HELD))
    return {name.decode(): json.loads(text) for name, text in rows.items()}


def loads(generation: bytes | None) -> list[Load]:
    """The controllers in use, in order of priority, as they were some seconds ago at most: no SQL for a page that is opened often."""
    found = known.for_pages(generation)
    return [] if found is None else [one.load for one in found.active]


def last(frames: Mapping[str, live.Frame]) -> dict[str, live.Frame]:
    """The live frames of controllers, by name (`control.ticking.telling.frame_of`)."""
    return live.of_kind(dict(frames), KIND)


def decisions(controller: models.Controller, before: datetime | None = None, limit: int = 50) -> list[models.Decision]:
    """The newest ones, newest first; `control.words` renders their codes."""
    found = models.Decision.objects.filter(controller=controller)
    if before is not None:
        found = found.filter(time__lt=before)
    return list(found.order_by("-time")[:limit])


def switches(output: models.Output, since: datetime, until: datetime) -> list[models.Switch]:
    """Those that were really made, oldest first."""
    return list(models.Switch.objects.filter(output=output, time__gte=since, time__lt=until).order_by("time"))


def days(controller: models.Controller, since: date, until: date) -> list[models.ControllerDay]:
    """Of the local days [since, until), oldest first; a day on which nothing ran has none."""
    return list(
        models.ControllerDay.objects.filter(controller=controller, local_date__gte=since, local_date__lt=until).order_by("local_date")
    )


KEPT = recording.KEPT
