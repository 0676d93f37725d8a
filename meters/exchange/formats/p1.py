"""The raw bytes of a P1 port, through the reader's own framing and decoding."""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from django.utils.translation import gettext as _

from meters.clock import EARLIEST, Stamp
from meters.exchange import files
from meters.exchange.batches import AHEAD_S, Batch
from meters.exchange.steps import Place, Step
from meters.exchange.trouble import BadRows, shown
from meters.ingest import COUNTERS, MOMENTARY, STATE, sample_of
from meters.p1.decoder import decode
from meters.p1.framer import Framer
from meters.p1.telegram import Telegram

BLOCK = 1 << 16
BATCH = 5000
NAMES = (*COUNTERS, *STATE, *MOMENTARY)

Row = tuple[int, int, tuple[int | None, ...]]  # telegram, time, values


class Telegrams:
    """The readings of one device in a capture: electricity, or the gas or water meter behind the port.

    `serial`: of the device; empty: the first one met, which is then the one.
    """

    def __init__(self, medium: str, serial: str, now: int) -> None:
        self.medium, self.serial, self.now = medium, serial, now
        self._last: tuple[int, int] | None = None

    def steps(self, reader: files.Counted, bad: BadRows, place: Place) -> Iterator[Step]:
        """The batches of one file from `place` on. Raises Unreadable."""
        framer, rows, count = Framer(), list[Row](), place.line
        self.serial = self.serial or str(place.memory.get("serial", ""))
        files.skip(reader, place.offset)
        offset = earlier = place.offset
        seen = looked = count
        while data := reader.read(BLOCK):
            seen_before, begin = count, earlier
            earlier, offset = offset, offset + len(data)
            for raw in framer.feed(data):
                count += 1
                self._take(count, decode(raw), rows, bad)
            if len(rows) >= BATCH:
                # The telegram that was begun is met again: so it goes on one block earlier, and what comes twice is stored once.
                yield Step(self._batch(rows), Place(place.part, begin, seen, memory={"serial": self.serial}), count - looked, reader.share)
                rows, looked = [], count
            seen = seen_before
        for raw in framer.flush():
            count += 1
            self._take(count, decode(raw), rows, bad)
        yield Step(self._batch(rows), Place(place.part, offset, count, memory={"serial": self.serial}), count - looked, reader.share)

    def _take(self, number: int, telegram: Telegram, rows: list[Row], bad: BadRows) -> None:
        if not telegram.valid:
            bad.add(number, telegram.error or _("The telegram cannot be read."))
        elif telegram.time is None:
            bad.add(number, _("The telegram has no time of its own: when it was sent only the port could tell."))
        elif self.medium == "electricity":
            self._electricity(number, telegram, rows, bad)
        else:
            self._volume(number, telegram, rows, bad)

    def _electricity(self, number: int, telegram: Telegram, rows: list[Row], bad: BadRows) -> None:
        assert telegram.time is not None
        time = int(telegram.time.timestamp())
        if not self._is_ours(number, telegram.serial, bad) or not self._believable(number, time, bad):
            return
        sample = sample_of(telegram, Stamp(time))
        rows.append((number, time, (*sample.counters, *sample.state, *sample.momentary)))

    def _volume(self, number: int, telegram: Telegram, rows: list[Row], bad: BadRows) -> None:
        assert telegram.time is not None
        for volume in telegram.volumes:
            if volume.medium != self.medium or not self._is_ours(number, volume.serial, bad):
                continue
            time = int((volume.time or telegram.time).timestamp())
            if (time if volume.time else 0, volume.volume_l) == self._last:
                continue
            self._last = (time if volume.time else 0, volume.volume_l)
            if self._believable(number, time, bad):
                rows.append((number, time, (volume.volume_l,)))

    def _is_ours(self, number: int, serial: str, bad: BadRows) -> bool:
        self.serial = self.serial or serial
        if serial and serial != self.serial:
            bad.add(number, _("Of another meter (%(serial)s; the source's is %(ours)s).") % {"serial": shown(serial), "ours": self.serial})
            return False
        return True

    def _believable(self, number: int, time: int, bad: BadRows) -> bool:
        if time < EARLIEST:
            bad.add(number, _("The time lies before 2008, when there were no such meters."))
        elif time > self.now + AHEAD_S:
            bad.add(number, _("The time lies in the future."))
        else:
            return True
        return False

    def _batch(self, rows: list[Row]) -> Batch:
        names = NAMES if self.medium == "electricity" else ("volume_l",)
        columns = list(zip(*(values for _number, _time, values in rows), strict=True)) or [()] * len(names)
        lines, times = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
        return Batch(lines, times, {name: _column(column) for name, column in zip(names, columns, strict=True)})


def _column(values: Iterable[int | None]) -> tuple["np.typing.NDArray[np.int64]", "np.typing.NDArray[np.bool_]"]:
    given = list(values)
    there = np.array([value is not None for value in given], np.bool_)
    return np.array([value or 0 for value in given], np.int64), there


def media(head: bytes) -> list[str]:
    """What the first telegrams of a capture tell of."""
    framer = Framer()
    found: list[str] = []
    for raw in chain(framer.feed(head), framer.flush()):
        telegram = decode(raw)
        if telegram.valid:
            found += [medium for medium in ("electricity", *(volume.medium for volume in telegram.volumes)) if medium not in found]
    return found
