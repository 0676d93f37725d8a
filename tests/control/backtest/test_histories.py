"""Histories and the CSV files that they come from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from control.backtest import demo_history
from control.backtest.csv_file import BadHistory, of_lines, read, rows_of
from control.backtest.history import History

ZONE = "Europe/Brussels"
# Noon UTC.
NOON = 1_781_784_000
HEAD = "time,house_w,solar_w\n"


def test_a_file_that_was_written_is_read_as_it_was() -> None:
    there = History(NOON, [100.0, None, 300.5, 250.0], [0.0, None, 20.0, 1500.25], ZONE)
    found = of_lines(rows_of(there), ZONE)
    assert (found.start, list(found.solar_w)) == (NOON, [0.0, 0.0, 20.0, 1500.25]), "a minute that is missing between two is held"
    assert found.house_w == [100.0, 100.0, 300.5, 250.0]


def test_columns_stand_in_any_order_and_semicolons_bring_decimal_commas() -> None:
    found = of_lines(["solar_w;other;House_W;time\n", "10,5;x;200,25;2026-06-18T12:00:00Z\n"], ZONE)
    assert (found.start, found.house_w, found.solar_w) == (NOON, [200.25], [10.5])


def test_rows_of_five_minutes_are_held_and_a_longer_gap_is_a_gap() -> None:
    at = datetime.fromtimestamp(NOON, UTC)
    rows = [f"{(at + timedelta(minutes=m)).isoformat()},{m},0\n" for m in (0, 5, 30)]
    found = of_lines([HEAD, *rows], ZONE)
    assert found.house_w[:10] == [0.0] * 5 + [5.0] * 5
    assert found.house_w[10:30] == [None] * 20
    assert found.house_w[30:] == [30.0] * 5


def test_rows_of_ten_seconds_become_means_of_minutes() -> None:
    rows = [f"{NOON + s},{s},{60 - s}\n" for s in range(0, 60, 10)]
    found = of_lines([HEAD, *rows, f"{NOON + 60},7,0\n"], ZONE)
    assert found.house_w == pytest.approx([25.0, 7.0])
    assert found.solar_w == pytest.approx([35.0, 0.0])


def test_the_doubled_hour_of_an_autumn_night_is_told_by_the_order_of_the_rows() -> None:
    local = [f"2026-10-25T{h:02}:{m:02}" for h, m in [(1, 30), (1, 45), (2, 0), (2, 15), (2, 30), (2, 45)]]
    again = [f"2026-10-25T02:{m:02}" for m in (0, 15, 30, 45)]
    found = of_lines([HEAD, *(f"{time},1,0\n" for time in [*local, *again, "2026-10-25T03:00"])], ZONE)
    assert found.start == int(datetime(2026, 10, 24, 23, 30, tzinfo=UTC).timestamp())
    assert found.minutes == 10 * 15 + 15


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "columns"),
        (["time,house_w\n", "1,2\n"], "solar_w"),
        ([HEAD], "no row"),
        ([HEAD, f"{NOON},100\n"], "Line 2"),
        ([HEAD, f"{NOON},100,ten\n"], "Line 2"),
        ([HEAD, "yesterday,100,0\n"], "Line 2"),
        ([HEAD, f"{NOON},nan,0\n"], "Line 2"),
        ([HEAD, f"{NOON},1,0\n", f"{NOON},1,0\n"], "Line 3"),
        ([HEAD, f"{NOON},1e12,0\n"], "no house"),
        ([HEAD, f"{NOON},1,0\n", f"{NOON + 30 * 366 * 86_400},1,0\n"], "20 years"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_in_words(lines: list[str], said: str) -> None:
    with pytest.raises(BadHistory, match=said):
        of_lines(lines, ZONE)


def test_a_file_that_is_not_there_or_no_text_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadHistory, match="No such file"):
        read(tmp_path / "none.csv", ZONE)
    (tmp_path / "bytes.csv").write_bytes(b"time,house_w,solar_w\n\xff\xfe")
    with pytest.raises(BadHistory, match="UTF-8"):
        read(tmp_path / "bytes.csv", ZONE)


def test_days_and_months_are_local_and_add_up() -> None:
    start = int(datetime(2026, 10, 24, 0, tzinfo=ZoneInfo(ZONE)).timestamp())
    history = History(start, [0.0] * 10 * 1440, [0.0] * 10 * 1440, ZONE)
    assert [day.until - day.first for day in history.days[:3]] == [1440, 1500, 1440]
    assert [month.label for month in history.months] == ["2026-10", "2026-11"]
    assert history.days[-1].until == history.months[-1].until == history.minutes
    assert history.part(history.days[1].first, history.days[1].until).days[0].label == "2026-10-25"


def test_the_demos_cloudy_day_is_the_same_in_every_house() -> None:
    history = demo_history.history("cloudy")
    house, solar = (sum(w or 0 for w in values) / 60_000 for values in (history.house_w, history.solar_w))
    assert (history.minutes, round(house, 2), round(solar, 2)) == (1440, 7.08, 25.41)
