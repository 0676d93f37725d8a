"""Lock files that say who holds them. A lock ends with its process, however that ends; the file stays."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any


class Held(Exception):
    """Another process holds the lock; `holder` is what it wrote: at least its pid."""

    def __init__(self, holder: dict[str, Any]) -> None:
        super().__init__(holder)
        self.holder = holder


class Lock:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, **about: Any) -> None:
        """Hold the lock and write the pid and `about` into the file; raises Held."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raw = os.pread(descriptor, 1000, 0)
            os.close(descriptor)
            raise Held(json.loads(raw) if raw.endswith(b"\n") else {"pid": 0}) from None
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), **about}).encode() + b"\n", 0)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
