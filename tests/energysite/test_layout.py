import os
import subprocess
import sys
from pathlib import Path

import pytest

from energysite import env, layout
from tests.running_site import BASE_DIR, environment


def test_the_demo_runs_until_a_mode_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODE", raising=False)
    assert layout.mode(tmp_path) == "demo"
    (tmp_path / "mode").write_text("house\n")
    assert layout.mode(tmp_path) == "house"
    monkeypatch.setenv("MODE", "demo")
    assert layout.mode(tmp_path) == "demo"


def test_there_is_no_automatic_demo_with_a_database_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODE", raising=False)
    assert layout.mode(tmp_path, external_database=True) == "house"


def test_a_spoilt_mode_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODE", raising=False)
    (tmp_path / "mode").write_text("castle")
    with pytest.raises(env.EnvError, match=r"mode.*'castle'"):
        layout.mode(tmp_path)


def test_sockets_of_a_deep_data_folder_get_a_short_path() -> None:
    deep = Path("/tmp") / ("x" * 60) / ("y" * 60)
    for path in (layout.run_dir(deep, "house") / ".s.PGSQL.5432", layout.control_socket(deep)):
        assert len(os.fsencode(path)) <= 107
        assert not path.is_relative_to(deep)
    assert layout.run_dir(deep, "house") != layout.run_dir(deep, "demo")
    assert layout.run_dir(deep, "house") != layout.run_dir(deep / "z", "house")


def test_sockets_of_an_ordinary_data_folder_stay_in_it(tmp_path: Path) -> None:
    folder = Path("/srv/energy")
    assert layout.run_dir(folder, "house") == folder / "house/run"
    assert layout.control_socket(folder) == folder / "control.sock"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its database to another account")
def test_a_database_that_exists_is_never_looked_for_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert layout.service_dir(tmp_path, "house").is_relative_to(layout.ROOT_HOME)
    (tmp_path / "house/postgres").mkdir(parents=True)
    assert layout.service_dir(tmp_path, "house") == tmp_path / "house"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's folders keep the user's umask")
def test_roots_new_folders_can_be_passed_through_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        made = layout.make_folder(tmp_path / "a/b")
    finally:
        os.umask(before)
    assert made.stat().st_mode & 0o777 == 0o711
    assert made.parent.stat().st_mode & 0o777 == 0o711


def test_nobody_else_writes_what_the_site_makes_however_open_the_umask(tmp_path: Path) -> None:
    command = ["sh", "-c", 'umask 0; exec "$0" manage.py check', sys.executable]
    subprocess.run(command, cwd=BASE_DIR, env=environment(tmp_path), check=True, timeout=60, capture_output=True)
    made = list(tmp_path.rglob("*"))
    assert made
    assert not [path for path in made if path.stat().st_mode & 0o022]


def test_a_database_url_names_a_server_or_a_sockets_folder() -> None:
    assert layout.database("postgresql://energy:a%40b@db.lan:5433/house") == {
        "NAME": "house",
        "USER": "energy",
        "PASSWORD": "a@b",
        "HOST": "db.lan",
        "PORT": "5433",
    }
    assert layout.database("postgresql://energysite@/energysite?host=/srv/run")["HOST"] == "/srv/run"


def test_celery_and_channels_name_the_same_redis() -> None:
    assert layout.broker_url("unix:///srv/valkey.sock") == "redis+socket:///srv/valkey.sock?virtual_host=0"
    assert layout.broker_url("unix:///srv/valkey.sock?db=3") == "redis+socket:///srv/valkey.sock?virtual_host=3"
    assert layout.broker_url("redis://cache:6379/1") == "redis://cache:6379/1"


def test_this_machines_names_are_accepted_as_hosts() -> None:
    hosts = layout.allowed_hosts(["Energy.Example"], "https://home.example:8443/x")
    assert {"localhost", "127.0.0.1", "[::1]", "energy.example", "home.example"} <= set(hosts)
