"""After an import: the blocks that it touched are made and computed here, beside the workers if there are any."""

from collections.abc import Callable
from datetime import datetime

from meters.blocks.process import drain
from meters.models import DataManager, Source


def settle(source: Source, now: datetime, progress: Callable[[int, int], None], workers: int = 2) -> int:
    """Process what is due of the source, quarters before days; returns how many blocks were stored. Raises django.db.Error.

    Claims keep workers that run at the same time out of the way: nothing is done twice, whoever is quicker.
    """
    managers = DataManager.objects.filter(source=source, enabled=True).exclude(algorithm=DataManager.Algorithm.ARCHIVE)
    counts = drain(managers, now, workers, lambda _name, done, total: progress(done, total))
    return counts.settled
