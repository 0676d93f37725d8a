"""The demo house's telegrams are read by the site's own decoder, value for value."""

from datetime import UTC, date, datetime

import pytest
from django.conf import settings

from energysite.demo import faults
from energysite.demo.calendar import midnight
from energysite.demo.model import House
from energysite.demo.telegram import GAS_SERIAL, METER_SERIAL, WATER_SERIAL, crc16, sealed, stamp, telegram
from meters.p1.decoder import decode
from meters.p1.framer import Framer
from tests.energysite import demo

CAPTURE = settings.BASE_DIR.parent / "shared" / "captures" / "sagemcom-fluvius-3phase.p1"


@pytest.fixture(scope="module")
def house() -> House:
    return demo.house()


def _utc(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@pytest.mark.parametrize(
    "at",
    [
        midnight(date(2026, 6, 18)) + 13 * 3600 + 7,
        midnight(date(2026, 11, 3)) + 19 * 3600 + 41,
        midnight(date(2026, 1, 1)),
        midnight(date(2026, 10, 25)) + 2 * 3600 + 1800,
        midnight(date(2026, 10, 25)) + 3 * 3600 + 1800,
    ],
)
def test_the_decoder_reads_exactly_what_the_model_says(house: House, at: int) -> None:
    told, reading = decode(telegram(house, at)), house.reading(at)
    assert told.valid, told.error
    assert told.error is None
    assert told.time == _utc(at)
    assert told.serial == METER_SERIAL
    for name in ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh", "tariff", "import_w", "export_w", "quarter_w"):
        assert getattr(told, name) == getattr(reading, name), name
    assert (told.phase_w, told.phase_dv, told.phase_ca) == (reading.phase_w, reading.phase_dv, reading.phase_ca)
    peak = house.month_peak(at)
    assert told.month_peak_w == peak.w
    assert told.month_peak_time == _utc(peak.end or midnight(peak.month))
    expected = [(f"{p.month:%Y-%m}", _utc(p.end), p.w) for p in house.past_peaks(at)]
    assert [(p.month, p.time, p.w) for p in told.peaks] == expected
    assert len(expected) == 13
    assert [(v.medium, v.serial, v.volume_l, v.time) for v in told.volumes] == [
        ("gas", GAS_SERIAL, reading.gas.litres, _utc(reading.gas.at)),
        ("water", WATER_SERIAL, reading.water.litres, _utc(reading.water.at)),
    ]


def test_both_hours_of_the_october_night_are_told_apart_by_their_letter_only() -> None:
    first = midnight(date(2026, 10, 25)) + 2 * 3600
    assert (stamp(first), stamp(first + 3600)) == ("261025020000S", "261025020000W")
    assert stamp(midnight(date(2026, 3, 29)) + 2 * 3600) == "260329030000S"


def test_lines_stand_in_the_order_and_form_of_a_real_meter(house: House) -> None:
    if not CAPTURE.exists():
        pytest.skip(f"needs the capture {CAPTURE}")

    def form(raw: bytes) -> list[str]:
        """Each digit (hexadecimal too) as a 9, each winter as a summer; without the parts that differ by house."""
        kept = []
        for line in raw.decode("ascii").split("\r\n")[1:]:
            if line.startswith(("0-1:", "0-2:", "!")) or "98.1.0" in line:
                continue
            name, _, rest = line.partition("(")
            kept.append(name + "".join("9" if c in "0123456789ABCDEF" else "S" if c == "W" and rest.startswith("2") else c for c in rest))
        return kept

    assert form(telegram(house, midnight(date(2026, 6, 18)) + 50000)) == form(CAPTURE.read_bytes())
    real = CAPTURE.read_bytes()
    body = real[: real.index(b"!") + 1]
    assert sealed(body) == real, "the same checksum, in the same form"
    assert crc16(b"123456789") == 0xBB3D


def test_each_fault_does_what_it_is_called(house: House) -> None:
    at = midnight(date(2026, 6, 18)) + 36000
    raw = telegram(house, at)

    def spoiled(text: str) -> bytes:
        return faults.spoil(raw, at, [faults.parse(text)])

    assert decode(spoiled("crc:1")).reason == "checksum"
    assert len(spoiled("crc:1")) == len(raw)
    assert raw.startswith(spoiled("cut:1"))
    framer = Framer()
    assert framer.feed(spoiled("cut:1") + raw + raw)[-1] == raw
    assert spoiled("garbage:1").endswith(raw)
    assert len(spoiled("garbage:1")) >= len(raw) + 200
    assert spoiled("silence:30") == b""
    assert faults.spoil(raw, at + 30, [faults.parse("silence:30")]) == raw
    assert faults.spoil(raw, at + 1, [faults.parse("crc:2")]) == raw
    assert spoiled("crc:1") == spoiled("crc:1"), "a fault can be repeated"
    frozen = decode(telegram(house, at + 60, shown_at=at))
    assert frozen.time == _utc(at)
    assert frozen.valid
    for wrong in ("nonsense", "crc:0", "cut:x", "silence:60"):
        with pytest.raises(ValueError, match=wrong.partition(":")[0]):
            faults.parse(wrong)
