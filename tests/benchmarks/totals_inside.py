"""The part of the benchmark of totals that runs with Django, on servers of its own: `... YEARS TIMES`; the last line is JSON."""

import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from energysite import timegrid  # noqa: E402
from energysite.timegrid import Period, Span  # noqa: E402
from meters.models import Source  # noqa: E402
from meters.totals import cache, totals  # noqa: E402
from meters.totals.total import Total  # noqa: E402
from tests.benchmarks.figures import percentile  # noqa: E402

ZONE = ZoneInfo("Europe/Brussels")
FIRST = date(2016, 1, 1)

QUARTERS = """
    INSERT INTO meters_block (source_id, length_s, start, "end", state, attempts, recovered, covered_s, proof, energy1, energy2, energy3,
        energy4, end1, end2, end3, end4, min1, mean1, max1)
    SELECT %(source)s, 900, at, at + interval '900 s', 'closed', 0, false, 900, at + interval '900 s', i %% 97, i %% 31, i %% 7, i %% 3,
        i * 48, i * 15, i * 3, i, -200 - i %% 50, i %% 900, 900 + i %% 4000
    FROM (SELECT i, to_timestamp(%(since)s + 900 * i) AS at FROM generate_series(0, (%(until)s - %(since)s) / 900 - 1) AS i) AS edges"""

DAYS = """
    INSERT INTO meters_block (source_id, length_s, start, "end", local_date, state, attempts, recovered, covered_s, proof, energy1, energy2,
        energy3, energy4, end1, end2, end3, end4, min1, mean1, max1)
    SELECT %(source)s, 86400, low, high, day, 'closed', 0, false, part.* FROM unnest(%(days)s::date[], %(lows)s::timestamptz[],
        %(highs)s::timestamptz[]) AS asked(day, low, high) CROSS JOIN LATERAL (SELECT sum(covered_s), max(proof), sum(energy1),
        sum(energy2), sum(energy3), sum(energy4), max(end1), max(end2), max(end3), max(end4), min(min1), avg(mean1), max(max1)
        FROM meters_block
        WHERE source_id = %(source)s AND length_s = 900 AND start >= low AND start < high) AS part"""


def fill(years: int) -> list[Source]:
    end = FIRST.replace(year=FIRST.year + years)
    since, until = (int(timegrid.midnight(day, ZONE).timestamp()) for day in (FIRST, end))
    periods = list(timegrid.periods(Span.DAY, FIRST, end))
    bounds = [period.bounds(ZONE) for period in periods]
    made = []
    for kind, medium in (("electricity", "electricity"), ("volume", "gas"), ("volume", "water"), ("production", "solar")):
        source = Source.objects.create(kind=kind, medium=medium, name=medium)
        made.append(source)
        with connection.cursor() as cursor:
            cursor.execute(QUARTERS, {"source": source.pk, "since": since, "until": until})
            lows, highs = [low for low, _high in bounds], [high for _low, high in bounds]
            cursor.execute(DAYS, {"source": source.pk, "days": [one.first for one in periods], "lows": lows, "highs": highs})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE meters_block")
    return made


Ask = Callable[[], dict[Period, list[Total]]]


def asked(ask: Ask) -> tuple[float, int]:
    """(ms, blocks read) of one call."""
    began = time.perf_counter()
    found = ask()
    ms = (time.perf_counter() - began) * 1000
    assert all(total.complete and total.registers for several in found.values() for total in several)
    return ms, sum(total.blocks for several in found.values() for total in several)


def statements(ask: Ask) -> int:
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


def main(years: int, times: int) -> dict[str, Any]:
    call_command("migrate", verbosity=0, interactive=False)
    began = time.monotonic()
    sources = fill(years)
    print(f"{years} years of blocks of {len(sources)} sources were made in {time.monotonic() - began:.0f} s", flush=True)
    rng = random.Random(3)
    now = datetime(FIRST.year + years + 1, 1, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM meters_block")
        [blocks] = cursor.fetchone()
    found: dict[str, Any] = {"blocks": blocks}
    ten = FIRST.replace(year=FIRST.year + years)

    def of(grain: Span, since: date, until: date) -> Ask:
        return lambda: totals.periods(sources, grain, since, until, now=now, zone=ZONE)

    def some(grain: Span, within: Span | None = None) -> Ask:
        day = FIRST + timedelta(days=rng.randrange(365 * years))
        period = Period.of(within or grain, day)
        return of(grain, period.first, period.until)

    questions: dict[str, Callable[[], Ask]] = {
        "day": lambda: some(Span.DAY),
        "month": lambda: some(Span.MONTH),
        "month by days": lambda: some(Span.DAY, Span.MONTH),
        "year": lambda: some(Span.YEAR),
        "year by months": lambda: some(Span.MONTH, Span.YEAR),
        "ten years": lambda: of(Span.YEAR, FIRST, ten),
    }
    for name, question in questions.items():
        asked(question())
        computed, kept, said = [], [], []
        for _i in range(times):
            ask = question()
            cache.forget_all()
            computed.append(asked(ask))
            kept.append(asked(ask))
            said.append(statements(ask))
        found[name] = {
            "computed_ms": percentile([ms for ms, _blocks in computed], 95),
            "kept_ms": percentile([ms for ms, _blocks in kept], 95),
            "blocks": max(rows for _ms, rows in computed),
            "kept_statements": max(said),
        }
        print(f"{name}: {found[name]}", flush=True)
    return found


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
