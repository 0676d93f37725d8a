"""A source's readings or blocks as CSV, streamed from the database.

Raw rows have the names of decode_p1 and can be imported again as they are. Times are UTC; blocks also tell the house's own time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from energysite import house
from energysite.text import plain
from energysite.timegrid import midnight
from meters.exchange.progress import Progress, quiet
from meters.kinds import KINDS, total_name
from meters.models import Source
from meters.models.blocks import QUARTER_S

BY = {"raw": 0, "minute": 60, "quarter": 900, "hour": 3600, "day": 86_400}
FORMULA = ("=", "+", "-", "@")
EVERY_BYTES = 1 << 18

_UTC = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


def tenths(name: str, places: int) -> str:
    return f"round({name} / {10**places}.0, {places})"


ELECTRICITY = (
    *((name, name) for name in ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh")),
    ("import_w", "greatest(power_w, 0) + power_w * 0"),  # nothing where there is no power: greatest() leaves nulls out
    ("export_w", "greatest(-power_w, 0) + power_w * 0"),
    *((f"l{i}_w", f"l{i}_w") for i in (1, 2, 3)),
    *((f"l{i}_v", tenths(f"l{i}_dv", 1)) for i in (1, 2, 3)),
    *((f"l{i}_a", tenths(f"l{i}_ca", 2)) for i in (1, 2, 3)),
    ("quarter_w", "quarter_w"),
    ("tariff", "tariff"),
    ("flags", "flags"),
)


def _raw_columns(source: Source) -> tuple[tuple[str, str], ...]:
    """(name, SQL)."""
    if source.kind == "electricity":
        return ELECTRICITY
    if source.kind == "volume":
        return ((f"{source.medium}_l", "volume_l"), ("flags", "flags"))
    if source.kind == "production":
        return (("production_w", "production_w"), ("total_wh", "total_wh"), ("flags", "flags"))
    if source.kind == "battery":
        return (("battery_w", "battery_w"), ("charge_wh", "charge_wh"), ("discharge_wh", "discharge_wh"), ("flags", "flags"))
    return (("value", tenths("value_milli", 3)), ("flags", "flags"))


def text_cell(text: str) -> str:
    """A text that a spreadsheet would take for a formula gets a quote before it."""
    clean = plain(text)
    return f"'{clean}" if clean.startswith(FORMULA) else clean


def export(source: Source, by: str, start: datetime | None, end: datetime | None, progress: Progress = quiet) -> Iterator[bytes]:
    """CSV in pieces, the header first; [start, end). Raises KeyError for a `by` that is none, django.db.Error."""
    length_s = BY[by]
    if by == "raw":
        names, rows, table, at = _raw(source)
        where = f"source_id = {source.pk:d}"
    else:
        names, rows, table, at = _blocks(source, length_s)
        stored = 900 if by == "hour" else length_s
        where = f"source_id = {source.pk:d} AND length_s = {stored:d}"
    for bound, sign in ((start, ">="), (end, "<")):
        if bound is not None:
            where += f" AND {at} {sign} '{bound.isoformat()}'::timestamptz"
    with _copying(f"COPY ({rows.format(where=where)}) TO STDOUT WITH (FORMAT csv)", _count(table, where)) as (copy, total):
        yield (",".join(names) + "\n").encode()
        done, piece = 0, bytearray()
        for data in copy:
            piece += data
            done += 1
            if len(piece) >= EVERY_BYTES:
                yield bytes(piece)
                piece.clear()
                progress("writing", done, max(done, total), 0)
        yield bytes(piece)
        progress("writing", done, done, 0)


def _count(table: str, where: str) -> str:
    return f"SELECT count(*) FROM {table} WHERE {where}"  # noqa: S608 -- our own tables, numbers and times


@contextmanager
def _copying(statement: str, count: str) -> Iterator[tuple[Any, int]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(count)
        total = int(cursor.fetchone()[0])
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            yield copy, total


def _raw(source: Source) -> tuple[list[str], str, str, str]:
    """Names, the query with a place for {where}, its table, its time."""
    columns = _raw_columns(source)
    table = KINDS[source.kind].table
    chosen = ", ".join((_UTC.format("time"), *(sql for _name, sql in columns)))
    return ["time", *(name for name, _sql in columns)], f"SELECT {chosen} FROM {table} WHERE {{where}} ORDER BY time", table, "time"  # noqa: S608


def _blocks(source: Source, length_s: int) -> tuple[list[str], str, str, str]:
    """Energies with the corrections of people, lowest, mean and highest power; an hour is the sum of its quarters."""
    kind, zone = KINDS[source.kind], house.current().zone
    registers = [total_name(source.medium, name) for name in kind.registers]
    channels = kind.channels[:1]
    name = text_cell(source.name).replace("'", "''").replace("{", "{{").replace("}", "}}")
    start = f"date_trunc('hour', b.start, '{zone}')" if length_s == 3600 else "b.start"
    local = f"to_char({start} AT TIME ZONE '{zone}', 'YYYY-MM-DD HH24:MI')"
    chosen = [_UTC.format(start), _UTC.format('max(b."end")'), local, f"'{name}'::text"]
    for place, register in enumerate(kind.registers, 1):
        chosen.append(f"sum(b.energy{place}) + coalesce(sum(c.{register}), 0)")
    for place, _channel in enumerate(channels, 1):
        weight = f"nullif(sum(b.covered_s) FILTER (WHERE b.mean{place} IS NOT NULL), 0)::numeric"
        mean = f"round(sum(b.mean{place}::bigint * b.covered_s) / {weight})"
        chosen += [f"min(b.min{place})", mean, f"max(b.max{place})"]
    coverage = 'round(sum(b.covered_s) / nullif(sum(extract(epoch FROM b."end" - b.start)), 0), 4)'
    chosen += [coverage, "bool_or(b.recovered)::int", "CASE WHEN bool_and(b.state = 'closed') THEN 1 ELSE 0 END"]
    names = [
        "start",
        "end",
        "local",
        "source",
        *registers,
        *(f"{channel}_{what}" for channel in channels for what in ("min", "mean", "max")),
    ]
    sums = ", ".join(f"sum(delta) FILTER (WHERE register = '{register}') AS {register}" for register in kind.registers) or "0 AS nothing"
    corrections = f"""LEFT JOIN LATERAL (SELECT {sums} FROM meters_correction WHERE source_id = b.source_id AND undone IS NULL
        AND meters_correction.start >= b.start AND meters_correction.start < b."end") AS c ON TRUE"""  # noqa: S608
    if length_s < QUARTER_S:  # a correction is of a quarter: no minute of it can tell which
        corrections = f"CROSS JOIN (SELECT {', '.join(f'0 AS {register}' for register in kind.registers) or '0'}) AS c"
    query = f"""SELECT {", ".join(chosen)} FROM (SELECT * FROM meters_block WHERE {{where}}) AS b {corrections}
        GROUP BY {start} ORDER BY {start}"""  # noqa: S608
    return [*names, "coverage", "recovered", "closed"], query, "meters_block", "start"


def moment(text: str, zone: ZoneInfo) -> datetime:
    """The local midnight that begins a day YYYY-MM-DD, or an instant; without a zone by the house's clock. Raises ValueError."""
    if len(text) == len("YYYY-MM-DD"):
        return midnight(date.fromisoformat(text), zone)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=zone)
