"""The spool: what was accepted stays, whatever happens to the file behind it."""

import os
import resource
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.segments import START, Position, Segments, SpoolFull, line_of, record_of


def record(n: int) -> list[object]:
    return ["electricity", "Main", "electricity", "E0034", 1_700_000_000 + n, 1_700_000_000 + n, 0, {"import_t1_wh": n, "power_w": -n}]


def everything(segments: Segments) -> list[list[object]]:
    found, position = [], START
    while True:
        batch = segments.read(position, 7)
        found += batch.records
        if batch.end == position:
            return found
        position = batch.end


def test_what_was_appended_is_read_back_in_order_across_files_and_restarts(tmp_path: Path) -> None:
    for run in range(3):
        segments = Segments(tmp_path, rotate_bytes=500)
        for n in range(20):
            segments.append([record(run * 20 + n)])
    assert everything(segments) == [record(n) for n in range(60)]
    assert len(list(tmp_path.iterdir())) > 3
    assert everything(Segments(tmp_path)) == [record(n) for n in range(60)]


def test_a_reader_follows_the_segment_that_is_being_written(tmp_path: Path) -> None:
    segments = Segments(tmp_path, rotate_bytes=400)
    position, found = START, []
    for n in range(50):
        position = segments.read(position, 100).end
        segments.append([record(n)])
        batch = segments.read(position, 100)
        found += batch.records
        position = batch.end
        segments.release(position)
    assert found == [record(n) for n in range(50)]
    assert segments.waiting(position) == 0
    assert segments.release(position, final=True) == 1
    segments.append([record(50)])
    assert segments.read(position, 100).records == [record(50)]


def test_a_segment_is_deleted_only_when_all_of_it_is_behind_the_position(tmp_path: Path) -> None:
    segments = Segments(tmp_path, rotate_bytes=1)
    for n in range(3):
        segments.append([record(n)])
    half = Position(2, 0)
    assert segments.release(half) == 1
    assert everything(segments) == [record(1), record(2)]
    assert segments.release(segments.read(half, 100).end) == 1
    assert everything(segments) == [record(2)]


def test_segments_rotate_by_time(tmp_path: Path) -> None:
    now = 0.0
    segments = Segments(tmp_path, rotate_s=600, clock=lambda: now)
    segments.append([record(0)])
    now = 599
    segments.append([record(1)])
    now = 600
    segments.append([record(2)])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_record_is_handed_out_and_its_neighbours_survive(tmp_path: Path) -> None:
    Segments(tmp_path).append([record(n) for n in range(3)])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b'"import_t1_wh":1', b'"import_t1_wh":7'))
    batch = Segments(tmp_path).read(START, 100)
    assert batch.records == [record(0), record(2)]
    assert [(b'"import_t1_wh":7' in found.line, found.torn) for found in batch.damaged] == [(True, False)]


def test_a_torn_tail_is_told_apart_from_damage(tmp_path: Path) -> None:
    Segments(tmp_path).append([record(n) for n in range(3)])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    segments = Segments(tmp_path)
    segments.append([record(9)])
    batch = segments.read(START, 100)
    assert batch.records == [record(0), record(1), record(9)]
    assert [found.torn for found in batch.damaged] == [True]


def test_a_segment_that_somebody_deleted_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    segments = Segments(tmp_path, rotate_bytes=1)
    for n in range(3):
        segments.append([record(n)])
    segments.path(2).unlink()
    batch = segments.read(START, 100)
    assert (batch.records, [found.position for found in batch.damaged]) == ([record(0), record(2)], [Position(2, 0)])
    assert not segments.read(batch.end, 100).damaged


def test_the_cap_ends_in_a_refusal_that_says_what_to_do_and_passes_when_there_is_room(tmp_path: Path) -> None:
    segments = Segments(tmp_path, cap_bytes=600, rotate_bytes=1)
    with pytest.raises(SpoolFull, match="bring the database back"):
        for n in range(10):
            segments.append([record(n)])
    kept = everything(segments)
    assert kept == [record(n) for n in range(len(kept))]
    segments.release(Position(3, 0))
    segments.append([record(99)])
    assert everything(segments)[-1] == record(99)


def test_too_little_room_on_the_disk_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(SpoolFull, match="free some disk space"):
        Segments(tmp_path, free_bytes=1 << 60).append([record(0)])
    assert everything(Segments(tmp_path)) == []


def test_a_disk_that_is_full_refuses_and_leaves_no_half_record(tmp_path: Path) -> None:
    """The size limit of this process stands for the disk: writes fail in the same place, half way through."""
    segments = Segments(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(SpoolFull, match="cannot be written"):
            for n in range(100):
                segments.append([record(n)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = len(everything(segments))
    assert 0 < kept < 100
    segments.append([record(kept)])
    assert everything(segments) == [record(n) for n in range(kept + 1)]
    assert not Segments(tmp_path).read(START, 1000).damaged


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_real_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk could be mounted here: {mounted.stderr.strip()}")
    try:
        segments = Segments(tmp_path / "segments", free_bytes=0, rotate_bytes=20_000)
        n = 0
        with pytest.raises(SpoolFull, match="No space left"):
            while True:
                segments.append([record(n)])
                n += 1
        assert everything(segments) == [record(i) for i in range(n)]
        segments.release(Position(2, 0))
        segments.append([record(n)])
        assert everything(segments)[-1] == record(n)
        segments.sync()
        segments.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_record_is_one_line_whatever_is_in_it() -> None:
    odd = ["volume", 'Garage "é"\n', "gas", "\u2028", 1, 1, 0, {}]
    line = line_of(odd)
    assert line.count(b"\n") == 1
    assert record_of(line[:-1]) == odd
    assert record_of(b"") is None


@given(st.integers(0, 5), st.data())
def test_no_damage_loses_a_record_before_it_or_raises(lines_after: int, data: st.DataObject) -> None:
    """Cut the file anywhere, or overwrite bytes anywhere: every record that was not touched is read."""
    records = [record(n) for n in range(5)]
    whole = b"".join(map(line_of, records))
    starts = [whole.index(line_of(one)) for one in records]
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        content, last = whole[:at], at
        touched = range(at, len(whole))
    else:
        junk = data.draw(st.binary(min_size=1, max_size=40))
        content, last = whole[:at] + junk + whole[at + len(junk) :], min(at + len(junk), len(whole))
        touched = range(at, last)
    with TemporaryDirectory() as folder:
        Path(folder, "0000000001.seg").write_bytes(content)
        segments = Segments(Path(folder))
        segments.append([record(100 + n) for n in range(lines_after)])
        batch = segments.read(START, 1000)
        segments.close()
    ends = [*starts[1:], len(whole)]
    # A destroyed line end takes the line after it along: hence the one byte.
    safe = [one for one, start, end in zip(records, starts, ends, strict=True) if end <= touched.start or start - 1 >= touched.stop]
    assert [one for one in batch.records if one in safe] == safe
    assert all(one in records or one[4] >= 1_700_000_100 for one in batch.records)
    assert sum(one[4] >= 1_700_000_100 for one in batch.records) == lines_after
