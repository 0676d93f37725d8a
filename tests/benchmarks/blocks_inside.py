"""`python -m tests.benchmarks.blocks_inside ROWS`, on an empty database: what it does on lines, the figures as JSON on the last."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from energysite import agents  # noqa: E402
from meters.blocks import claims, condense, process, run  # noqa: E402
from meters.blocks.work import work  # noqa: E402
from meters.models import DataManager, Source  # noqa: E402

TABLE = "meters_electricityreading"
BEGIN = datetime(2024, 12, 31, 23, tzinfo=UTC)  # a local midnight in Brussels
STEP_ROWS = 2_700_000  # 750 hours
# One in two thousand is lost; every six hours a reader that begins anew misses twelve; once a month it is off for four hours.
ROWS = f"""
    INSERT INTO {TABLE} (time, import_t1_wh, import_t2_wh, export_t1_wh, export_t2_wh, power_w, l1_w, l2_w, l3_w, quarter_w,
        l1_dv, l2_dv, l3_dv, l1_ca, l2_ca, l3_ca, tariff, flags, source_id)
    SELECT %s::timestamptz + i * interval '1 s', 1000000 + i / 10, 2000000 + i / 20, 300000 + i / 30, 400000 + i / 40,
        (i %% 86399 - 43200) / 10 + i %% 17, (i %% 7001 - 3500) / 3, (i %% 5003 - 2500) / 3, (i %% 3001 - 1500) / 3, i %% 900,
        2300 + i %% 13, 2310 + i %% 11, 2290 + i %% 7, 100, 110, 120, 1 + i / 50000 %% 2, 0, %s
    FROM generate_series(%s, %s) AS i
    WHERE random() > 0.0005 AND i %% 21600 >= 12 AND (i %% 2592000 < 2000000 OR i %% 2592000 >= 2014400)"""
SCAN = f"""
    SELECT date_bin('900 s', time, '2000-01-01Z'), min(power_w), max(power_w), avg(power_w) FROM {TABLE}
    WHERE source_id = %s GROUP BY 1"""
BOUNDARIES = f"""
    SELECT at, reading.* FROM generate_series(%s::timestamptz, %s, interval '900 s') AS at CROSS JOIN LATERAL (
        SELECT import_t1_wh, import_t2_wh, export_t1_wh, export_t2_wh FROM {TABLE}
        WHERE source_id = %s AND time <= at ORDER BY time DESC LIMIT 1
    ) AS reading"""


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def rows_of(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def one(sql: str, parameters: list[Any] | None = None) -> Any:
    return rows_of(sql, parameters or [])[0][0]


def generate(source: int, first: int, number: int) -> None:
    for begin in range(first, first + number, STEP_ROWS):
        with connection.cursor() as cursor:
            cursor.execute(ROWS, [BEGIN, source, begin, min(begin + STEP_ROWS, first + number) - 1])
        print(f"{begin - first + STEP_ROWS:,} seconds of readings are there", flush=True)


def analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {TABLE}")


def energies(manager: DataManager, now: datetime) -> list[tuple[Any, ...]]:
    """Of all blocks, in the chunks that they are claimed in, planned as a run plans them."""
    found = work(manager, now)
    assert found is not None
    claim = now + claims.CLAIM
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM meters_block WHERE busy_until = %s ORDER BY start", [claim])
        ids = [pk for (pk,) in cursor.fetchall()]
        result = []
        for i in range(0, len(ids), manager.blocks_per_run):
            parameters = {**found.parameters, "ids": ids[i : i + manager.blocks_per_run], "claim": claim}
            with transaction.atomic():
                cursor.execute(run.PLAN)
                cursor.execute(condense.energies("electricity"), parameters)
                result += cursor.fetchall()
    return result


def energy_figures(manager: DataManager, now: datetime) -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE meters_block SET busy_until = %s WHERE length_s = 900", [now + claims.CLAIM])
    first, last = rows_of('SELECT min(start), max("end") FROM meters_block WHERE length_s = 900', [])[0]
    bare = min(timed(lambda: rows_of(BOUNDARIES, [first, last, manager.source_id]))[0] for _i in range(3))
    ours = min(timed(lambda: energies(manager, now))[0] for _i in range(3))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE meters_block SET busy_until = NULL WHERE length_s = 900")
    return {"boundaries_s": bare, "energy_s": ours}


def block_bytes() -> dict[str, float]:
    """As they are after they were made, claimed and stored; and packed, without the room that the next ones will use."""
    blocks = one("SELECT count(*) FROM meters_block")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE packed (LIKE meters_block INCLUDING ALL)")
        cursor.execute("INSERT INTO packed SELECT * FROM meters_block ORDER BY source_id, length_s, start")
    packed = one("SELECT pg_total_relation_size('packed')") / blocks
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE packed")
    return {"block_bytes": packed, "loose_bytes": one("SELECT pg_total_relation_size('meters_block')") / blocks}


def main(rows: int) -> dict[str, float]:
    call_command("migrate", verbosity=0)
    source = Source.objects.create(kind="electricity", medium="electricity", name="a year")
    managers = {length: _manager(source, length) for length in (900, 86_400)}
    generate(source.pk, 0, rows)
    analyse()
    found: dict[str, float] = {"rows": one(f"SELECT count(*) FROM {TABLE}")}
    found["row_bytes"] = one(f"SELECT pg_total_relation_size('{TABLE}')") / found["rows"]
    found["scan_s"] = min(timed(lambda: rows_of(SCAN, [source.pk]))[0] for _i in range(2))
    print(f"the bare scan took {found['scan_s']:.2f} s", flush=True)
    now = BEGIN + timedelta(seconds=rows)
    found["drain_s"], counts = timed(lambda: process.drain(managers.values(), now))
    print(f"{counts} in {found['drain_s']:.2f} s", flush=True)
    assert counts.done > rows // 900
    assert not counts.faulty
    found |= energy_figures(managers[900], now)
    found |= block_bytes()
    # A day more, with a minute manager too; what there was is closed before, so that only new readings count.
    begin = rows - rows % 86_400 + 86_400
    process.drain(managers.values(), BEGIN + timedelta(seconds=begin + 86_401))
    generate(source.pk, begin, 86_401)
    managers[60] = _manager(source, 60, since=BEGIN + timedelta(seconds=begin))
    found["day_rows"] = one(f"SELECT count(*) FROM {TABLE} WHERE time > %s", [BEGIN + timedelta(seconds=begin)])
    later = BEGIN + timedelta(seconds=begin + 86_401)
    found["day_s"], counts = timed(lambda: process.drain(managers.values(), later))
    print(f"{counts} in {found['day_s']:.2f} s", flush=True)
    return found


def _manager(source: Source, length_s: int, **fields: Any) -> DataManager:
    kept = DataManager.objects.filter(source=source, length_s=length_s).exclude(algorithm="archive").first()
    return kept or agents.create(DataManager, name=f"{source.name} {length_s}", source=source, length_s=length_s, period_s=60, **fields)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
