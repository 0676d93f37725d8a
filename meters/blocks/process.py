"""What others call: one run of a data manager, or runs until nothing is due."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection

from meters.blocks import claims
from meters.blocks.run import Counts, claimed, prepare
from meters.blocks.work import Work
from meters.models import DataManager
from meters.models.blocks import QUARTER_S

# A chunk of quarters at 1 Hz takes a fraction of a second: workers end at about the same time.
CHUNK_BLOCKS, CHUNK_S = 500, 500 * QUARTER_S

__all__ = ["Counts", "drain", "process"]

Progress = Callable[[str, int, int], None]


def process(manager: DataManager, now: datetime, most: int | None = None) -> Counts:
    """Up to `most` blocks (the manager's blocks_per_run), the oldest first. Raises django.db.Error when the database is away."""
    if manager.algorithm == DataManager.Algorithm.ARCHIVE:
        raise ValueError(f"{manager.name} thins out readings; it makes no blocks.")
    found = prepare(manager, now)
    return Counts() if found is None else claimed(found, now, most or manager.blocks_per_run)[0]


def drain(managers: Iterable[DataManager], now: datetime, workers: int = 2, progress: Progress | None = None) -> Counts:
    """Quarters and shorter first, then what is summed from them. Archives are left out.

    `progress(name of the manager, blocks done, blocks in all)`. Within somebody's transaction there is one worker, since no other
    connection sees its rows. Raises django.db.Error.
    """
    total = Counts()
    chosen = [manager for manager in managers if manager.algorithm != DataManager.Algorithm.ARCHIVE]
    for manager in sorted(chosen, key=lambda one: (claims.is_summed(one.length_s), one.length_s < QUARTER_S, one.length_s, one.pk)):
        total += _drained(manager, now, 1 if connection.in_atomic_block else workers, progress)
    return total


def _drained(manager: DataManager, now: datetime, workers: int, progress: Progress | None) -> Counts:
    total = Counts()
    most = min(manager.blocks_per_run, max(CHUNK_BLOCKS, CHUNK_S // manager.length_s))
    while (found := prepare(manager, now)) is not None:
        due = claims.count_due(found, now)
        if not due:
            break
        crew = _Crew(found, now, most, progress=progress, name=manager.name, before=total.settled, due=due)
        counts = crew.run(min(workers, -(-due // most)))
        total += counts
        if not counts.settled:
            break
    return total


class _Crew:
    """Threads with a database connection each, that claim and compute until nothing is due."""

    def __init__(self, found: Work, now: datetime, most: int, *, progress: Progress | None, name: str, before: int, due: int) -> None:
        self.found, self.now, self.most = found, now, most
        self.progress, self.name, self.before, self.all = progress, name, before, before + due
        self.counts = Counts()
        self.errors: list[BaseException] = []
        self.lock = threading.Lock()

    def run(self, workers: int) -> Counts:
        """Raises what a worker raised."""
        if workers <= 1:
            self._work()
            return self.counts
        threads = [threading.Thread(target=self._work_alone) for _i in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]
        return self.counts

    def _work_alone(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()

    def _work(self) -> None:
        """Claims come in order of time, so each begins where one ended: not through all that is done."""
        found = self.found
        while not self.errors:
            counts, last = claimed(found, self.now, self.most)
            with self.lock:
                self.counts += counts
                if self.progress is not None and counts.settled:
                    done = self.before + self.counts.settled
                    self.progress(self.name, done, max(self.all, done))
            if last is None:
                return
            found = replace(found, since=last + timedelta(seconds=1))
