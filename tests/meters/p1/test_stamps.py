from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.p1 import stamps


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("230629102248S", datetime(2023, 6, 29, 8, 22, 48, tzinfo=UTC)),
        ("190324150519W", datetime(2019, 3, 24, 14, 5, 19, tzinfo=UTC)),
        ("251026023000S", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        ("251026023000W", datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),
        # A meter that stays on winter time all year.
        ("230701120000W", datetime(2023, 7, 1, 11, 0, tzinfo=UTC)),
        # DSMR 3 gas: local time, no flag.
        ("121030140000", datetime(2012, 10, 30, 13, 0, tzinfo=UTC)),
        ("120730140000", datetime(2012, 7, 30, 12, 0, tzinfo=UTC)),
    ],
)
def test_the_flag_settles_the_time(stamp: str, expected: datetime) -> None:
    assert stamps.utc(stamp) == expected


@pytest.mark.parametrize(
    "stamp", ["632525252525W", "700101010000W", "230230000000W", "230629102248X", "230629102248s", "2306291022", "", "٢٣٠٦٢٩١٠٢٢٤٨W"]
)
def test_what_is_no_time_gives_none(stamp: str) -> None:
    assert stamps.utc(stamp) is None


@pytest.mark.parametrize(
    ("label", "month"), [("230501000000S", "2023-04"), ("230101000000W", "2022-12"), ("230515000000S", "2023-05"), ("632525252525W", None)]
)
def test_a_peak_is_labelled_with_the_first_of_the_month_after_it(label: str, month: str | None) -> None:
    assert stamps.month_before(label) == month


@given(st.text(alphabet="0123456789SWx", max_size=14))
def test_no_stamp_raises(stamp: str) -> None:
    stamps.utc(stamp)
    stamps.month_before(stamp)
