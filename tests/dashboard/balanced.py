"""A house with a roof for the page "/": a meter and an inverter whose counters moved since midnight, and what they say now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from energysite import agents, live
from energysite.timegrid import QUARTER
from meters.models import BatteryReading, Block, Meter, ProductionReading, Source
from solar.models import Inverter, InverterSource
from tests.meters.rows import electricity, make_meter, make_source

# Wh at midnight, as the devices show them.
GRID = {"import_t1_wh": 1_000_000, "import_t2_wh": 500_000, "export_t1_wh": 300_000, "export_t2_wh": 100_000}
ROOF_WH = 7_000_000


def make_inverter(name: str = "Roof", **fields: Any) -> tuple[Inverter, Source]:
    inverter = agents.create(Inverter, **{"name": name, "family": "fronius", "address": "http://127.0.0.1:9", "period_s": 10, **fields})
    source = Source.objects.create(kind="production", medium="solar", name=name)
    InverterSource.objects.create(inverter=inverter, unit="1", source=source)
    return inverter, source


def make_battery(inverter: Inverter) -> Source:
    source = Source.objects.create(kind="battery", medium="battery", name=f"{inverter.name} battery")
    InverterSource.objects.create(inverter=inverter, source=source)
    return source


def grid(imported: int = 0, exported: int = 0) -> dict[str, int]:
    """So much after midnight, on register 1."""
    return {**GRID, "import_t1_wh": GRID["import_t1_wh"] + imported, "export_t1_wh": GRID["export_t1_wh"] + exported}


def metered(rows: Sequence[tuple[datetime, dict[str, int]]]) -> tuple[Meter, Source]:
    meter = make_meter()
    source = make_source(meter)
    electricity(source, [(at, dict(row)) for at, row in rows])
    return meter, source


def made(source: Source, rows: Sequence[tuple[datetime, int]]) -> None:
    """Wh since midnight."""
    ProductionReading.objects.bulk_create(ProductionReading(source=source, time=at, total_wh=ROOF_WH + wh) for at, wh in rows)


def stored(source: Source, rows: Sequence[tuple[datetime, int, int]]) -> None:
    BatteryReading.objects.bulk_create(BatteryReading(source=source, time=at, charge_wh=c, discharge_wh=d) for at, c, d in rows)


def quarters(source: Source, start: datetime, rows: Sequence[tuple[int, ...]], counted: int = 0) -> None:
    """A closed block a quarter from `start` on. `counted`: where its first counter began, since midnight."""
    begin_wh = {"electricity": list(GRID.values()), "production": [ROOF_WH], "battery": [0, 0]}[source.kind]
    ends, blocks = [begin_wh[0] + counted, *begin_wh[1:]], []
    for i, energies in enumerate(rows):
        ends = [end + (energies[k] if k < len(energies) else 0) for k, end in enumerate(ends)]
        values = {f"energy{k + 1}": energy for k, energy in enumerate(energies)} | {f"end{k + 1}": ends[k] for k in range(len(energies))}
        begin = start + i * QUARTER
        blocks.append(Block(source=source, length_s=900, start=begin, end=begin + QUARTER, state="closed", covered_s=900, **values))
    Block.objects.bulk_create(blocks)


def say(name: str, at: datetime, **values: Any) -> None:
    live.publisher().frame(name, {"source": name, "time": int(at.timestamp()), "received": at.timestamp(), **values})
