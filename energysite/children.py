"""Child processes that never outlive their parent, and recognising what a killed run left behind. No Django here."""

import ctypes
import os
import pwd
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# PostgreSQL refuses to run as root; the first of these accounts that exists takes its place.
ORDINARY_ACCOUNTS = ("energysite", "postgres", "nobody")


class StartError(Exception):
    """Something cannot be started. The message says what happened and what to do next."""


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


def server_account(cluster: Path) -> Account | None:
    """Who runs the embedded servers when we are root; None when we are somebody ordinary ourselves.

    A database that exists keeps its owner: PostgreSQL accepts no other.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid:
        owner = cluster.stat()
        return Account(str(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in ORDINARY_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StartError(f"PostgreSQL does not run as root, and none of the accounts {', '.join(ORDINARY_ACCOUNTS)} exists.")


def give(folder: Path, account: Account | None) -> None:
    """Make `folder` (0700) when it is missing and hand it to the account. A link, or another person's folder, is refused."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (os.geteuid() != 0 and found.st_uid != os.geteuid()):
        raise StartError(f"{folder} is a link or belongs to somebody else. Remove it, or choose another DATA_DIR.")
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _dies_with_parent(parent: int, death_signal: int) -> Callable[[], None]:
    def in_child() -> None:
        # After the user has changed: setuid clears the flag. It follows the thread that forked, so only main threads spawn.
        _libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    death_signal: int = signal.SIGKILL,
    account: Account | None = None,
    cwd: Path | None = None,
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in its own process group that gets `death_signal` when this process ends, however it ends.

    Its own group keeps Ctrl-C on a terminal from reaching it: the parent stops its children in order.
    """
    as_user: dict[str, Any] = {}
    if account is not None:
        as_user = {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.Popen(
        [str(part) for part in argv],
        env=dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        process_group=0,
        preexec_fn=_dies_with_parent(os.getpid(), death_signal),
        **as_user,
    )


def stop(process: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]], *, asked: bool = False) -> None:
    """Send each signal in turn and wait that many seconds for the end; the last step should be SIGKILL.

    asked: the first signal has been sent already (twice means "at once" to some).
    """
    for number, seconds in steps:
        if process.poll() is not None:
            return
        if not asked:
            process.send_signal(number)
        asked = False
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


class Child:
    """One process we start, watch and stop. `start` only from the main thread (see `spawn`)."""

    name = ""
    stop_steps: tuple[tuple[int, float], ...] = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
    process: subprocess.Popen[bytes] | None = None
    _asked = False

    def start(self) -> None:
        raise NotImplementedError

    def ready(self) -> bool:
        """True once it does its work."""
        raise NotImplementedError

    def trouble(self) -> str:
        """Why it does not run, in words."""
        raise NotImplementedError

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, timeout_s: float = 120) -> None:
        """Until it works. A database's recovery after a power cut may take a minute on an SD card."""
        deadline = time.monotonic() + timeout_s
        while not self.ready():
            if not self.running():
                raise StartError(self.trouble())
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} was not ready within {timeout_s:.0f} s. {self.trouble()}")
            time.sleep(0.05)

    def ask_to_stop(self) -> None:
        """The first signal only; `stop` goes on from there."""
        if self.running() and self.process is not None:
            self.process.send_signal(self.stop_steps[0][0])
            self._asked = True

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, self.stop_steps, asked=self._asked)
            self.process, self._asked = None, False


# Other people's children: what /proc says about them


def start_time(pid: int) -> float | None:
    """When the process started, in seconds since the epoch (to about 10 ms), or None when there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = status.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def executable(pid: int) -> str:
    """The program's name, or an empty string when the process is gone or somebody else's."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def working_dir(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def end_leftover(pid: int, steps: Sequence[tuple[int, float]]) -> None:
    """Like `stop`, for a process that is not our child."""
    began = start_time(pid)
    for number, seconds in steps:
        deadline = time.monotonic() + seconds
        if began is None or start_time(pid) != began:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        while time.monotonic() < deadline:
            if start_time(pid) != began:
                return
            time.sleep(0.02)
