"""Live frames."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from meters.frames import BUDGET, frame_of
from meters.p1.telegram import Telegram, Volume

TIME = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
FULL = Telegram(
    b"",
    True,
    time=TIME,
    serial="1SAG3105200877",
    import_t1_wh=123_456_789,
    import_t2_wh=123_456_789,
    export_t1_wh=123_456_789,
    export_t2_wh=123_456_789,
    tariff=1,
    import_w=0,
    export_w=17_250,
    phase_w=(-5750, -5750, -5750),
    phase_dv=(2369, 2408, 2399),
    phase_ca=(2509, 2509, 2503),
    quarter_w=17_250,
    month_peak_w=17_250,
    volumes=(Volume("gas", "G1", 12_345_678, TIME), Volume("water", "W1", 2_345_678, TIME)),
)


def wire_size(frame: dict[str, object]) -> int:
    return len(json.dumps({"type": "frame", "full": True, **frame}, separators=(",", ":")).encode())


@pytest.mark.parametrize("name", ["Main", "The grid connection of the house in the Kerkstraat", "\N{ELECTRIC PLUG}" * 10, "x" * 80])
def test_a_full_belgian_telegram_with_gas_and_water_fits_whatever_the_meter_is_called(name: str) -> None:
    frame = frame_of(name, FULL, 1_795_000_000, 1_795_000_000.123456)
    assert wire_size(frame) <= BUDGET
    for shown in ("import_t1_wh", "export_t2_wh", "import_w", "export_w", "gas_l", "gas_time", "water_l", "water_time"):
        assert shown in frame


def test_what_is_left_out_does_not_come_and_go_with_the_numbers() -> None:
    small = replace(FULL, import_t1_wh=1, import_t2_wh=1, export_t1_wh=1, export_t2_wh=1, export_w=1, phase_w=(1, 1, 1), quarter_w=1)
    assert frame_of("Main", small, 1_795_000_000, 0.0).keys() == frame_of("Main", FULL, 1_795_000_000, 0.0).keys()


def test_a_frame_says_whose_when_and_what() -> None:
    telegram = Telegram(b"", True, import_t1_wh=5, import_w=378, export_w=0, phase_w=(45, 10, None), phase_dv=(2371, None, None))
    assert frame_of("Main", telegram, 1_553_436_319, 1_553_436_319.61234) == {
        "source": "Main",
        "time": 1_553_436_319,
        "received": 1_553_436_319.612,
        "import_t1_wh": 5,
        "import_w": 378,
        "export_w": 0,
        "l1_w": 45,
        "l2_w": 10,
        "l1_v": 237.1,
    }


def test_of_two_gas_meters_the_one_that_spoke_last_is_shown() -> None:
    later = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    telegram = replace(FULL, volumes=(Volume("gas", "new", 7, later), Volume("gas", "old", 999, TIME), Volume("water", "W", 3, None)))
    frame = frame_of("Main", telegram, 1, 0.0)
    assert (frame["gas_l"], frame["gas_time"]) == (7, int(later.timestamp()))
    assert frame["water_l"] == 3
    assert "water_time" not in frame
