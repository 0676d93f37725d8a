"""The embedded servers: PostgreSQL and Valkey from their wheels, or the system's. No Django here: the supervisor stays small.

As root, both run as an ordinary account (PostgreSQL insists). Sockets only, in a folder of mode 0700: no TCP port.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from energysite import children, layout, locks, programs

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
    # After each checkpoint a page is written whole once more: every 5 minutes that is half of what a meter's readings write.
    "checkpoint_timeout": "1h",
    "wal_compression": "pglz",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
SINCE_18 = {"io_method": "sync"}

POSTGRES_STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
ORPHANS_S = 1.0
VALKEY_STOP = ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0))


class Postgres(children.Child):
    name = "database"
    stop_steps = POSTGRES_STOP

    def __init__(self, service_dir: Path, run_dir: Path, account: children.Account | None, options: Mapping[str, str]) -> None:
        self.service_dir, self.run_dir, self.account, self.options = service_dir, run_dir, account, options
        self.data = service_dir / "postgres"
        self.log = service_dir / "postgres.log"
        self.bin = programs.postgres_bin()
        self.major = programs.postgres_major(self.bin)
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
            raise children.StartError(f"The database could not be created in {self.data}: {_reason(said)}")

    def check_version(self) -> None:
        stored = (self.data / "PG_VERSION").read_text().strip()
        if stored != str(self.major):
            raise children.StartError(
                f"The database in {self.data} was made by PostgreSQL {stored}; installed is {self.major}, which cannot read it. "
                f"Nothing was touched. Go back to the earlier version of this program (or install PostgreSQL {stored}) "
                f"and write out the data there with `pg_dump`; then move the folder aside, start this version and read the data in again."
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
        for pid in self.leftovers():
            if noted and str(pid) == noted[0].strip():
                children.end_leftover(pid, self.stop_steps)
        # Backends whose postmaster was killed end by themselves, but not all at once; the next start recovers what they did.
        deadline = time.monotonic() + ORPHANS_S
        while (left := self.leftovers()) and time.monotonic() < deadline:
            time.sleep(0.02)
        for pid in left:
            children.end_leftover(pid, ((signal.SIGKILL, 5.0),))
        if noted and children.start_time(int(noted[0])) is not None and not self.leftovers():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def start(self) -> None:
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


class Valkey(children.Child):
    name = "live values"
    stop_steps = VALKEY_STOP

    def __init__(self, service_dir: Path, run_dir: Path, account: children.Account | None) -> None:
        self.run_dir, self.account = run_dir, account
        self.program = programs.valkey()
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
        for pid in self.leftovers():
            children.end_leftover(pid, self.stop_steps)
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
    """The servers of DATA_DIR/<mode>, for one process at a time; one that is given elsewhere is left out."""

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
        mode_dir = layout.make_mode_dir(data_dir, mode)
        service_dir, run_dir = layout.service_dir(data_dir, mode), layout.run_dir(data_dir, mode)
        layout.make_folder(service_dir)
        account = children.server_account(service_dir / "postgres")
        children.give(run_dir, account)
        self.lock = locks.Lock(mode_dir / "servers.lock")
        self.postgres = Postgres(service_dir, run_dir, account, options or {}) if postgres else None
        self.valkey = Valkey(service_dir, run_dir, account) if valkey else None
        self.say = say
        self._announce = service_dir if service_dir != mode_dir and not service_dir.joinpath("postgres").exists() else None

    def __iter__(self) -> Iterator[children.Child]:
        return iter([server for server in (self.postgres, self.valkey) if server is not None])

    def take(self, who: str) -> None:
        """Hold the servers for this process, which is doing `who`; raises locks.Held."""
        self.lock.take(who=who)

    def create(self) -> None:
        """Make the database where there is none yet."""
        if self.postgres is None or self.postgres.exists():
            return
        if self._announce:
            self.say(f"database: its account cannot reach the data folder, so it lies in {self._announce}")
        self.say("database: first start, it is being created")
        self.postgres.create()

    def start(self) -> None:
        self.create()
        for server in self:
            server.start()
        for server in self:
            server.wait_ready()

    def stop(self) -> None:
        for server in reversed(list(self)):
            server.stop()
        self.lock.release()

    def __enter__(self) -> "Servers":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
