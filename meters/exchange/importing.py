"""Imports: what a file would do (`preview`), and doing it (`run`).

A batch of rows is a transaction; after each the place in the file is kept, so that an import that was cut off goes on there.
It is idempotent anyway: what is stored already stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from meters.blocks.managers import ensure_defaults
from meters.counting import judge
from meters.exchange import fields, files, overlap, recognise, settling, target
from meters.exchange.batches import Batch
from meters.exchange.progress import Checkpoint, Progress, quiet
from meters.exchange.reading import Reading
from meters.exchange.steps import Place, Step, ahead
from meters.exchange.trouble import BadRow
from meters.kinds import KINDS
from meters.models import Source

SAMPLE_ROWS = 5
BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Preview:
    """`rows` can be imported, `overlap` of them lie where the source was measured finer already and would be left out.

    `source`: its name, "" where none was named; `makes`: it would be made. `columns` are used, `left_over` others could use.
    `sample`: the first rows as they would be stored. `bad`: the first hundred of `bad_count`.
    """

    format: str
    title: str
    source: str
    makes: bool
    kind: str
    medium: str
    media: list[str]
    unit: str
    files: int
    rows: int
    first: datetime | None
    last: datetime | None
    columns: list[str]
    left_over: list[str]
    sample: list[dict[str, Any]]
    bad: list[BadRow]
    bad_count: int
    overlap: int
    cadence_s: int | None
    notes: list[str]


@dataclass(slots=True)
class Result:
    """Rows of the file: `rows` looked at = new + duplicates + suspects + finer + bad_count. `reopened`: blocks.

    A Fluvius file's volumes become readings at the edges of its quarters: there `new` counts those.
    """

    source: str = ""
    format: str = ""
    rows: int = 0
    new: int = 0
    duplicates: int = 0
    suspects: int = 0
    finer: int = 0
    reopened: int = 0
    blocks: int = 0
    first: datetime | None = None
    last: datetime | None = None
    resumed: bool = False
    bad: list[BadRow] = field(default_factory=list)
    bad_count: int = 0
    notes: list[str] = field(default_factory=list)

    def spans(self, batch: Batch) -> None:
        if len(batch):
            first, last = (datetime.fromtimestamp(int(at), UTC) for at in (batch.times.min(), batch.times.max()))
            self.first = first if self.first is None else min(first, self.first)
            self.last = last if self.last is None else max(last, self.last)

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("rows", "new", "duplicates", "suspects", "finer", "reopened", "bad_count")}


def open_reading(path: Path, source_name: str | None, create: str | None, medium: str | None, unit: str | None, now: datetime) -> Reading:
    """Raises Unreadable."""
    parts = files.parts(path)
    found = recognise.look(parts[0])
    chosen = target.resolve(source_name, create, medium, found.media)
    return Reading(path, chosen, found, parts, unit, now)


def preview(
    path: Path,
    source_name: str | None = None,
    create: str | None = None,
    *,
    medium: str | None = None,
    unit: str | None = None,
    now: datetime | None = None,
    progress: Progress = quiet,
) -> Preview:
    """What `run` would do; nothing is written. Without a source the file is read as its first kind. Raises Unreadable."""
    reading = open_reading(path, source_name, create, medium, unit, now or timezone.now())
    chosen, said = reading.target, Result()
    sample: list[dict[str, Any]] = []
    leaver = _Leaver(chosen, unlike_any=reading.found.format == recognise.FLUVIUS)
    for step, share in reading.steps(Place()):
        said.rows += step.rows
        if len(sample) < SAMPLE_ROWS:
            sample += _sample(step.batch, chosen.kind, SAMPLE_ROWS - len(sample))
        said.spans(step.batch)
        said.new += len(step.batch)
        said.finer += int(leaver.finer(step.batch).sum())
        progress("reading", said.rows, _total(said.rows, share), reading.bad.count)
    names = reading.found.names
    used = [one.column for one in fields.of(names, chosen.medium)] if reading.found.format != recognise.FLUVIUS else list(names)
    return Preview(
        format=reading.found.format,
        title=recognise.title(reading.found.format),
        source=chosen.name,
        makes=bool(chosen.name) and chosen.source is None,
        kind=chosen.kind,
        medium=chosen.medium,
        media=list(reading.found.media),
        unit=_unit(reading),
        files=len(reading.parts),
        rows=said.new,
        first=said.first,
        last=said.last,
        columns=used,
        left_over=target.left_over(names, chosen.medium),
        sample=sample,
        bad=reading.bad.rows,
        bad_count=reading.bad.count,
        overlap=said.finer + reading.finer,
        cadence_s=leaver.step_s,
        notes=reading.notes,
    )


def run(
    path: Path,
    source_name: str,
    create: str | None = None,
    progress: Progress = quiet,
    *,
    medium: str | None = None,
    unit: str | None = None,
    now: datetime | None = None,
    wait: bool = True,
    workers: int = 2,
    committed: Callable[[Result], None] = lambda _result: None,
) -> Result:
    """Import a file; `wait`: until the blocks that it touches are done. `committed` is called after each batch.

    Raises Unreadable (nothing or only whole batches are in), django.db.Error (start it again: it goes on).
    """
    reading = open_reading(path, source_name, create, medium, unit, now or timezone.now())
    source = reading.target.make()
    result = Result(source=source.name, format=reading.found.format)
    checkpoint = Checkpoint(settings.MODE_DIR / "unfinished", reading.parts, source.pk, reading.used_unit)
    place = _resume(checkpoint, reading, result)
    leaver = _Leaver(reading.target, unlike_any=reading.found.format == recognise.FLUVIUS)
    steps = reading.steps(place)
    # Volumes of Fluvius ask the database what is measured already; that stays in this thread.
    for step, share in steps if reading.found.format == recognise.FLUVIUS else ahead(steps):
        _take(step, source, leaver, result, reading.now)
        result.bad, result.bad_count = reading.bad.rows[: step.bad], step.bad
        if len(step.batch):
            checkpoint.save(step.place, _so_far(result))
        committed(result)
        progress("reading", result.rows, _total(result.rows, share), result.bad_count)
    result.finer += reading.finer
    result.bad, result.bad_count, result.notes = reading.bad.rows, reading.bad.count, reading.notes
    _learn_serial(source, reading.target.serial)
    checkpoint.remove()
    ensure_defaults(source)  # once more: now its cadence is known
    if wait:
        result.blocks = settling.settle(
            source, timezone.now(), lambda done, total: progress("blocks", done, total, result.bad_count), workers
        )
    return result


class _Leaver:
    """Which rows of a batch are left out, because the source was measured finer there."""

    def __init__(self, chosen: target.Target, *, unlike_any: bool) -> None:
        self.chosen, self.off = chosen, unlike_any  # Fluvius' volumes were fitted to what is there
        self.step_s: int | None = None

    def finer(self, batch: Batch) -> np.ndarray[Any, np.dtype[np.bool_]]:
        self.step_s = overlap.cadence(batch.times) or self.step_s
        if self.chosen.source_id is None or self.step_s is None or self.off:
            return np.zeros(len(batch), np.bool_)
        return overlap.measured_finer(self.chosen.kind, self.chosen.source_id, batch.times, self.step_s)


def _take(step: Step, source: Source, leaver: _Leaver, result: Result, now: datetime) -> None:
    result.rows += step.rows
    batch = step.batch.sorted()
    if not len(batch):
        return
    finer = leaver.finer(batch)
    result.finer += int(finer.sum())
    batch = batch.chosen(~finer)
    result.spans(batch)
    rows = batch.rows(source.kind, source.pk)
    for first in range(0, len(rows), BATCH_ROWS):
        with transaction.atomic():
            taken = judge.take(source.kind, rows[first : first + BATCH_ROWS], now, durable=True)
        result.new += taken.new
        result.duplicates += taken.duplicates
        result.suspects += taken.suspects
        result.reopened += taken.reopened


def _so_far(result: Result) -> dict[str, Any]:
    return {
        "counts": result.counts(),
        "bad": [list(row) for row in result.bad],
        "span": [None if at is None else int(at.timestamp()) for at in (result.first, result.last)],
    }


def _resume(checkpoint: Checkpoint, reading: Reading, result: Result) -> Place:
    kept = checkpoint.load()
    if kept is None or reading.found.format == recognise.FLUVIUS:
        return Place()
    place, so_far = kept
    if not _still_there(so_far.get("span"), reading.target):
        return Place()  # another database since, or a restored one: from the beginning
    for name, value in so_far["counts"].items():
        setattr(result, name, value)
    result.first, result.last = (None if at is None else datetime.fromtimestamp(at, UTC) for at in so_far["span"])
    reading.bad.rows, reading.bad.count = [BadRow(*row) for row in so_far["bad"]], result.bad_count
    result.resumed = True
    return place


def _still_there(span: list[int | None] | None, chosen: target.Target) -> bool:
    """Both ends of what was stored before are still in the table."""
    if not span or None in span or chosen.source_id is None:
        return False
    ends = [datetime.fromtimestamp(at, UTC) for at in span if at is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {KINDS[chosen.kind].table} WHERE source_id = %s AND time = ANY(%s)",  # noqa: S608
            (chosen.source_id, ends),
        )
        return bool(cursor.fetchone()[0] == len(set(ends)))


def _learn_serial(source: Source, serial: str) -> None:
    if serial and not source.serial:
        Source.objects.filter(pk=source.pk, serial="").update(serial=serial[:64])


def _total(rows: int, share: float) -> int:
    return max(rows, round(rows / share)) if share > 0 else rows


def _unit(reading: Reading) -> str:
    """ "" where the names say it."""
    if reading.found.format in (recognise.P1, recognise.FLUVIUS):
        return ""
    return reading.used_unit if any(one.energy for one in fields.of(reading.found.names, reading.target.medium)) else ""


def _sample(batch: Batch, kind: str, count: int) -> list[dict[str, Any]]:
    few = batch.chosen(np.arange(len(batch)) < count)
    rows = few.rows(kind, 0)
    named = [dict(zip(KINDS[kind].columns, row, strict=True)) for row in rows]
    return [{name: value for name, value in row.items() if value is not None and name not in ("source_id", "flags")} for row in named]
