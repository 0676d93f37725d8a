"""`python -m tests.meters.blocks.nursery MANAGER SEED START`: eight worker processes on one manager, fifty of them killed at random.

Forked from here, where Django is loaded and no connection is open, since starting sixty interpreters would take a minute. START:
epoch of the clock that they all share; it jumps past the claims of the dead now and then, and of the living with them.
"""

import os
import random
import signal
import sys
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import django

django.setup()

from meters.blocks.claims import CLAIM  # noqa: E402
from meters.blocks.process import process  # noqa: E402
from meters.models import DataManager  # noqa: E402
from tests.meters.blocks.known import at  # noqa: E402

WORKERS, KILLS, BLOCKS_AT_ONCE = 8, 50, 40
FORK = get_context("fork")
clock = FORK.RawValue("d", 0)
over = FORK.RawValue("b", 0)
worked = FORK.Semaphore(0)  # a chunk, or a look that found nothing


def work(pk: int) -> None:
    manager = DataManager.objects.select_related("source").get(pk=pk)
    while not over.value:
        if not process(manager, at(int(clock.value)), most=BLOCKS_AT_ONCE).claimed:
            signal.sigtimedwait([], 0.01)
        worked.release()


def born(pk: int) -> BaseProcess:
    worker = FORK.Process(target=work, args=(pk,))
    worker.start()
    return worker


def main(pk: int, seed: int, start: int) -> None:
    chance = random.Random(seed)
    clock.value = start
    workers = [born(pk) for _i in range(WORKERS)]
    for _kill in range(KILLS):
        for _chunk in range(chance.choice([1, 2, 3, 5])):
            worked.acquire(timeout=5)
        victim = workers.pop(chance.randrange(len(workers)))
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        if chance.random() < 0.2:
            clock.value += CLAIM.total_seconds()
        workers.append(born(pk))
    over.value = 1
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    clock.value += CLAIM.total_seconds()
    manager = DataManager.objects.select_related("source").get(pk=pk)
    while process(manager, at(int(clock.value))).claimed:
        pass


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
