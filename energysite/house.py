"""The house's row as pages use it: read again after a few seconds, and still there while the database is away."""

import threading
import time

from django.db.models.signals import post_save

from energysite.database import DatabaseAway, asked
from energysite.models import House

FRESH_S = 5.0


class _Cache:
    def __init__(self) -> None:
        self.house: House | None = None
        self.until = 0.0
        self.lock = threading.Lock()


_cache = _Cache()


def current() -> House:
    """Never raises: the last known row, or the defaults where none was ever read."""
    with _cache.lock:
        if _cache.house is not None and time.monotonic() < _cache.until:
            return _cache.house
        try:
            with asked():
                _cache.house = House.objects.filter(pk=1).first() or House(pk=1)
            _cache.until = time.monotonic() + FRESH_S
        except DatabaseAway:
            return _cache.house or House(pk=1)
        return _cache.house


def forget(**_kwargs: object) -> None:
    """The next page reads the row again."""
    _cache.until = 0.0


post_save.connect(forget, sender=House, dispatch_uid="house cache")
