"""import_readings and export_readings as a person and the upload page run them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from meters.exchange import importing
from meters.models import Source
from tests.meters.exchange import made
from tests.source import ROOT, reached
from tests.waiting import until


@pytest.mark.django_db
def test_an_import_by_the_command_tells_its_progress_and_its_result(tmp_path, capsys):
    path = made.write(tmp_path, made.readings(made.START, 200) + "rubbish\n")
    told = tmp_path / "progress.json"
    call_command("import_readings", path, source="House", create="electricity", json=True, progress_file=told)
    result = json.loads(capsys.readouterr().out)
    assert (result["new"], result["bad_count"], result["bad"][0]["line"]) == (200, 1, 202)
    assert result["first"] == "2026-03-02T00:00:00Z"
    progress = json.loads(told.read_text())
    assert (progress["phase"], progress["percent"], progress["result"]) == ("done", 100, result)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("progress.json.")] == []


@pytest.mark.django_db
def test_a_preview_needs_no_source_and_writes_nothing(tmp_path, capsys):
    call_command("import_readings", made.write(tmp_path, made.readings(made.START, 20)), preview=True)
    said = capsys.readouterr().out
    assert "20 readings of electricity" in said
    assert not Source.objects.exists()


@pytest.mark.django_db
def test_what_went_wrong_is_said_and_stands_in_the_progress_file(tmp_path):
    told = tmp_path / "progress.json"
    with pytest.raises(CommandError, match="--create"):
        call_command("import_readings", made.write(tmp_path, made.readings(made.START, 20)), source="Nowhere", progress_file=told)
    assert json.loads(told.read_text())["phase"] == "failed"
    with pytest.raises(CommandError, match="--source"):
        call_command("import_readings", tmp_path / "file")
    with pytest.raises(CommandError, match="no source called Nowhere"):
        call_command("export_readings", source="Nowhere")


@pytest.mark.django_db
def test_an_export_is_a_whole_file_or_none(tmp_path, capsys):
    made.run(made.write(tmp_path, made.readings(made.START, 20)))
    out = tmp_path / "out.csv"
    call_command("export_readings", source="House", output=out, json=True)
    summary = json.loads(capsys.readouterr().out)
    assert (summary["rows"], summary["bytes"]) == (20, out.stat().st_size)
    assert len(out.read_text().splitlines()) == 21
    with pytest.raises(CommandError, match="no day"):
        call_command("export_readings", source="House", start="yesterday")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_readings", source="House", output=tmp_path / "no" / "folder.csv")


def test_no_process_that_stays_brings_in_what_imports_need() -> None:
    for name in ("energysite.asgi", "energysite.urls", "energysite.worker", "meters.tasks", "meters.reader"):
        heavy = {target: by for target, by in reached(name).items() if target.partition(".")[0] in ("numpy", "pandas")}
        assert heavy == {}, name


CHILD = """
import os, sys
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from django.core.management import call_command
call_command(*sys.argv[2:])
"""


def child(*words: object) -> subprocess.Popen[bytes]:
    name = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", CHILD, name, *map(str, words)], env=environment, cwd=ROOT, stdout=-1, stderr=-1)


def rows_of(told: Path) -> int:
    return int(json.loads(told.read_text())["rows"]) if told.exists() else 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_import_killed_in_the_middle_is_whole_after_it_was_started_again(tmp_path):
    count = 80_000
    path, told = made.write(tmp_path, made.readings(made.START, count, step_s=1, per_step=1)), tmp_path / "progress.json"
    words = ("import_readings", path, "--source=House", "--create=electricity", "--progress-file", told, "--json", "--no-wait")
    first = child(*words)
    until(lambda: rows_of(told) > 0, 60, lambda: "nothing was stored" if first.poll() is None else first.communicate()[1].decode()[-2000:])
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    told.unlink()
    there = importing.Source.objects.get(name="House")
    assert 0 < len(made.stored(there.name, "import_t1_wh")) < count
    second = child(*words)
    out, err = second.communicate(timeout=120)
    result = json.loads(out)
    assert second.returncode == 0, err
    assert result["resumed"]
    assert (result["rows"], result["suspects"]) == (count, 0)
    assert [row[1] for row in made.stored("House", "import_t1_wh")] == list(range(1000, 1000 + count))
