"""docker/: nothing builds an image here, so what its files name must at least exist and be safe by reading."""

import configparser
import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from energysite.celery import app
from tests.source import PACKAGES, ROOT

DOCKER = ROOT / "docker"


def blocks(text: str, key: str) -> dict[str, str]:
    """The entries below a top-level key of compose.yml -> their text."""
    section = re.search(rf"^{key}:\n((?:(?:  .*|\s*)\n)+)", text, re.MULTILINE)
    assert section is not None, f"no {key} in compose.yml"
    parts = re.split(r"^  ([\w-]+):.*\n", section[1], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def services() -> dict[str, str]:
    return blocks((DOCKER / "compose.yml").read_text(), "services")


def command_of(text: str) -> list[str]:
    found = re.search(r"^    command: (\[.*\])$", text, re.MULTILINE)
    return json.loads(found[1]) if found else []


def dockerfile(instruction: str) -> list[str]:
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{instruction} ")]


def copied() -> list[str]:
    """What the Dockerfile takes from the checkout."""
    return [source for line in dockerfile("COPY") if not line.startswith("--from") for source in line.split()[:-1]]


def test_compose_has_every_process_and_each_runs_a_command_there_is() -> None:
    found = services()
    assert set(found) == {"database", "valkey", "prepare", "web", "worker", "beat", "read_meters", "hold_outputs"}
    for name in ("prepare", "read_meters"):
        python, manage, command = command_of(found[name])
        assert (python, manage) == ("python", "manage.py")
        assert command in get_commands()
    assert command_of(found["hold_outputs"]) == ["python", "manage.py", "hold_outputs"], "dispatched by manage.py itself"
    for name in ("worker", "beat"):
        assert command_of(found[name])[:4] == ["celery", "-A", app.main, name]
        assert subprocess.run([sys.executable, "-m", *command_of(found[name]), "--help"], cwd=ROOT, capture_output=True).returncode == 0
    assert json.loads(dockerfile("CMD")[0])[:3] == ["python", "-m", "energysite.web"], "web runs the image's own command"
    assert command_of(found["web"]) == []


def test_compose_opens_no_port_but_the_pages() -> None:
    assert {name for name, text in services().items() if re.search(r"^    (ports|expose|network_mode)\b", text, re.MULTILINE)} == {"web"}
    for name in ("database", "valkey"):
        assert 'networks: ["inside"]' in services()[name]
    assert "internal: true" in blocks((DOCKER / "compose.yml").read_text(), "networks")["inside"]


def test_secrets_come_from_the_environment_and_the_example_holds_none() -> None:
    compose = (DOCKER / "compose.yml").read_text()
    example = dict(line.split("=", 1) for line in (DOCKER / ".env.example").read_text().splitlines() if line and not line.startswith("#"))
    wanted = set(re.findall(r"\$\{(\w+)", compose))
    assert wanted == set(example), "compose.yml and .env.example name the same variables"
    assert {name: value for name, value in example.items() if "PASSWORD" in name} == {"POSTGRES_PASSWORD": "", "DATABASE_PASSWORD": ""}
    for name in ("POSTGRES_PASSWORD", "DATABASE_PASSWORD"):
        assert f"${{{name}:?" in compose, "refuses to start without it"


def test_what_the_dockerfile_copies_exists_and_is_let_through() -> None:
    allowed = [line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(source == path or source.startswith(f"{path}/") for path in allowed), f"{source} is ignored"
    assert {*PACKAGES, "manage.py", "templates", "requirements.txt"} <= set(copied())
    pins = (ROOT / "requirements.txt").read_text()
    left_out = re.search(r"grep -vE '\^\((.*)\)=='", (DOCKER / "Dockerfile").read_text())
    assert left_out is not None
    for name in left_out[1].split("|"):
        assert f"\n{name}==" in pins, f"{name} is no longer pinned: the pattern is stale"


def test_the_image_runs_as_an_ordinary_user_and_looks_after_its_health() -> None:
    assert dockerfile("USER") == ["energysite"]
    assert "/healthz" in dockerfile("HEALTHCHECK")[0]
    assert not any(fnmatch.fnmatch(line, "*SECRET*=*") or "PASSWORD" in line for line in dockerfile("ENV") + dockerfile("ARG"))


def test_the_database_gives_the_site_a_role_that_is_no_superuser() -> None:
    script = (DOCKER / "database" / "energysite.sh").read_text()
    assert "NOSUPERUSER" in script
    assert "CREATE EXTENSION IF NOT EXISTS timescaledb" in script
    assert "./database/energysite.sh:/docker-entrypoint-initdb.d/" in services()["database"]


def test_the_unit_runs_up_as_an_ordinary_user_and_gives_it_time_to_stop() -> None:
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DOCKER / "systemd" / "energysite.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith("manage.py up")
    assert service["User"] not in ("", "root")
    assert service["NotifyAccess"] == "all", "a child of `up` feeds the watchdog"
    assert int(service["WatchdogSec"]) >= 30
    assert (service["KillMode"], service["Restart"], service["NoNewPrivileges"]) == ("mixed", "always", "yes")
    assert int(service["TimeoutStopSec"]) >= 30


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yml", "README.md", "systemd/energysite.service", ".env.example"])
def test_paths_named_in_the_docs_exist(name: str) -> None:
    named = set(re.findall(r"docker/[\w./-]*\w", (DOCKER / name).read_text())) - {"docker/.env"}
    assert [path for path in sorted(named) if not Path(ROOT / path).exists()] == []
