"""Files as their specifications say, written by the tests themselves."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from meters.exchange import importing
from meters.kinds import KINDS
from meters.models import Source

BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2026, 3, 2, tzinfo=UTC)
FLUVIUS = (
    "Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;Register;Volume;Eenheid;Validatiestatus;Omschrijving"
)


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def readings(start: datetime, count: int, step_s: int = 60, first_wh: int = 1000, per_step: int = 10) -> str:
    """Our CSV: the counter of tariff 1 rises by `per_step` Wh a row."""
    rows = [
        f"{iso(start + timedelta(seconds=i * step_s))},{first_wh + i * per_step},2000,0,0,{per_step * 3600 // step_s},0"
        for i in range(count)
    ]
    return "\n".join(["time,import_t1_wh,import_t2_wh,export_t1_wh,export_t2_wh,import_w,export_w", *rows]) + "\n"


def quarters(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(minutes=15 * i) for i in range(count)]


def volume(start: datetime, register: str, kwh: str, status: str = "Gevalideerd", meter: str = "1SAG1") -> str:
    """A row of Fluvius: wall-clock times without a zone."""
    begin, end = (at.astimezone(BRUSSELS) for at in (start, start + timedelta(minutes=15)))
    when = ";".join(f"{at:%d-%m-%Y};{at:%H:%M:%S}" for at in (begin, end))
    return f'{when};="541448800000000001";{meter};Digitale meter;{register};{kwh};kWh;{status};'


def fluvius(rows: Iterable[str], header: str = FLUVIUS) -> str:
    return "\n".join([header, *rows]) + "\n"


def document(at: datetime, kwh: float, kw: float) -> str:
    """A line of mongoexport."""
    return json.dumps(
        {
            "_id": {"$oid": "5f43a7c2e1b2c3d4e5f60718"},
            "device_time": {"$date": iso(at)},
            "elec_used_t1": kwh,
            "elec_used_t2": {"$numberDouble": "12.5"},
            "actual_elec_used": kw,
            "actual_elec_returned": 0.0,
            "gas_used": 100.125,
        }
    )


def write(folder: Path, content: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run(path: Path, name: str = "House", create: str | None = "electricity", **how: object) -> importing.Result:
    """An import that leaves the blocks alone, unless told otherwise."""
    how = {"now": NOW, "wait": False, **how}
    return importing.run(path, name, create, **how)  # type: ignore[arg-type]


def stored(name: str = "House", *columns: str) -> list[tuple[Any, ...]]:
    from django.db import connection

    source = Source.objects.get(name=name)
    chosen = ", ".join(("time", *(columns or KINDS[source.kind].columns[2:])))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {chosen} FROM {KINDS[source.kind].table} WHERE source_id = %s ORDER BY time", [source.pk])
        return list(cursor.fetchall())


def raised(error: type[Exception], work: Callable[[], object]) -> str:
    """What the exception says."""
    try:
        work()
    except error as found:
        return str(found)
    raise AssertionError("nothing was raised")
