"""One import as a stream of batches, whatever the format and however many files: the same for the preview and for the import."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from energysite import house
from meters.exchange import fields, files, recognise
from meters.exchange.batches import Batch, Maker
from meters.exchange.fitting import Fitted
from meters.exchange.formats import fluvius, mongo, p1, tables
from meters.exchange.steps import Place, Step
from meters.exchange.target import Target
from meters.exchange.trouble import BadRows, Unreadable
from meters.exchange.wall_clock import WallClock


@dataclass(slots=True)
class Reading:
    """`bad` and `notes` fill up while `steps` is gone through. `unit`: chosen by a person; None: decided from the data."""

    path: Path
    target: Target
    found: recognise.Found
    parts: list[Path]
    unit: str | None
    now: datetime
    bad: BadRows = field(default_factory=BadRows)
    notes: list[str] = field(default_factory=list)
    finer: int = 0
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(house.current().zone))

    @property
    def second(self) -> int:
        return int(self.now.timestamp())

    @property
    def used_unit(self) -> str:
        return self.unit or self.found.unit(self.target.medium)

    def steps(self, place: Place) -> Iterator[tuple[Step, float]]:
        """Each step with the share of the whole that has been read. Raises Unreadable."""
        if self.found.format == recognise.FLUVIUS:
            yield from self._volumes()
            return
        for number in range(place.part, len(self.parts)):
            part = self.parts[number]
            self.bad.file = part.relative_to(self.path).as_posix() if self.path.is_dir() else ""
            begin = place if number == place.part else Place(number, clock=place.clock, memory=place.memory)
            try:
                for step in self._part(part, begin):
                    place, step.bad = step.place, self.bad.count
                    yield step, (number + step.share) / len(self.parts)
            except Unreadable as error:
                if not self.path.is_dir():
                    raise
                self.bad.add(1, str(error))  # one file of many: the others go in

    def _part(self, part: Path, place: Place) -> Iterator[Step]:
        found = self.found if len(self.parts) == 1 else recognise.look(part)
        if found.format == recognise.FLUVIUS:
            raise Unreadable(_("Quarter-hour volumes do not go in together with readings. Import them by themselves."))
        with files.opened(part) as reader:
            if found.format == recognise.P1:
                given = p1.Telegrams(self.target.medium, self.target.serial, self.second)
                for step in given.steps(reader, self.bad, place):
                    self.target.serial = self.target.serial or given.serial
                    yield step
                return
            chosen = fields.of(found.names, self.target.medium)
            if not chosen:
                raise Unreadable(_("The file has no column for this source."))
            clock = WallClock(self.zone, newest_first=found.newest_first)
            maker = Maker(self.target.kind, chosen, self.used_unit, clock, self.second)
            if found.format == recognise.MONGO:
                yield from mongo.steps(reader, maker, self.bad, place)
            else:
                assert found.header is not None
                yield from tables.steps(reader, found.header, maker, self.bad, place)

    def _volumes(self) -> Iterator[tuple[Step, float]]:
        """All of them first: they hang on the reading that follows the last one."""
        given = fluvius.Reading(self.target.medium, self.target.serial, self.zone, self.second)
        nothing = Batch.none()
        for number, part in enumerate(self.parts):
            found = self.found if len(self.parts) == 1 else recognise.look(part)
            if found.format != recognise.FLUVIUS or found.header is None:
                raise Unreadable(_("The folder holds quarter-hour volumes and something else. Import them one by one."))
            with files.opened(part) as reader:
                before = 0
                for share in given.read(reader, found.header, self.bad):
                    yield (
                        Step(nothing, Place(), given.volumes.rows - before, share, self.bad.count),
                        (number + share) / len(self.parts) * 0.9,
                    )
                    before = given.volumes.rows
        if len(self.parts) == 1:
            self.bad.rows.sort()  # they were met register by register
        fluvius.refuse_peaks(given.volumes, self.bad)
        self.target.serial = self.target.serial or given.volumes.serial
        fitted = Fitted(self.target.kind, self.target.source_id, given.volumes)
        self.finer += fitted.finer
        self._tell(fitted)
        for batch in fitted.batches():
            yield Step(batch, Place(), 0, 1.0, self.bad.count), 0.95

    def _tell(self, fitted: Fitted) -> None:
        if fitted.edges and not fitted.anchored:
            self.notes.append(_("No reading follows these volumes: the counters go on from the last reading, or begin at 0."))
        missing = len(fitted.volumes.missing)
        if missing:
            self.notes.append(_("Quarters without a volume in the file: %(count)s. They stay gaps.") % {"count": missing})
