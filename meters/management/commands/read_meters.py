"""`manage.py read_meters`: reads every enabled meter until it is stopped."""

import json
import signal
import tempfile
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from meters import configuration, replay
from meters.collector import AlreadyRunning, Collector
from meters.reader import Reader
from meters.segments import Segments
from meters.spool import Spool
from meters.writer import Writer

REPLAY_ENDS_S = 600.0


class Command(BaseCommand):
    help = "Reads every enabled meter, shows it live and stores it, until it is stopped. The database and Valkey may come later."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--replay", type=Path, metavar="FILE", help="instead, take the bytes in FILE as those of a meter's port, and end"
        )
        parser.add_argument("--meter", metavar="NAME", help="the meter that FILE is replayed as; it must exist")
        parser.add_argument(
            "--speed", type=float, default=1.0, metavar="N", help="1 (default): the pace of the file's own times; 0: at once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Two threads with a connection each need no pool, and a pool's back-off would keep them from a database that is back.
        cast(dict[str, Any], settings.DATABASES["default"]["OPTIONS"]).pop("pool", None)
        if options["replay"] is not None:
            self._replay(options["replay"], options["meter"], options["speed"])
            return
        try:
            collector = Collector(settings.MODE_DIR)
        except AlreadyRunning as error:
            raise CommandError(str(error)) from error
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: collector.stop())
        collector.run()

    def _replay(self, file: Path, name: str | None, speed: float) -> None:
        """Through the same path as a live port, with a spool of its own: after an interruption the file is still there."""
        config = next((config for config in configuration.from_database() if config.name == name), None)
        if config is None:
            raise CommandError(f"There is no meter called {name!r}: name one with --meter.")
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_signal: stopping.set())
        with tempfile.TemporaryDirectory(dir=settings.MODE_DIR, prefix="replay-") as folder:
            segments = Segments(Path(folder))
            writer = Writer(segments)
            writer.start()
            reader = Reader(configuration.as_replay(config, file), Spool(segments).keep, writer.reject)
            for raw in replay.paced(data, speed, sleep=stopping.wait):
                if stopping.is_set():
                    break
                reader.handle(raw, time.time(), time.monotonic())
            reader.intake.flush()
            if not writer.finish(REPLAY_ENDS_S):
                raise CommandError("The database did not take everything. Replay the file again when it is back: nothing is stored twice.")
        told = reader.told()
        counts = {key: told[key] for key in ("telegrams", "rejected", "readings", "duplicates", "refused")}
        self.stdout.write(json.dumps({**counts, "new": writer.stored}))
