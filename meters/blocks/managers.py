"""The data managers that every source has by itself: quarters, days, minutes where readings come that often, and the archive."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from statistics import median_low

from django.db import IntegrityError, connection, transaction

from energysite.models import AgentState
from energysite.registers import INTERVALS
from meters.kinds import ANALOG, KINDS, VOLUME
from meters.models import DataManager, Source
from meters.models.blocks import DAY_S, QUARTER_S

MINUTE_S = 60
SLOWEST_S = 3600  # a cadence is never taken for more
NAME_LENGTH = 80
KEEP_PLAIN_DAYS, KEEP_COLUMNS_DAYS, KEEP_MINUTES_DAYS = 30, 365, 730
# length_s: (the end of its name, period_s); 0 is the archive.
DEFAULTS = {QUARTER_S: ("quarter", 60), DAY_S: ("day", 300), MINUTE_S: ("minute", 60), 0: ("archive", 21_600)}


def cadence_s(source: Source) -> int | None:
    """How often the source speaks: set, else the low median of its newest 20 intervals, 3600 s at most; None before the second reading."""
    if source.cadence_s:
        return source.cadence_s
    with connection.cursor() as cursor:
        table = KINDS[source.kind].table
        cursor.execute(
            f"SELECT time FROM {table} WHERE source_id = %s ORDER BY time DESC LIMIT %s",  # noqa: S608 -- one of our own tables
            [source.pk, INTERVALS + 1],
        )
        times: list[datetime] = [time for (time,) in cursor.fetchall()]
    intervals = [round((later - earlier).total_seconds()) for later, earlier in pairwise(times)]
    return min(median_low(intervals), SLOWEST_S) if intervals else None


def ensure_defaults(source: Source) -> list[DataManager]:
    """The managers that the source lacks, made. Harmless to call again, from any number of processes.

    The one for minutes is made once the cadence is known to be a minute or less.
    """
    if not _lacking(source):
        return []
    made = []
    with transaction.atomic():
        # One maker at a time; readings of the source are stored meanwhile.
        Source.objects.select_for_update(no_key=True).get(pk=source.pk)
        for length_s in _lacking(source):
            if length_s == MINUTE_S and not _has_minutes(source):
                continue
            made.append(_make(source, length_s))
    return made


def ensure_all() -> list[DataManager]:
    """For every source of the house: of an older version, or whose minutes were not known before."""
    return [manager for source in Source.objects.order_by("pk") for manager in ensure_defaults(source)]


def _lacking(source: Source) -> list[int]:
    """Lengths in the order of DEFAULTS; one that a person made serves as well: there is never more than one for a length."""
    found = {0 if row[0] == DataManager.Algorithm.ARCHIVE else row[1] for row in source.managers.values_list("algorithm", "length_s")}
    wanted = [length for length in DEFAULTS if length != MINUTE_S or source.kind != VOLUME.name]
    return [length for length in wanted if length not in found]


def _has_minutes(source: Source) -> bool:
    every = cadence_s(source)
    return every is not None and every <= MINUTE_S


def _make(source: Source, length_s: int) -> DataManager:
    """Raises IntegrityError where a hundred names are taken."""
    ending, period_s = DEFAULTS[length_s]
    condensed = DataManager.Algorithm.MEAN if source.kind == ANALOG.name else DataManager.Algorithm.DIFFERENCE
    for name in _names(source, ending):
        if AgentState.objects.filter(pk=name).exists():
            continue
        try:
            with transaction.atomic():
                return DataManager.objects.create(
                    name=name,
                    source=source,
                    algorithm=condensed if length_s else DataManager.Algorithm.ARCHIVE,
                    length_s=length_s,
                    period_s=period_s,
                    keep_days=_keep_days(source, length_s),
                    builtin=True,
                )
        except IntegrityError:
            continue  # another source took the name just now
    raise IntegrityError(f"No free name for the {ending} manager of {source.name}.")


def _names(source: Source, ending: str) -> Iterator[str]:
    """Valid names of an agent, which is stricter than a source: no slash, nothing unprintable, 80 characters."""
    plain = " ".join("".join(character if character.isprintable() else " " for character in source.name.replace("/", "-")).split())
    for number in range(1, 101):
        suffix = f" {ending}" if number == 1 else f" {ending} {number}"
        yield f"{plain[: NAME_LENGTH - len(suffix)]}{suffix}".strip()


def _keep_days(source: Source, length_s: int) -> int | None:
    if length_s == MINUTE_S:
        return KEEP_MINUTES_DAYS
    if length_s:
        return None
    return KEEP_COLUMNS_DAYS if in_columnstore(KINDS[source.kind].table) else KEEP_PLAIN_DAYS


def in_columnstore(table: str) -> bool:
    """Whether this table's readings take ten bytes each instead of a hundred."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_name = %s", [table])
        row = cursor.fetchone()
    return bool(row and row[0])
