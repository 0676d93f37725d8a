import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.emulators import telegrams
from tests.meters import captures

ONE = telegrams.write(telegrams.BELGIUM)


def run(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """As a person runs it, where no server answers."""
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing", "REDIS_URL": "redis://127.0.0.1:9/0"}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "decode_p1", *arguments]
    return subprocess.run(command, input=data, capture_output=True, env=os.environ | nowhere, timeout=60, check=False)


def test_standard_input_becomes_one_json_object_a_telegram_without_any_server() -> None:
    wrong = ONE.replace(b"000661.701", b"000661.702")
    done = run(data=ONE[300:] + ONE + wrong + ONE[:100])
    assert done.returncode == 0
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["time"], first["valid"], first["error"], first["gas_l"]) == ("2025-01-15T09:15:30Z", True, None, 112384)
    assert second["valid"] is False
    assert "checksum does not match" in second["error"]
    lost = ONE[300:] + ONE[:100]
    bare = len(lost) - lost.count(b"\r") - lost.count(b"\n")
    assert done.stderr.decode() == (
        f"2 telegrams, 1 of them valid; {bare} bytes belonged to no whole telegram (1 telegram began and did not end).\n"
    )


def test_the_iskra_capture_gives_566_valid_telegrams() -> None:
    done = run(str(captures.path(captures.ISKRA)))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert sum(line["valid"] for line in lines) == len(lines) == 566
    assert lines[0] == {
        "time": "2019-03-24T14:05:19Z",
        "valid": True,
        "error": None,
        "serial": "E0044007131650618",
        "import_t1_wh": 3432827,
        "import_t2_wh": 3224632,
        "export_t1_wh": 0,
        "export_t2_wh": 0,
        "tariff": 1,
        "import_w": 378,
        "export_w": 0,
        "l1_w": 45,
        "l1_v": 237.1,
        "l1_a": 0.0,
        "l2_w": 10,
        "l2_v": 235.1,
        "l2_a": 0.0,
        "l3_w": 322,
        "l3_v": 236.1,
        "l3_a": 2.0,
    }


def test_a_missing_file_is_told_and_ends_with_1() -> None:
    done = run("/nowhere/port.p1")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"CommandError: /nowhere/port.p1 cannot be opened: No such file or directory.\n"


def test_a_reader_that_stops_listening_ends_it_quietly(tmp_path: Path) -> None:
    file = tmp_path / "many.p1"
    file.write_bytes(ONE * 3000)
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "decode_p1", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty", b"", "No telegram was found."),
        ("random", random.Random(7).randbytes(3_000_000), "bytes belonged to no whole telegram"),
        ("zeros", bytes(10_000_000), "No telegram was found; 10000000 bytes belonged to no whole telegram."),
        ("slashes", b"\n/" * 500_000, "No telegram was found; 500000 bytes belonged to no whole telegram"),
        ("no end", ONE[:-8], "No telegram was found; "),
        ("header only", b"/\n!\n", "1 telegram, 0 of them valid."),
    ],
)
def test_whatever_it_is_fed_it_ends_well(name: str, data: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    call_command("decode_p1", str(file))
    out, err = capsys.readouterr()
    assert said in err
    assert all(json.loads(line)["valid"] is False for line in out.splitlines())


def test_a_folder_is_no_capture(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot be opened: Is a directory\."):
        call_command("decode_p1", str(tmp_path))


def test_a_whole_capture_says_nothing_beside_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "whole.p1"
    file.write_bytes(ONE + ONE.rstrip())
    call_command("decode_p1", str(file))
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert err == ""
