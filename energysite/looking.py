"""Reading several devices once, ten at a time, for doctor and the like: one that hangs or breaks keeps no other from being told."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import structlog
from django.db import connections
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from energysite.device_look import Look

log = structlog.get_logger(__name__)

# As many devices as are read at once anywhere on this site.
AT_ONCE = 10
PROGRESS_S = 5.0

Job = tuple[str, Callable[[], Look]]


def looks(jobs: Sequence[Job], waiting: Callable[[list[str]], None] | None = None) -> Iterator[Look]:
    """A look for each (name, how to look), in the order in which they end. `waiting` hears every 5 s whom it still waits for."""
    if not jobs:
        return
    language = get_language()
    with ThreadPoolExecutor(min(AT_ONCE, len(jobs)), thread_name_prefix="look") as pool:
        running = {pool.submit(_one, name, look, language): name for name, look in jobs}
        pending = set(running)
        while pending:
            done, pending = wait(pending, timeout=PROGRESS_S, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            if not done and waiting is not None:
                waiting(sorted(running[future] for future in pending))


def _one(name: str, look: Callable[[], Look], language: str | None) -> Look:
    with override(language):
        try:
            return look()
        except Exception:
            # The others go on; the log has the details.
            log.exception("a look failed", device=name)
            return Look(name, ok=False, error=_("The look failed for a reason of our own; the log has the details. Try again."))
        finally:
            connections.close_all()  # this thread's own
