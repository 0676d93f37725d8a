"""The look of each minute at everything that somebody should be told of, and the messages that are due."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgpack
import redis
import structlog
from django.db.models.signals import post_delete, post_save

from control import keys
from control.models import Controller
from control.unsafe import Outputs
from energysite import house, live, notify, place
from energysite.kept import Kept
from energysite.notify import Trouble, machine, sending
from meters import peak_ahead, silence
from meters.models import Meter
from meters.silence import Ears
from solar import silence as solar_silence
from solar.models import Inverter

log = structlog.get_logger(__name__)

FRESH_S = 600.0  # and at once when settings change
PROBE_S = 3600.0  # a disk is written to so often


@dataclass(slots=True)
class _Watch:
    """Of this process."""

    meters: Ears = field(default_factory=Ears)
    inverters: Ears = field(default_factory=Ears)
    outputs: Outputs = field(default_factory=Outputs)
    probed: float = float("-inf")


_watch = _Watch()


def forget() -> None:
    """As after a start."""
    global _watch
    _watch = _Watch()


def look(now: datetime, mono: float) -> None:
    """`mono`: time.monotonic(). What Valkey cannot tell while it is away is left as it is. Raises django.db.Error."""
    notify.saw("backup", machine.backup(now), now)
    notify.saw("disk", _disks(mono), now)
    try:
        frames, held, generation = _told()
    except redis.RedisError as error:
        log.warning("nobody looks after meters and outputs, Valkey is away", error=str(error))
    else:
        _look_at_devices(frames, generation, now, mono)
        look_at_outputs(held, now, mono)
    sending.send_due(now)


def look_at_outputs(held: Mapping[str, Mapping[str, Any]], now: datetime, mono: float) -> None:
    """Each tick does this too: what cannot switch itself off is told of within 45 s. Raises django.db.Error."""
    notify.saw("output", _watch.outputs.found(held, mono, _configured.get()[2]), now)


def _look_at_devices(frames: Mapping[str, live.Frame], generation: bytes, now: datetime, mono: float) -> None:
    meters, inverters, commanded = _configured.get(generation)
    row, at = house.current(), now.timestamp()
    for ears, names in ((_watch.meters, meters), (_watch.inverters, inverters)):
        ears.keep_only(names)
    notify.saw("meter silent", silence.found(_watch.meters, meters, frames, at, mono), now)
    notify.saw("inverter silent", solar_silence.found(_watch.inverters, inverters, frames, place.of(row), at, mono), now)
    # Where there are controllers the guard looks at the quarter, and tells what it cannot prevent.
    notify.saw("peak ahead", {} if commanded else _peaks(meters, frames, at, row.own_peak_w), now)


def _peaks(meters: Mapping[str, int], frames: Mapping[str, live.Frame], at: float, own_target_w: int | None) -> dict[str, Trouble]:
    found: dict[str, Trouble] = {}
    for name in meters:
        ahead = peak_ahead.expected(frames[name], at, own_target_w) if name in frames else None
        if ahead is not None:
            found[name] = Trouble("peak_heading", {"name": name, "expected_w": ahead[0], "limit_w": ahead[1]})
    return found


def _disks(mono: float) -> dict[str, Trouble]:
    probe = mono - _watch.probed >= PROBE_S
    found = machine.disks(machine.own_folders(), probe=probe)
    # One that failed is tried again at the next look, and is over when it works.
    if probe and not found:
        _watch.probed = mono
    return found


def _told() -> tuple[dict[str, live.Frame], dict[str, dict[str, Any]], bytes]:
    """Last frames, what is told of outputs, and the generation of the settings, in one question. Raises redis.RedisError."""
    pipe = live.client().pipeline(transaction=False)
    pipe.hgetall(live.LAST)
    pipe.hgetall(keys.HELD)
    pipe.get(live.AGENTS_GENERATION)
    frames, held, generation = pipe.execute()
    return (
        {name.decode(): msgpack.unpackb(message)["frame"] for name, message in frames.items()},
        {name.decode(): json.loads(text) for name, text in held.items()},
        generation or b"",
    )


def _names() -> tuple[dict[str, int], dict[str, int], frozenset[str]]:
    """Name -> period of the meters and of the inverters that should speak, and outputs with a controller that is on. A replay
    ends by itself."""
    meters = Meter.objects.filter(enabled=True).exclude(connection__startswith="replay:")
    inverters = Inverter.objects.filter(enabled=True)
    commanded = frozenset(Controller.objects.filter(enabled=True).values_list("output__name", flat=True))
    return dict(meters.values_list("name", "period_s")), dict(inverters.values_list("name", "period_s")), commanded


_configured = Kept(_names, FRESH_S)
for _model in (Meter, Inverter, Controller):
    for _signal in (post_save, post_delete):
        _signal.connect(_configured.forget, sender=_model)
