"""Files that are broken, hostile or merely odd."""

import gzip
import random
import zipfile
from datetime import timedelta

import pytest

from meters.exchange import files, importing
from meters.exchange.trouble import LISTED, Unreadable
from tests.meters.exchange import made

pytestmark = pytest.mark.django_db
HEADER = "time,import_t1_wh,import_w,export_w\n"
GOOD = "2026-03-02T00:00:00Z,1000,0,0\n"


def refused(path) -> str:
    return made.raised(Unreadable, lambda: made.run(path))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2026-03-02T00:01:00Z,1000000000,0,0", "cannot be true"),
        ("2026-03-02T00:01:00Z,1e12,0,0", "cannot be true"),
        ("2026-03-02T00:01:00Z,-5,0,0", "cannot be true"),
        ("2026-03-02T00:01:00Z,1001,99999999999,0", "cannot be true"),
        ("2026-03-02T00:01:00Z,inf,0,0", "inf is no number"),
        ("2026-03-02T00:01:00Z,1.000.000,0,0", "is no number"),
        ("2026-03-02T00:01:00Z,0x10,0,0", "is no number"),
        ("2026-03-02T00:01:00Z,True,0,0", "is no number"),
        ("2007-12-31T00:00:00Z,1001,0,0", "before 2008"),
        ("1970-01-01T00:00:00Z,1001,0,0", "before 2008"),
        ("2027-03-02T00:00:00Z,1001,0,0", "future"),
        ("9999-12-31T23:59:59,1001,0,0", "future"),
        ("yesterday,1001,0,0", "yesterday is no time"),
        (",1001,0,0", "no time"),
        ("2026-03-29T02:30:00,1001,0,0", "left out when summer time begins"),
        ("2026-03-02T00:01:00Z,,,", "no value"),
        ("2026-03-02T00:01:00Z,1001", "columns"),
        ("2026-03-02T00:01:00Z,1001,0,0,0", "columns"),
        ("2026-03-02T00:01:00Z,10\x0001,0,0", "NUL"),
        ("2026-03-02T00:01:00Z," + "9" * 70_000 + ",0,0", "64 kB"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_the_rest_goes_in(tmp_path, row, words):
    path = made.write(tmp_path, HEADER + GOOD + row + "\n" + GOOD.replace("T00:00", "T00:02"))
    result = made.run(path)
    assert [bad.line for bad in result.bad] == [3], result.bad
    assert words in result.bad[0].reason
    assert (result.new, result.bad_count) == (2, 1)


@pytest.mark.parametrize("where", [0, 1, 4999, 9999])
def test_a_bad_row_among_many_is_found_at_its_line(tmp_path, where):
    rows = made.readings(made.START, 10_000, step_s=1, per_step=1).splitlines()
    rows[1 + where] = "2026-03-02T99:00:00Z,1,2,3,4,5,6"
    result = made.run(made.write(tmp_path, "\n".join(rows)))
    assert [bad.line for bad in result.bad] == [2 + where]
    assert result.new == 9999


def test_of_many_bad_rows_the_first_hundred_are_listed_and_all_are_counted(tmp_path):
    result = made.run(made.write(tmp_path, HEADER + GOOD + "x,1,2,3\n" * 500))
    assert (len(result.bad), result.bad_count, result.bad[-1].line) == (LISTED, 500, 102)


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\n" + HEADER.replace(",", ";") + GOOD.replace(",", ";"),
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).replace("\n", "\r\n"),
        (HEADER + GOOD).replace("\n", "\r"),
        "\n\n" + HEADER + "\n" + GOOD + "\n\n;;;\n".replace(";", ","),
        '"time","import_t1_wh","import_w","export_w"\n"2026-03-02T00:00:00Z","1000","0","0"\n',
        '"time","import_t1_wh","import_w","export_w"\n"2026-03-02T00:00:00Z","1000,0","0,0","0"\n',
        (HEADER + GOOD).rstrip("\n"),
        HEADER.upper() + GOOD,
        "Time;IMPORT_T1_WH;note\n02/03/2026 01:00;1000,0;caf\u00e9\n",
    ],
)
def test_what_spreadsheets_do_to_a_file_does_no_harm(tmp_path, content):
    result = made.run(made.write(tmp_path, content))
    assert (result.new, result.bad_count) == (1, 0), result.bad
    assert made.stored("House", "import_t1_wh") == [(made.START, 1000)]


def test_latin_1_is_read_too(tmp_path):
    result = made.run(made.write(tmp_path, "time;import_t1_wh;caf\u00e9\n2026-03-02T00:00:00Z;1000;\u00e9t\u00e9\n".encode("latin-1")))
    assert result.new == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (HEADER.encode(), "no rows"),
        ((HEADER + GOOD).encode("utf-16"), "UTF-16"),
        (b"time,import_t1_wh,import_t1_wh\n2026-03-02T00:00:00Z,1,2\n", "twice"),
        (b"PK\x03\x04 no archive", "damaged"),
        (b"\x1f\x8b\x08 no gzip", "end"),
        (b"[1, 2, 3]", "no object"),
        (b'{"device_time": 5, "other": 1}', "other"),
        (random.Random(1).randbytes(5000), "none of those known"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(tmp_path, content, words):
    assert words in refused(made.write(tmp_path, content))


def test_a_file_that_is_not_there_and_an_empty_folder_say_so(tmp_path):
    assert "does not exist" in refused(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "no file" in refused(tmp_path / "empty")


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_a_bomb_ends_within_its_limits(tmp_path, pack):
    row = GOOD.encode() * 40_000
    path = tmp_path / "bomb"
    if pack == "gz":
        path.write_bytes(gzip.compress(HEADER.encode() + row * 40))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", HEADER.encode() + row * 40)
    assert path.stat().st_size < 1 << 20
    assert f"{files.TIMES} times" in refused(path)


def test_more_than_two_gigabytes_end_with_words(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    assert "2 GB" in refused(made.write(tmp_path, made.readings(made.START, 100)))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["../a"], "leads elsewhere"),
        (["/a"], "leads elsewhere"),
        (["a", "b"], "exactly one"),
        (["[Content_Types].xml", "xl/a"], "workbook"),
    ],
)
def test_archives_with_more_than_one_plain_file_are_refused(tmp_path, names, words):
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, HEADER + GOOD)
    assert words in refused(path)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path):
    path = made.write(tmp_path, HEADER + GOOD + "7" * (5 << 20) + "\n" + GOOD.replace("T00:00", "T00:05"))
    result = made.run(path)
    assert ([bad.line for bad in result.bad], result.new) == ([3], 2)


def test_json_that_breaks_off_gives_what_stands_before(tmp_path):
    rows = [made.document(made.START + timedelta(seconds=10 * i), 600 + i / 1000, 0.4) for i in range(5)]
    result = made.run(made.write(tmp_path, "[" + ",".join(rows)[:-30]))
    assert (result.new, [bad.line for bad in result.bad]) == (4, [5])
    assert importing.preview(made.write(tmp_path, "\n".join(rows) + "\n{broken\n", "lines"), now=made.NOW).bad_count == 1


def test_noise_never_ends_in_anything_but_words(tmp_path):
    rng = random.Random(7)
    whole = made.readings(made.START, 40).encode()
    for i in range(60):
        data = bytearray(whole)
        for _j in range(rng.randrange(1, 12)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(0, 4)] = rng.randbytes(rng.randrange(0, 4))
        path = made.write(tmp_path, bytes(data), f"noise {i}")
        try:
            seen = importing.preview(path, now=made.NOW)
        except Unreadable:
            continue
        assert seen.rows + seen.bad_count <= 60
