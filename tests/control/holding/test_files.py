"""What survives the holder, and what it speaks to Valkey with."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from control.holding.calls import Clock
from control.holding.resp import Away, Command, Valkey
from control.holding.starts import Files, locked_s

NOW: dict[str, Any] = {"boot": "a", "up": 1000.0, "at": 1_800_000_000.0}


def start(**changed: Any) -> dict[str, Any]:
    return {**NOW, **changed}


@pytest.mark.parametrize(
    ("before", "locked"),
    [
        ([], 0),
        ([start(up=900.0)], 0),
        ([start(up=500.0), start(up=900.0)], 600),
        ([start(up=300.0), start(up=900.0)], 0),
        # The clock was set by a day between them: within one boot it is not asked.
        ([start(up=500.0, at=1_800_086_400.0), start(up=900.0, at=1_700_000_000.0)], 600),
        # Another boot: the clock of the day counts, and one that went back counts as recent.
        ([start(boot="b", at=NOW["at"] - 500), start(up=900.0)], 600),
        ([start(boot="b", at=NOW["at"] - 700), start(up=900.0)], 0),
        ([start(boot="b", at=NOW["at"] + 86_400), start(up=900.0)], 600),
    ],
)
def test_rule_8_three_starts_in_ten_minutes_lock(before: list[dict[str, Any]], locked: float) -> None:
    assert locked_s(before, dict(NOW)) == locked


def files(folder: Path) -> Files:
    (folder / "secret.key").touch()
    return Files(folder)


CLOCK = Clock(lambda: 1000.0, lambda: 1_800_000_000.0)


def test_records_and_settings_are_read_back_and_starts_are_counted(tmp_path: Path) -> None:
    first = files(tmp_path)
    assert (first.settings(), dict(first.records()), first.copied()) == (None, {}, False)
    assert first.started(CLOCK) == 0
    first.keep_records({"car": {"life": 7}})
    first.keep_settings(b'{"outputs": []}')
    assert first.finish(5)
    second = files(tmp_path)
    assert (second.settings(), dict(second.records())) == (b'{"outputs": []}', {"car": {"life": 7}})
    assert second.started(CLOCK) == 0
    assert files(tmp_path).started(CLOCK) == 600


def test_a_file_that_was_cut_off_costs_what_was_in_it_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "holding").mkdir()
    (tmp_path / "holding/outputs.json").write_text('{"car": {"life"')
    (tmp_path / "holding/starts.json").write_text("[]")
    found = files(tmp_path)
    assert dict(found.records()) == {}
    assert found.started(CLOCK) == 0


def test_rule_12_a_folder_that_was_copied_is_known_until_it_is_signed(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    first = files(here)
    first.started(CLOCK)
    (there / "holding").mkdir()
    (there / "holding/starts.json").write_bytes((here / "holding/starts.json").read_bytes())
    copy = files(there)
    copy.started(CLOCK)
    assert copy.copied()
    assert not first.copied()
    copy.sign()
    assert copy.finish(5)
    assert not copy.copied()
    assert len(json.loads((there / "holding/starts.json").read_text())["starts"]) == 2


def test_valkey_is_spoken_to_in_pipelines_of_any_size() -> None:
    valkey = Valkey(os.environ["REDIS_URL"], 5.0)
    big = b"\r\n\x00" * 200_000
    commands: list[Command] = [
        ["DEL", "t:h"],
        ["SET", "t:big", big],
        ["HSET", "t:h", "é", "1", "b", b"\xff"],
        ["GET", "t:big"],
        ["HGETALL", "t:h"],
        ["GET", "t:no"],
    ]
    assert valkey.ask(commands) == [0, b"OK", 2, big, ["é".encode(), b"1", b"b", b"\xff"], None]
    with pytest.raises(Away, match="WRONGTYPE"):
        valkey.ask([["GET", "t:h"], ["GET", "t:big"]])
    assert valkey.ask([["DEL", "t:big", "t:h"]]) == [2], "a refusal spoils no later answer"
    valkey.close()


def test_valkey_that_hangs_or_is_gone_costs_its_time_out_at_most() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        valkey = Valkey(f"redis://:secret@127.0.0.1:{silent.getsockname()[1]}/3", 0.2)
        with pytest.raises(Away):
            valkey.ask([["PING"]])
        peer, _ = silent.accept()
        with peer:
            assert peer.recv(100).startswith(b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n")
    with pytest.raises(Away):
        valkey.ask([["PING"]])
    with pytest.raises(Away):
        Valkey("unix:///nowhere/valkey.sock", 0.2).ask([["PING"]])
