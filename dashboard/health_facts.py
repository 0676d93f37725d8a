"""What the health page knows, gathered from whatever answers: the database, Valkey, the supervisor's file, the machine."""

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import django
import redis
from django.conf import settings
from django.db import connection
from django.db.models import Count

from dashboard import room
from energysite import agent_states, backup_watch, layout, live
from energysite.database import DatabaseAway, asked
from meters import clock, queries
from meters.growth import Backlog, Growth, backlog, measure
from meters.models import ElectricityReading, Meter, Source, UndecodableTelegram, VolumeReading

ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class Stored:
    """What only the database knows."""

    version: str
    size_bytes: int
    timescale: str | None  # its version
    meters: list[Meter]
    sources: list[Source]
    newest: dict[int, ElectricityReading | VolumeReading | None]  # by source id
    growth: Growth
    backlog: list[Backlog]
    undecodable: list[tuple[str, int]]  # reason code, number, of the last day


@dataclass(slots=True)
class Lively:
    """What only Valkey knows. Times are epoch seconds."""

    version: str
    frames: dict[str, live.Frame] = field(default_factory=dict)  # of the meters
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)
    heartbeats: dict[str, float] = field(default_factory=dict)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Facts:
    at: datetime
    stored: Stored | None  # None: the database is away
    lively: Lively | None  # None: Valkey is away
    processes: list[dict[str, Any]] | None  # None: nothing supervises them here
    clock_synchronised: bool
    disks: list[room.Room]
    versions: list[tuple[str, str]]
    backup: dict[str, Any]  # the last nightly one, as energysite.backup_watch.state says


def gather(now: Callable[[], datetime]) -> Facts:
    at = now()
    stored = _stored(at)
    lively = _lively([meter.name for meter in stored.meters] if stored else [])
    return Facts(
        at=at,
        stored=stored,
        lively=lively,
        processes=_processes(),
        clock_synchronised=clock.system_synchronised(),
        disks=_disks(stored, lively, at),
        versions=_versions(stored, lively),
        backup=backup_watch.state(),
    )


def _stored(at: datetime) -> Stored | None:
    try:
        with asked():
            _meters, sources = queries.metered_sources()
            version, timescale = _server()
            measured = measure(at)
            return Stored(
                version=version,
                size_bytes=measured.database_bytes,
                timescale=timescale,
                meters=list(Meter.objects.select_related("state").order_by("pk")),
                sources=sources,
                newest={source.pk: queries.latest(source) for source in sources},
                growth=measured,
                backlog=backlog(at),
                undecodable=list(
                    UndecodableTelegram.objects.filter(received__gt=at - ONE_DAY)
                    .order_by()
                    .values_list("reason")
                    .annotate(number=Count("pk"))
                    .order_by("-number")
                ),
            )
    except DatabaseAway:
        return None


def _server() -> tuple[str, str | None]:
    """PostgreSQL's version, TimescaleDB's or None."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')")
        version, timescale = cursor.fetchone()
    return version.partition(" ")[0], timescale


def _lively(names: list[str]) -> Lively | None:
    client = live.client()
    try:
        frames = live.of_kind(live.last_frames(client))
        server = client.info("server")
        return Lively(
            version=str(server.get("valkey_version") or server["redis_version"]),
            frames=frames,
            processes=live.process_states(client),
            heartbeats=live.heartbeats(client),
            agents={name: agent_states.read(client, name) for name in {*names, *frames}},
        )
    except redis.RedisError:
        return None


def _processes() -> list[dict[str, Any]] | None:
    try:
        return json.loads((settings.MODE_DIR / "processes.json").read_text())
    except FileNotFoundError:
        return None


def _disks(stored: Stored | None, lively: Lively | None, at: datetime) -> list[room.Room]:
    """DATA_DIR, and the database's folder where that lies on another disk.

    They fill with the database, or while it is away with what waits for it.
    """
    folders = [settings.DATA_DIR]
    if not settings.DATABASE_URL:
        folders.append(layout.service_dir(settings.DATA_DIR, settings.MODE))
    found = {folder.stat().st_dev: folder for folder in reversed(folders) if folder.exists()}
    if stored is not None:
        return [room.filling(folder, stored.growth.lasts) for folder in found.values()]
    reader = lively.processes.get("read_meters", {}) if lively else {}
    bytes_per_day = room.growth_of_spool(reader.get("spool_bytes", 0), reader.get("spool_oldest"), at.timestamp())
    return [room.room(folder, bytes_per_day) for folder in found.values()]


def _versions(stored: Stored | None, lively: Lively | None) -> list[tuple[str, str]]:
    return [
        ("Energysite", settings.VERSION),
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
        ("PostgreSQL", stored.version if stored else "–"),
        ("TimescaleDB", (stored.timescale or "–") if stored else "–"),
        ("Valkey", lively.version if lively else "–"),
    ]
