import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.p1.framer import Framer
from tests.emulators import telegrams

ONE = telegrams.write(telegrams.BELGIUM)
PLAIN = telegrams.write(telegrams.DSMR3, header=telegrams.DSMR3_HEADER, plain=True)


def cut(data: bytes, size: int = 65536) -> tuple[list[bytes], Framer]:
    framer = Framer()
    found = [telegram for i in range(0, len(data), size) for telegram in framer.feed(data[i : i + size])]
    return found + framer.flush(), framer


def test_whole_telegrams_come_out_as_they_went_in() -> None:
    found, framer = cut(ONE + ONE)
    assert found == [ONE, ONE]
    assert framer.discarded == 0


def test_a_stream_that_begins_and_ends_inside_a_telegram_gives_the_whole_ones_between() -> None:
    found, framer = cut(ONE[300:] + ONE + ONE[:200])
    assert found == [ONE]
    lost = ONE[300:] + ONE[:200]
    assert framer.discarded == len(lost) - lost.count(b"\r") - lost.count(b"\n")
    assert framer.cut == 1


def test_a_telegram_without_a_checksum_ends_at_its_exclamation_mark() -> None:
    assert cut(PLAIN + PLAIN)[0] == [PLAIN, PLAIN]


def test_line_feeds_alone_end_lines_too() -> None:
    unix = telegrams.write(telegrams.BELGIUM, end="\n")
    assert cut(unix + unix)[0] == [unix, unix]


def test_a_slash_inside_a_line_starts_nothing() -> None:
    odd = telegrams.write(("0-0:96.13.0(a/b)", *telegrams.BELGIUM))
    assert cut(b"x/y\r\n" + odd)[0] == [odd]


def test_a_cut_telegram_is_dropped_where_the_next_one_begins() -> None:
    found, framer = cut(ONE[:300] + b"\r\n" + ONE)
    assert found == [ONE]
    assert framer.cut == 1


def test_a_telegram_above_the_cap_is_dropped_and_the_next_one_is_found() -> None:
    framer = Framer(cap=2000)
    assert framer.feed(b"/" + b"x" * 5000 + b"\r\n!ABCD\r\n" + ONE) == [ONE]
    assert framer.feed(b"/\r\n" + b"y" * 5000) == []
    assert framer.feed(b"\r\n!ABCD\r\n" + ONE) == [ONE]
    assert framer.discarded > 10000


def test_noise_after_an_exclamation_mark_is_no_end_of_a_telegram() -> None:
    found, framer = cut(b"/ISK5\r\n\r\n!" + b"\x80" * 30 + b"\r\n" + ONE)
    assert found == [ONE]
    assert framer.cut == 1


def test_a_last_telegram_without_a_line_end_is_whole() -> None:
    assert cut(ONE + ONE.rstrip())[0] == [ONE, ONE]
    assert cut(PLAIN.rstrip())[0] == [PLAIN]


def test_a_last_telegram_cut_inside_its_checksum_is_no_telegram() -> None:
    found, framer = cut(ONE + ONE.rstrip()[:-2])
    assert found == [ONE]
    assert framer.cut == 1


GARBAGE = {
    "one byte": b"\x00" * 10_000_000,
    "lines": b"\r\n" * 5_000_000,
    "an endless telegram": b"/ISK5\r\n" + b"1-0:1.8.1(000661.701*kWh)\r\n" * 400_000,
    "slashes": b"\n/" * 1_000_000,
    "an endless last line": b"/\n!" + b"0" * 10_000_000,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_ten_megabytes_without_a_telegram_take_linear_time_and_the_next_telegram_is_found(kind: str) -> None:
    begin = time.process_time()
    data = GARBAGE[kind] + b"\r\n" + ONE
    framer, found = Framer(), []
    for i in range(0, len(data), 4096):
        found += framer.feed(data[i : i + 4096])
        assert len(framer._buffer) <= 65537, "what is held stays below the cap"
    assert found == [ONE]
    assert time.process_time() - begin < 8


@given(
    st.lists(st.sampled_from([ONE, PLAIN, b"\xff\x00/garbage\r\n", ONE[:400], ONE[500:], b"!\r\n", b"/\n"]), max_size=8),
    st.lists(st.integers(0, 6000), max_size=12),
)
def test_any_split_of_a_stream_gives_the_same_telegrams(parts: list[bytes], splits: list[int]) -> None:
    data = b"".join(parts)
    whole, one_go = cut(data, len(data) or 1)
    framer = Framer()
    bounds = [0, *sorted(min(at, len(data)) for at in splits), len(data)]
    found = [telegram for begin, end in pairwise(bounds) for telegram in framer.feed(data[begin:end])]
    assert found + framer.flush() == whole
    assert (framer.discarded, framer.cut) == (one_go.discarded, one_go.cut)


def test_one_byte_at_a_time_gives_the_same_telegrams() -> None:
    data = ONE[300:] + ONE + PLAIN + ONE[:200]
    assert cut(data, 1)[0] == [ONE, PLAIN]


def test_a_long_telegram_that_comes_byte_by_byte_is_not_searched_again_for_each() -> None:
    long = b"/ISK5\r\n" + b"1-0:1.8.1(000661.701*kWh)\r\n" * 10_000 + b"!ABCD\r\n"
    framer = Framer(cap=len(long))
    begin = time.process_time()
    assert [telegram for i in range(len(long)) for telegram in framer.feed(long[i : i + 1])] == [long]
    assert time.process_time() - begin < 3
