"""`manage.py up` as people run it: real processes, killed and stopped from outside."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from energysite import children, layout, locks
from energysite.supervisor import ask
from tests.running_site import RunningSite, alive, manage
from tests.waiting import until

pytestmark = pytest.mark.slow
BACK_S = 10.0


@pytest.fixture(scope="module")
def house() -> Iterator[RunningSite]:
    """A house without meters, shared by the tests that leave it running."""
    from tests.conftest import new_data_dir

    running = RunningSite(new_data_dir(), MODE="house")
    try:
        yield running.ready()
    finally:
        running.stop()


def postgres_url(data_dir: Path, mode: str = "house") -> str:
    return f"postgresql://energysite@/energysite?host={layout.run_dir(data_dir, mode)}"


def answers(data_dir: Path) -> bool:
    """PostgreSQL and Valkey of the house answer."""
    try:
        with psycopg.connect(postgres_url(data_dir)) as connection:
            connection.execute("SELECT 1")
        with redis.Redis(unix_socket_path=str(layout.run_dir(data_dir, "house") / "valkey.sock")) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.RedisError):
        return False


def of_this_site(running: RunningSite) -> list[int]:
    """Every process that works for this data folder, by its environment or its folder."""
    folder = os.fsencode(running.data_dir)
    found = []
    for pid in children.pids():
        try:
            about = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if folder in about and alive(pid):
            found.append(pid)
    return found


@pytest.mark.parametrize("name", ["database", "live values", "web", "worker", "read_meters", "hold_outputs"])
def test_whatever_is_killed_is_back_within_ten_seconds(house: RunningSite, name: str) -> None:
    before = house.processes("house")[name]
    os.kill(before["pid"], signal.SIGKILL)

    def back() -> bool:
        row = house.processes("house")[name]
        return row["state"] == "running" and row["pid"] != before["pid"]

    until(back, BACK_S, lambda: f"{name} runs again:\n{house.output[-2000:]}")
    row = house.processes("house")[name]
    assert row["restarts"] == before["restarts"] + 1
    assert row["last_exit"] == "ended by SIGKILL"
    assert answers(house.data_dir)
    until(lambda: house.get("/healthz") == 200, BACK_S, "the page answers again")


def test_a_second_up_on_the_same_folder_says_so_and_ends(house: RunningSite) -> None:
    second = RunningSite(house.data_dir, MODE="house")
    assert second.process.wait(20) == 1
    second.stop()
    assert second.output == f"already running: pid {house.process.pid}, {house.url}"
    assert house.get("/healthz") == 200


def test_a_port_in_use_is_said_in_words(house: RunningSite, data_dir: Path) -> None:
    ended = manage(data_dir, "up", PORT=str(house.port))
    assert ended.returncode == 1
    assert f"Port {house.port} on 127.0.0.1 is in use by another program" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_commands_use_the_servers_that_run(house: RunningSite) -> None:
    pid = house.processes("house")["database"]["pid"]
    ended = manage(house.data_dir, "showmigrations", "meters", MODE="house")
    assert (ended.returncode, "[X] 0001" in ended.stdout) == (0, True), ended.stderr
    assert house.processes("house")["database"]["pid"] == pid


def test_the_control_socket_tells_what_runs_and_refuses_the_rest(house: RunningSite) -> None:
    status = ask(house.data_dir, "status")
    assert status["mode"] == "house"
    assert {row["name"] for row in status["processes"]} == {*("database", "live values", "web", "worker", "read_meters", "hold_outputs")}
    refused = ask(house.data_dir, "switch demo")
    assert not refused["ok"]
    assert "stays so" in refused["error"]
    assert not (house.data_dir / "mode").exists()
    assert not ask(house.data_dir, "rm -rf /")["ok"]
    assert layout.control_socket(house.data_dir).stat().st_mode & 0o777 == 0o600


def test_nobody_answers_for_a_folder_without_a_site(data_dir: Path) -> None:
    answer = ask(data_dir, "status")
    assert not answer["ok"]
    assert "Is it running?" in answer["error"]


def test_a_killed_supervisor_leaves_no_process_and_loses_nothing(data_dir: Path) -> None:
    first = RunningSite(data_dir, MODE="house").ready()
    with psycopg.connect(postgres_url(data_dir)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    token = (data_dir / "house/cli.token").read_text()
    assert len(of_this_site(first)) >= 6
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not of_this_site(first), BACK_S, "every process of the site ends")

    second = RunningSite(data_dir, MODE="house").ready()
    with psycopg.connect(postgres_url(data_dir)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
    assert (data_dir / "house/cli.token").read_text() == token
    assert second.stop(signal.SIGINT) == 0
    assert of_this_site(second) == []
    assert not (data_dir / "control.sock").exists()
    assert {row["state"] for row in second.processes("house").values()} == {"stopped"}


def test_the_demo_becomes_the_house_over_the_control_socket(data_dir: Path) -> None:
    site = RunningSite(data_dir).ready()
    try:
        assert (data_dir / "mode").exists() is False
        demo = site.processes("demo")
        assert "demo_house" in demo
        assert ask(data_dir, "switch house") == {"ok": True, "mode": "house"}
        until(lambda: site.output.count("ready: ") == 2, 60, lambda: f"the house is ready:\n{site.output[-2000:]}")
        assert (data_dir / "mode").read_text() == "house\n"
        assert not any(alive(row["pid"]) for row in demo.values())
        assert "demo_house" not in site.processes("house")
        assert (data_dir / "demo/secret.key").read_text() != (data_dir / "house/secret.key").read_text()
        assert answers(data_dir)
    finally:
        site.stop()
    assert of_this_site(site) == []


def test_servers_of_ones_own_replace_the_embedded_ones(data_dir: Path) -> None:
    from tests.conftest import SERVERS

    assert SERVERS.postgres is not None
    assert SERVERS.valkey is not None
    session = SERVERS.postgres.url
    with psycopg.connect(session, autocommit=True) as connection:
        connection.execute("CREATE DATABASE of_ones_own")
    own = session.replace("/energysite?", "/of_ones_own?")
    site = RunningSite(data_dir, DATABASE_URL=own, REDIS_URL=f"{SERVERS.valkey.url}?db=3")
    try:
        site.ready()
        assert set(site.processes("house")) == {"web", "worker", "read_meters", "hold_outputs"}
        assert not (data_dir / "house/postgres").exists()
        with psycopg.connect(own) as connection:
            assert connection.execute("SELECT count(*) FROM django_migrations").fetchall() != [(0,)]
        assert ask(data_dir, "switch demo")["ok"] is False
    finally:
        site.stop()
        with psycopg.connect(session, autocommit=True) as connection:
            connection.execute("DROP DATABASE of_ones_own WITH (FORCE)")


def test_a_command_starts_the_servers_for_itself_and_stops_them(data_dir: Path) -> None:
    code = "from django.db import connection; c = connection.cursor(); c.execute('SELECT count(*) FROM meters_meter'); print(c.fetchone())"
    ended = manage(data_dir, "shell", "-v", "0", "-c", code, MODE="house")
    assert ended.returncode == 0, ended.stderr
    assert "(0,)" in ended.stdout
    folder = os.fsencode(data_dir)
    assert [
        pid for pid in children.pids() if children.executable(pid) == "postgres" and folder in Path(f"/proc/{pid}/cmdline").read_bytes()
    ] == []


def test_a_demo_command_never_touches_the_house(data_dir: Path) -> None:
    (data_dir / "mode").write_text("house\n")
    ended = manage(data_dir, "migrate", "--demo", "--plan")
    assert ended.returncode == 0, ended.stderr
    assert (data_dir / "demo/postgres").exists()
    assert not (data_dir / "house").exists()


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (["up"], {"PORT": "http"}, "PORT='http' is not a whole number between 1 and 65535."),
        (["up"], {"BIND": "energy.lan"}, "BIND='energy.lan' is no address. Use 127.0.0.1 (this machine only) or 0.0.0.0 (your network)."),
        (["check"], {"MODE": "castle"}, "MODE='castle' is not one of: demo, house, ."),
        (["check"], {"DATABASE_URL": "mysql://x"}, "DATABASE_URL must start with postgresql:// or postgres://."),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(data_dir: Path, arguments: list[str], variables: dict[str, str], sentence: str) -> None:
    ended = manage(data_dir, *arguments, **variables)
    assert ended.returncode == 2
    assert ended.stderr.strip() == sentence


def test_a_full_disk_at_the_start_is_said_in_words(data_dir: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=0711", "tmpfs", data_dir], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be made here: {mounted.stderr.decode().strip()}")
    try:
        ended = manage(data_dir, "up", MODE="house")
        assert ended.returncode == 1
        assert "is full. Make room and start again; nothing was lost." in ended.stderr
        assert "Traceback" not in ended.stderr
    finally:
        subprocess.run(["umount", data_dir], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_of_somebody_else_is_said_in_words() -> None:
    ended = manage(Path(pwd.getpwuid(0).pw_dir) / "energysite", "up")
    assert ended.returncode == 1
    assert "belongs to another account" in ended.stderr


def test_a_data_folder_too_deep_for_sockets_works(data_dir: Path) -> None:
    deep = data_dir / ("d" * 60) / ("e" * 60)
    ended = manage(deep, "migrate", "--plan", MODE="house")
    try:
        assert ended.returncode == 0, ended.stderr
    finally:
        run_dir = layout.run_dir(deep, "house")
        shutil.rmtree(run_dir.parent.parent if run_dir.is_relative_to(layout.ROOT_HOME) else run_dir)


def test_up_waits_for_a_command_that_uses_the_database_and_can_be_stopped_meanwhile(data_dir: Path) -> None:
    lock = locks.Lock(layout.make_mode_dir(data_dir, "house") / "servers.lock")
    lock.take(who="import_readings")
    site = RunningSite(data_dir, MODE="house")
    site.said(f"waiting until `import_readings` (pid {os.getpid()}) has ended", 20)
    assert site.stop(signal.SIGINT) == 0
    assert not (data_dir / "house/postgres").exists()
    lock.release()
