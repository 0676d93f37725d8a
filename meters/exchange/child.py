"""The import page's one import: a file that was uploaded, looked at and imported in a process of its own that ends.

State lies in files, so that a page that is loaded anew, or another tab, sees the same. `meters.exchange.runner` watches the process.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.conf import settings

from energysite.locks import Held, Lock
from energysite.uploads import Upload, read_json

MEMORY_BYTES = 1536 << 20  # of addresses, not of memory in use: the number libraries reserve more than they touch


class Stage(StrEnum):
    EMPTY = "empty"  # nothing was uploaded
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    LOOKING = "looking"  # the preview is being made
    LOOKED = "looked"
    IMPORTING = "importing"
    DONE = "done"
    FAILED = "failed"  # see `trouble`, `message`


class Busy(Exception):
    """An import runs already."""


@dataclass(frozen=True, slots=True)
class Import:
    """`about`: of the upload (id, name, size, ...) and what was chosen for it. `progress`: as `meters.exchange.progress` writes it.

    `preview`, `result`: those of `meters.exchange.importing`, as JSON. `trouble` of a failed one: refused (by the import, in
    `message`), crashed (with its last words in `said`), memory, killed, cancelled or site (which stopped meanwhile); `failed`: what
    it was, preview or import.
    """

    stage: Stage
    about: dict[str, Any] = field(default_factory=dict)
    received: int = 0
    progress: dict[str, Any] = field(default_factory=dict)
    preview: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""
    message: str = ""
    said: str = ""

    @property
    def failed(self) -> str:
        return str(self.about.get("run", "")) if self.stage is Stage.FAILED else ""

    @property
    def runs(self) -> bool:
        return self.stage in (Stage.LOOKING, Stage.IMPORTING)


def upload() -> Upload:
    return Upload(settings.MODE_DIR / "imports" / "page")


def current() -> Import:
    """How it stands."""
    _reap()
    held = upload()
    about = held.about()
    if not about:
        return Import(Stage.EMPTY)
    run, received = about.get("run", ""), held.received()
    if not run:
        return Import(Stage.UPLOADED if held.is_complete() else Stage.UPLOADING, about, received)
    progress = read_json(held.folder / "progress.json")
    preview = read_json(held.folder / "preview.json")
    facts: dict[str, Any] = {"about": about, "received": received, "progress": progress, "preview": preview}
    holder = _holder()
    ended = read_json(held.folder / "ended.json")
    if not ended and holder is not None:
        return Import(Stage.LOOKING if run == "preview" else Stage.IMPORTING, **facts)
    result = progress.get("result")
    if ended.get("code") == 0 and isinstance(result, dict):
        if run == "preview":
            return Import(Stage.LOOKED, **{**facts, "preview": result})
        return Import(Stage.DONE, **facts, result=result)
    # A runner that was killed itself left no word.
    trouble, message = ended.get("why", "killed"), str(progress.get("message", ""))
    if trouble in ("failed", "done"):
        trouble = "refused" if message else "crashed"
    return Import(Stage.FAILED, **facts, trouble=trouble, message=message, said=ended.get("said", ""))


def start(run: str, *, source: str, create: str = "", medium: str = "", language: str = "en") -> None:
    """`run`: preview or import. Raises Busy; FileNotFoundError where the file is not there."""
    held = upload()
    if current().runs or _holder() is not None:
        raise Busy
    if not held.is_complete():
        raise FileNotFoundError(held.file)
    for name in ("ended.json", "progress.json"):
        (held.folder / name).unlink(missing_ok=True)
    chosen = {"source": source, "create": create, "medium": medium}
    held.note(run=run, started=time.time(), **chosen)
    options = [f"--{name}={value}" for name, value in chosen.items() if value]
    if run == "preview":
        options.append("--preview")
    progress = held.folder / "progress.json"
    arguments = ["import_readings", str(held.file), *options, "--json", f"--language={language}", f"--progress-file={progress}"]
    _spawn([str(held.folder), str(MEMORY_BYTES), *arguments])


def cancel() -> bool:
    """Stop what runs; what was imported so far stays. False when nothing runs."""
    holder = _holder()
    if holder is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(holder, signal.SIGTERM)
    return True


def discard() -> None:
    """Raises Busy while an import runs."""
    if _holder() is not None:
        raise Busy
    upload().discard()


def sweep(now: float) -> bool:
    """Remove an upload that nothing was done with for a day; of a finished import the file only goes, its result stays to be read."""
    held = upload()
    if not held.is_abandoned(now) or _holder() is not None:
        return False
    if current().stage is Stage.DONE:
        held.drop_file()
    else:
        held.discard()
    return True


def _lock() -> Lock:
    return Lock(settings.MODE_DIR / "imports" / "lock")


def _holder() -> int | None:
    """The pid of the runner, which holds the lock as long as it lives."""
    lock = _lock()
    try:
        lock.take()
    except FileNotFoundError:  # nothing was ever uploaded
        return None
    except Held as held:
        return int(held.holder["pid"])
    lock.release()
    return None


# Of this process, to be reaped; its standard input is the pipe by which it sees that this process has gone.
_started: list[subprocess.Popen[bytes]] = []


def _reap() -> None:
    for process in [one for one in _started if one.poll() is not None]:
        if process.stdin is not None:
            process.stdin.close()
        _started.remove(process)


def _spawn(arguments: list[str]) -> None:
    """Not children.spawn, which is for main threads: the runner watches the pipe instead. Returns once it holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-m", "meters.exchange.runner", *arguments],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    _started.append(process)
    assert process.stdout is not None
    with process.stdout as told:
        if told.read(1) != b"r":  # running; at its end where it never came so far
            raise Busy
