"""What a benchmark does inside its house, as a process of its own: `python -m tests.benchmarks.inside WHAT ...`; the last line is JSON."""

import itertools
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def owner() -> dict[str, Any]:
    """An owner with a session. Without a password: the benchmark does not log in through the form."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from energysite import owners

    user = owners.create("bench", "a password that nobody types")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"session": session.session_key}


def meter(name: str, connection: str) -> dict[str, Any]:
    from energysite import agents
    from meters.models import Meter

    return {"id": agents.create(Meter, name=name, connection=connection, clock=Meter.Clock.METER).pk}


def rows(source_id: int, begin: int, end: int) -> Iterator[tuple[Any, ...]]:
    """A reading each second with every column filled, as a three-phase Belgian meter gives."""
    import math
    import random

    rng = random.Random(begin)
    imported, exported = 1_000_000.0, 500_000.0
    for epoch in range(begin, end):
        phases = [round(900 * math.sin(epoch / (600 + 170 * i)) + rng.gauss(0, 120)) for i in range(3)]
        net = sum(phases)
        imported += max(net, 0) / 3600
        exported += max(-net, 0) / 3600
        counters = (int(imported), 2_000_000, int(exported), 300_000)
        amps = [abs(w) * 100 // 230 for w in phases]
        yield (source_id, datetime.fromtimestamp(epoch, UTC), *counters, net, *phases, abs(net) // 2, 2301, 2311, 2292, *amps, 1, 0)


def fill(name: str, begin: str, end: str) -> dict[str, Any]:
    """Readings at 1 Hz from `begin` to `end` (epoch s) through the bulk path, ten thousand at a time."""
    from meters import storage
    from meters.models import Meter

    source = storage.source_for(Meter.objects.get(name=name), "electricity", "BENCH")
    given, stored = rows(source.pk, int(begin), int(end)), 0
    began = time.monotonic()
    while batch := list(itertools.islice(given, 10_000)):
        stored += storage.write("electricity", batch)
    return {"rows": stored, "seconds": time.monotonic() - began, "source": source.pk}


def past(name: str, begin: str, days: str) -> dict[str, Any]:
    """A reading each quarter for so many days before `begin` (epoch s), and all blocks of it."""
    from meters import storage
    from meters.blocks.managers import ensure_defaults
    from meters.blocks.process import drain
    from meters.models import DataManager, Meter

    source = storage.source_for(Meter.objects.get(name=name), "electricity", "BENCH")
    first, counters = int(begin) - int(days) * 86400, (200_000, 400_000, 100_000, 10_000)
    empty = [None] * 10
    times = range(first - first % 900, int(begin), 900)
    given = ((source.pk, datetime.fromtimestamp(at, UTC), *(i * 7 + c for c in counters), 400, *empty, 1, 0) for i, at in enumerate(times))
    stored = storage.write("electricity", given)
    ensure_defaults(source)
    counts = drain(DataManager.objects.filter(source=source, length_s__gte=900), datetime.now(UTC), workers=1)
    return {"rows": stored, "blocks": counts.done}


def bulk(name: str, file: str) -> dict[str, Any]:
    """A file of telegrams through the bulk path."""
    from meters.ingest import bulk as import_bulk
    from meters.models import Meter

    data, target = Path(file).read_bytes(), Meter.objects.get(name=name)
    began, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    counts = import_bulk(target, data)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {**counts, "seconds": time.monotonic() - began, "cpu_s": used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime}


def inverters(address: str, count: str, period_s: str) -> dict[str, Any]:
    """So many devices with JSON behind one address, each with a page of its own."""
    from energysite import agents
    from solar.models import Inverter

    given = {"family": "http_json", "address": address, "power_path": "w", "total_path": "total", "period_s": int(period_s)}
    for number in range(int(count)):
        agents.create(Inverter, name=f"Inverter {number}", page=f"/{number}", **given)
    return {"inverters": Inverter.objects.count()}


def every(period_s: str) -> dict[str, Any]:
    """All inverters with another period."""
    from solar.models import Inverter

    for inverter in Inverter.objects.all():
        inverter.period_s = int(period_s)
        inverter.save()
    return {"inverters": Inverter.objects.count()}


def controllers(address: str, count: str) -> dict[str, Any]:
    """So many switches behind one address, and a controller for each."""
    from control.models import Controller, Output
    from energysite import agents

    for number in range(int(count)):
        paths = {"on_request": f"/{number}/on", "off_request": f"/{number}/off", "state_request": f"/{number}"}
        output = agents.create(Output, name=f"Switch {number}", family="http", address=address, state_path="on", power_path="w", **paths)
        agents.create(Controller, name=f"Load {number}", output=output, load_w=100, priority=number + 1, dry_run=False, period_s=10)
    return {"controllers": Controller.objects.count()}


def overrides() -> dict[str, Any]:
    """Each is switched on by a person, one after the other; when (monotonic) it was said."""
    from datetime import timedelta

    from django.utils import timezone

    from control.models import Controller
    from control.ticking import overrides as words
    from energysite.permissions import MEMBER, Actor

    said = {}
    for controller in Controller.objects.order_by("pk"):
        now = timezone.now()
        said[controller.name.rpartition(" ")[2]] = time.monotonic()
        words.begin(Actor("bench", MEMBER), controller, 1.0, now + timedelta(minutes=5), now)
        time.sleep(0.3)
    return {"said": said}


WHAT: dict[str, Callable[..., dict[str, Any]]] = {
    "owner": owner,
    "meter": meter,
    "fill": fill,
    "past": past,
    "bulk": bulk,
    "inverters": inverters,
    "every": every,
    "controllers": controllers,
    "overrides": overrides,
}


def main() -> None:
    import django

    django.setup()
    print(json.dumps(WHAT[sys.argv[1]](*sys.argv[2:])))


if __name__ == "__main__":
    main()
