"""Meters, sources and readings in the test database."""

from datetime import datetime
from typing import Any

from energysite import agents
from meters.models import ElectricityReading, Meter, Source, VolumeReading


def make_meter(name: str = "Main", **fields: Any) -> Meter:
    return agents.create(Meter, name=name, **{"connection": "socket://127.0.0.1:9", **fields})


def make_source(meter: Meter, medium: str = "electricity", serial: str = "1") -> Source:
    kind = "electricity" if medium == "electricity" else "volume"
    return Source.objects.create(kind=kind, medium=medium, name=f"{meter.name} {medium} {serial}", serial=serial, meter=meter)


def electricity(source: Source, rows: list[tuple[datetime, Any]]) -> None:
    """rows: (time, import_t1_wh) or (time, {column: value})."""
    ElectricityReading.objects.bulk_create(
        ElectricityReading(source=source, time=time, **(value if isinstance(value, dict) else {"import_t1_wh": value}))
        for time, value in rows
    )


def volume(source: Source, rows: list[tuple[datetime, int]]) -> None:
    VolumeReading.objects.bulk_create(VolumeReading(source=source, time=time, volume_l=value) for time, value in rows)
