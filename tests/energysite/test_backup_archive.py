"""The file itself: written whole or not at all, and refused when it is anything else than what was written."""

import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from energysite.backup_archive import BLOCK_BYTES, BackupError, Damaged, Manifest, Reader, Writer, created
from tests.energysite.backups import rebuilt

ROWS = [f"{n}\tzähler {n}\n".encode() for n in range(40_000)]


def silent(_rows: int) -> None:
    return


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "house.zip"
    with created(path) as file, Writer(file) as writer:
        table = writer.add("meters_meter.copy", iter(ROWS), ["id", "name"], silent)
        days = writer.add("days.txt", iter([b"a day\n"]), [], silent)
        writer.finish(Manifest("0.1", "2025-01-01T00:00:00+00:00", "house", "Europe/Brussels", {}, {}, {"meters_meter": table}, days))
    return path


def read(path: Path) -> bytes:
    with Reader(path) as opened:
        return b"".join(block for table in (*opened.manifest.tables, None) for block in opened.blocks(table))


def refused(path: Path, *words: str) -> None:
    with pytest.raises(Damaged) as caught:
        read(path)
    for word in words:
        assert word in str(caught.value)
    assert "use another copy" in str(caught.value)


def test_what_is_written_is_read_in_blocks_of_whole_lines(archive: Path) -> None:
    assert read(archive) == b"".join(ROWS) + b"a day\n"
    with Reader(archive) as opened:
        blocks = list(opened.blocks("meters_meter"))
        assert len(blocks) > 2
        assert all(block.endswith(b"\n") and len(block) < 2 * BLOCK_BYTES for block in blocks)
        assert opened.manifest.total_rows == len(ROWS)


def test_only_its_owner_may_read_it_and_nothing_else_is_left(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert [entry.name for entry in archive.parent.iterdir()] == ["house.zip"]


def test_one_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> Iterator[bytes]:
        yield from ROWS
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"), created(tmp_path / "house.zip") as file, Writer(file) as writer:
        writer.add("meters_meter.copy", rows(), [], silent)
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_there_already_is_never_replaced(archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(BackupError, match="not replaced"), created(archive) as file:
        file.write(b"something else")
    assert archive.read_bytes() == before


def test_a_changed_row_is_noticed(archive: Path, tmp_path: Path) -> None:
    def change(parts: dict[str, bytes], _told: dict[str, Any]) -> None:
        parts["meters_meter.copy"] = parts["meters_meter.copy"].replace(b"7\t", b"8\t", 1)

    refused(rebuilt(archive, tmp_path / "changed.zip", change, honest=False), "meters_meter.copy", "checksum")


def test_a_flipped_bit_is_noticed_wherever_it_is(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    for place in range(40, len(whole), len(whole) // 40):
        (tmp_path / "flipped.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            found = read(tmp_path / "flipped.zip")
        except BackupError:
            continue
        assert found == read(archive), f"byte {place}"  # a bit of the zip's own bookkeeping that nobody needs


def test_one_that_was_cut_off_is_noticed_wherever_it_was_cut(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        refused(tmp_path / "cut.zip", "no whole backup")


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x.copy", "/etc/passwd", "folder/meters_meter.copy", "x.sql", "Meters.copy", "..copy", "x.pickle"]
)
def test_a_member_with_a_path_or_a_foreign_name_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    refused(rebuilt(archive, tmp_path / "extra.zip", lambda parts, _told: parts.update({name: b"x\n"}), honest=False), "does not belong")


def test_a_member_that_the_manifest_does_not_name_is_refused_and_so_is_one_that_is_missing(archive: Path, tmp_path: Path) -> None:
    refused(rebuilt(archive, tmp_path / "more.zip", lambda parts, _told: parts.update({"solar_x.copy": b""}), honest=False), "solar_x")
    refused(rebuilt(archive, tmp_path / "less.zip", lambda parts, _told: parts.pop("meters_meter.copy"), honest=False), "meters_meter")


def test_a_name_that_is_there_twice_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("meters_meter.copy", b"other\n")
    refused(archive, "twice")


def test_a_bomb_is_refused_before_it_is_unpacked(archive: Path, tmp_path: Path) -> None:
    bomb = b"0" * 200_000_000 + b"\n"
    path = rebuilt(archive, tmp_path / "bomb.zip", lambda parts, _told: parts.update({"meters_meter.copy": bomb}), honest=False)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(Damaged, match="unpacks to 200000001 bytes"):
        Reader(path)


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_said(archive: Path, tmp_path: Path) -> None:
    def change(parts: dict[str, bytes], told: dict[str, Any]) -> None:
        parts["meters_meter.copy"] = b"0" * 50_000_000
        told["tables"]["meters_meter"]["bytes"] = 1000

    path = rebuilt(archive, tmp_path / "liar.zip", change, honest=False)
    raw = path.read_bytes()
    path.write_bytes(raw.replace((50_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    got = 0
    with pytest.raises(Damaged), Reader(path) as opened:
        for block in opened.blocks("meters_meter"):
            got += len(block)
    assert got <= 1000


def test_a_newer_form_of_backup_says_to_update(archive: Path, tmp_path: Path) -> None:
    path = rebuilt(archive, tmp_path / "newer.zip", lambda _parts, told: told.update(format=2), honest=False)
    with pytest.raises(BackupError, match="update first"):
        Reader(path)


@pytest.mark.parametrize(
    "broken",
    [{"tables": []}, {"created": 5}, {"migrations": {"x": "y"}}, {"days": {}}, {"format": "1"}, {"zone": "x" * 1000}],
    ids=lambda broken: next(iter(broken)),
)
def test_a_manifest_of_another_shape_is_refused(archive: Path, tmp_path: Path, broken: dict[str, Any]) -> None:
    refused(rebuilt(archive, tmp_path / "odd.zip", lambda _parts, told: told.update(broken), honest=False), "manifest")


def test_numbers_of_a_manifest_cannot_be_below_zero_or_words(archive: Path, tmp_path: Path) -> None:
    for wrong in (-1, "5", True, None):
        change: Callable[..., None] = lambda _parts, told, wrong=wrong: told["days"].update(bytes=wrong)  # noqa: E731
        refused(rebuilt(archive, tmp_path / "odd.zip", change, honest=False), "manifest")


def test_any_other_file_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text(json.dumps({"format": 1}))
    refused(tmp_path / "x.zip", "no whole backup")
    with pytest.raises(BackupError, match="cannot be read: No such file"):
        Reader(tmp_path / "none.zip")
