"""Taking the database away from this process, and giving it back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

from energysite import database
from tests.waiting import until


@contextmanager
def switch() -> Iterator[Callable[[], None]]:
    """Calling it takes the database away, calling it again gives it back. Without a pool, which would keep its connections."""
    settings = connection.settings_dict
    options, host = settings["OPTIONS"], settings["HOST"]
    connection.close()
    settings["OPTIONS"] = {name: value for name, value in options.items() if name != "pool"}

    def toggle() -> None:
        connection.close()
        settings["HOST"] = "/nowhere" if settings["HOST"] == host else host

    try:
        yield toggle
    finally:
        connection.close()
        settings["HOST"], settings["OPTIONS"] = host, options
        until(lambda: not database.known_away(), 5, "what comes next would still take it for away")
