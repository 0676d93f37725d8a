"""The launcher with real PostgreSQL and Valkey processes, each test in a folder of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from energysite import children, locks
from energysite.children import StartError
from energysite.embedded import Postgres, Servers, Valkey
from tests.running_site import alive
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def servers(data_dir: Path) -> Iterator[Servers]:
    found = Servers(data_dir, "house")
    yield found
    found.stop()


def postgres_of(servers: Servers) -> Postgres:
    assert servers.postgres is not None
    return servers.postgres


def valkey_of(servers: Servers) -> Valkey:
    assert servers.valkey is not None
    return servers.valkey


def rows(servers: Servers, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(postgres_of(servers).url) as connection:
        return connection.execute(statement).fetchall()


def abandoned(argv: list[str | Path], account: children.Account | None, cwd: Path) -> subprocess.Popen[bytes]:
    """A server as a killed run might leave it: nobody's child, without the death signal."""
    as_user = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    return subprocess.Popen(
        [str(part) for part in argv],
        cwd=cwd,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_user,  # type: ignore[call-overload]
    )


def test_the_sites_role_is_no_superuser_but_may_create_databases(servers: Servers) -> None:
    servers.start()
    assert rows(servers, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == [(False, True)]
    assert rows(servers, "SHOW fsync") == [("on",)]
    assert rows(servers, "SHOW full_page_writes") == [("on",)]
    assert rows(servers, "SHOW listen_addresses") == [("",)]
    assert servers.postgres is not None
    assert servers.postgres.run_dir.stat().st_mode & 0o777 == 0o700


def test_a_pid_file_whose_number_belongs_to_another_program_is_stale(servers: Servers) -> None:
    servers.start()
    postgres = postgres_of(servers)
    lines = (postgres.data / "postmaster.pid").read_text().splitlines()
    servers.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (postgres.data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        if postgres.account:
            os.chown(postgres.data / "postmaster.pid", postgres.account.uid, postgres.account.gid)
        servers.start()
        assert rows(servers, "SELECT 1") == [(1,)]
        assert stranger.poll() is None, "another program was stopped for its number"
    finally:
        stranger.kill()
        stranger.wait()


def test_servers_that_a_killed_run_left_are_stopped_and_started_anew(servers: Servers) -> None:
    servers.create()
    postgres, valkey = postgres_of(servers), valkey_of(servers)
    left = [
        abandoned(
            [postgres.bin / "postgres", "-D", postgres.data, "-k", postgres.run_dir, "-c", "listen_addresses="],
            postgres.account,
            postgres.service_dir,
        ),
        abandoned([valkey.program, "--port", "0", "--unixsocket", valkey.socket, "--dir", valkey.run_dir], valkey.account, valkey.run_dir),
    ]
    try:
        until(lambda: (postgres.data / "postmaster.pid").exists() and valkey.ready(), 10, "the abandoned servers run")
        servers.start()
        assert rows(servers, "SELECT 1") == [(1,)]
        for process in left:
            process.wait(10)
        assert valkey.ready()
    finally:
        for process in left:
            process.kill()
            process.wait()


def test_postgresql_starts_again_while_backends_of_a_killed_one_linger(servers: Servers) -> None:
    servers.start()
    postgres = postgres_of(servers)
    with psycopg.connect(postgres.url) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # it cannot notice that its postmaster is gone
        assert postgres.process is not None
        postgres.process.kill()
        postgres.process.wait()
        assert alive(backend)
        postgres.start()
        postgres.wait_ready(10)
        assert rows(servers, "SELECT 1") == [(1,)]
        assert not alive(backend)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_socket_left_without_its_server_is_no_obstacle(servers: Servers) -> None:
    servers.start()
    valkey = valkey_of(servers)
    assert valkey.process is not None
    valkey.process.kill()
    valkey.process.wait()
    assert valkey.socket.exists()
    valkey.start()
    valkey.wait_ready(10)


def test_a_database_of_another_major_version_is_refused_in_words(servers: Servers) -> None:
    servers.create()
    postgres = postgres_of(servers)
    (postgres.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(StartError, match=r"made by PostgreSQL 12.*Nothing was touched.*pg_dump"):
        servers.start()


def test_a_creation_that_was_cut_off_leaves_nothing_half_done(servers: Servers) -> None:
    postgres = postgres_of(servers)
    half = postgres.data.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    servers.start()
    assert rows(servers, "SELECT 1") == [(1,)]
    assert not half.exists()


def test_the_servers_end_with_the_process_that_started_them(data_dir: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from energysite.embedded import Servers\n"
        "servers = Servers(Path(sys.argv[1]), 'house'); servers.start()\n"
        "print(*[server.process.pid for server in servers], flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(data_dir)], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        with parent.stdout:
            pids = [int(word) for word in parent.stdout.readline().split()]
            assert len(pids) == 2
            parent.kill()
            until(lambda: not any(alive(pid) for pid in pids), 10, "the servers end too")
    finally:
        parent.kill()
        parent.wait()


def test_one_process_at_a_time_has_the_servers(data_dir: Path) -> None:
    first, second = Servers(data_dir, "house"), Servers(data_dir, "house")
    first.take("import_readings")
    with pytest.raises(locks.Held) as held:
        second.take("up")
    assert held.value.holder == {"pid": os.getpid(), "who": "import_readings"}
    first.stop()
    second.take("up")
    second.stop()


def test_a_socket_folder_that_is_a_link_is_refused(data_dir: Path) -> None:
    (data_dir / "elsewhere").mkdir()
    (data_dir / "run").symlink_to(data_dir / "elsewhere")
    with pytest.raises(StartError, match="is a link"):
        children.give(data_dir / "run", None)
