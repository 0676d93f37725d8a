"""What read_meters remembers of its configuration for a start without the database."""

from pathlib import Path

import pytest

from meters.configuration import MeterConfig, as_replay, from_database, load, load_offsets, save, save_offsets
from tests.meters.rows import make_meter

CONFIGS = [
    MeterConfig("Main", "socket://192.0.2.1:2001", share_port=4001, clock="meter"),
    MeterConfig("Shed", "/dev/ttyUSB0", take="mean", slot_s=60),
]


@pytest.mark.django_db
def test_the_copy_holds_everything_a_reader_needs(tmp_path: Path) -> None:
    make_meter("Main", take="mean", slot_s=900, share_port=4001, dialect="v3", baud=9600, clock="meter", enabled=False, period_s=5)
    make_meter("Annex")
    configs = from_database()
    assert configs[1] == MeterConfig("Main", "socket://127.0.0.1:9", 9600, "v3", "mean", 900, "meter", 4001, False, 5)
    save(tmp_path / "config" / "meters.json", configs)
    assert load(tmp_path / "config" / "meters.json") == configs


def test_no_copy_is_no_meter(tmp_path: Path) -> None:
    assert load(tmp_path / "meters.json") == []
    assert load_offsets(tmp_path / "clocks.json") == {}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"meters": 5}', '{"meters": [{"name": "Main"}]}', "\ufffe", "7"])
def test_a_damaged_copy_is_logged_and_is_no_meter(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)
    assert load(file) == []
    assert "cannot be used" in caplog.text


def test_a_copy_that_cannot_be_written_is_logged_and_the_old_one_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "meters.json"
    save(file, CONFIGS)
    (tmp_path / "meters.new").mkdir()  # in the way of the next one
    save(file, CONFIGS[:1])
    assert load(file) == CONFIGS
    assert "cannot be written" in caplog.text


def test_learned_clock_offsets_are_remembered(tmp_path: Path) -> None:
    save_offsets(tmp_path / "clocks.json", {"Main": -23_328_000})
    assert load_offsets(tmp_path / "clocks.json") == {"Main": -23_328_000}
    (tmp_path / "clocks.json").write_text('{"Main": "soon"}')
    assert load_offsets(tmp_path / "clocks.json") == {}


def test_a_replay_of_a_file_is_no_port_and_shares_nothing() -> None:
    replay = as_replay(CONFIGS[0], Path("/some/where/day.p1"))
    assert (replay.connection, replay.share_port, replay.name) == ("replay:day.p1", None, "Main")
