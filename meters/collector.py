"""The process behind `read_meters`: a reader for each meter, one writer, the spool between them."""

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any

import structlog

from energysite import agents, live
from energysite.errors import EnergyError
from meters.configuration import MeterConfig, Watcher, load_offsets, save_offsets
from meters.reader import Reader
from meters.segments import Segments
from meters.spool import Spool
from meters.writer import Writer

log = structlog.get_logger(__name__)

PROCESS = "read_meters"
TICK_S = 0.5
SYNC_S = 5.0
STATE_S = 5.0
READERS_END_S = 2.0
WRITER_ENDS_S = 2.0


class AlreadyRunning(EnergyError):
    """Another read_meters has this spool."""


def lock(folder: Path) -> int:
    """Hold the spool's folder for this process. Raises AlreadyRunning."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise AlreadyRunning(f"read_meters is already running on {folder.parent}. Stop it first.") from None
    return file


class Collector:
    """`run` returns after `stop` was called, from a signal or another thread. Needs neither the database nor Redis to begin."""

    def __init__(self, mode_dir: Path) -> None:
        self._lock = lock(mode_dir / "segments")
        self.segments = Segments(mode_dir / "segments")
        self.spool = Spool(self.segments)
        self.writer = Writer(self.segments)
        self._offsets_file = mode_dir / "config" / "clocks.json"
        self._offsets = load_offsets(self._offsets_file)
        self._watcher = Watcher(mode_dir / "config" / "meters.json", self._configured)
        self._wanted: dict[str, MeterConfig] = {}
        self._readers: dict[str, Reader] = {}
        self._ending: list[Reader] = []
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._synced = self._told = float("-inf")
        self._trouble: tuple[str | None, str | None] = (None, None)

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        self.writer.start()
        self._watcher.start()
        while not self._stopping.is_set():
            self._wake.wait(TICK_S)
            self._wake.clear()
            self._tend()
            self._sync()
            self._tell()
        self._end()

    # Readers

    def _configured(self, configs: list[MeterConfig]) -> None:
        self._wanted = {config.name: config for config in configs}
        log.info("configuration", meters=[config.name for config in configs])
        self._wake.set()

    def _tend(self) -> None:
        """Bring the readers in line with the configuration; a thread that ended unasked is started anew."""
        wanted = self._wanted
        self._ending = [reader for reader in self._ending if reader.is_alive()]
        for name, reader in list(self._readers.items()):
            config = wanted.get(name)
            if config != reader.config or not config.enabled:
                reader.stop()
                self._ending.append(reader)
                del self._readers[name]
                if config is not None and not config.enabled:
                    agents.report(name, **{**reader.told(), "status": "disabled", "error": None})
            elif not reader.is_alive():
                log.error("a reader ended unasked and is started anew", meter=name)
                del self._readers[name]
        busy = {reader.config.name for reader in self._ending}
        for name, config in wanted.items():
            if config.enabled and name not in self._readers and name not in busy:
                self._readers[name] = Reader(config, self.spool.keep, self._reject, learned_s=self._offsets.get(name, 0))
                self._readers[name].start()
        if not self.writer.is_alive():
            log.error("the writer ended unasked and is started anew")
            self.writer = Writer(self.segments)
            self.writer.start()

    def _reject(self, meter: str, received: float, reason: str, detail: str, raw: bytes) -> None:
        self.writer.reject(meter, received, reason, detail, raw)

    # The process

    def _sync(self) -> None:
        if time.monotonic() - self._synced < SYNC_S:
            return
        self._synced = time.monotonic()
        try:
            self.segments.sync()
        except OSError as error:
            log.error("the spool could not be brought to the disk", error=str(error))

    def _tell(self) -> None:
        """Every 5 s, and at once when the database goes or comes, or readings are refused."""
        trouble = (self.writer.away, self.spool.refusing)
        if time.monotonic() - self._told < STATE_S and trouble == self._trouble:
            return
        self._told, self._trouble = time.monotonic(), trouble
        live.set_process_state(PROCESS, self.state())
        live.heartbeat(PROCESS)
        for name, config in self._wanted.items():
            if not config.enabled:
                agents.report(name, status="disabled", error=None)
        self._remember_offsets()

    def state(self) -> dict[str, Any]:
        return {**self.writer.state(), "refusing": self.spool.refusing, "meters": len(self._readers)}

    def _remember_offsets(self) -> None:
        """What was learned of a meter's clock serves a start without the network, when nothing else knows the time."""
        found = {name: offset for name, reader in self._readers.items() if (offset := reader.clock.offset_s)}
        if found != self._offsets:
            self._offsets = found
            save_offsets(self._offsets_file, found)

    def _end(self) -> None:
        """Slots, then the spool, then what the database takes: within 5 s; the rest waits in the spool for the next start."""
        self._watcher.stop()
        readers = [*self._readers.values(), *self._ending]
        for reader in readers:
            reader.stop()
        until = time.monotonic() + READERS_END_S
        for reader in readers:
            reader.join(max(0.0, until - time.monotonic()))
            reader.intake.flush()
        self._synced = float("-inf")
        self._sync()
        done = self.writer.finish(WRITER_ENDS_S)
        self.segments.close()
        log.info("stopped", stored=self.writer.stored, waiting_bytes=0 if done else self.writer.state()["spool_bytes"])
        os.close(self._lock)
