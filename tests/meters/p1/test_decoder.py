from datetime import UTC, datetime

import pytest

from meters.p1.decoder import decode
from meters.p1.telegram import Peak, Telegram, Volume, to_json
from tests.emulators import telegrams


def test_a_belgian_telegram_gives_exact_integers() -> None:
    telegram = decode(telegrams.write(telegrams.BELGIUM))
    assert telegram == Telegram(
        raw=telegrams.write(telegrams.BELGIUM),
        valid=True,
        time=datetime(2025, 1, 15, 9, 15, 30, tzinfo=UTC),
        serial="1SAG3105200877",
        dialect="belgium",
        import_t1_wh=661701,
        import_t2_wh=776784,
        export_t1_wh=990699,
        export_t2_wh=423681,
        tariff=1,
        import_w=420,
        export_w=0,
        phase_w=(-170, 152, 438),
        phase_dv=(2369, 0, 2399),
        phase_ca=(209, 91, 203),
        quarter_w=351,
        month_peak_w=4329,
        month_peak_time=datetime(2025, 1, 8, 17, 0, tzinfo=UTC),
        peaks=(
            Peak("2024-11", datetime(2024, 11, 23, 18, 30, tzinfo=UTC), 6985),
            Peak("2024-12", datetime(2024, 12, 24, 16, 45, tzinfo=UTC), 6748),
        ),
        volumes=(
            Volume("gas", "7FLO2123088227", 112384, datetime(2025, 1, 15, 9, 10, 5, tzinfo=UTC)),
            Volume("water", "8SET0000450106", 872234, datetime(2025, 1, 15, 9, 10, 3, tzinfo=UTC)),
        ),
        breaker=1,
        limiter_w=None,
        fuse_a=None,
    )


def test_the_public_form_has_the_agreed_names_and_units() -> None:
    assert to_json(decode(telegrams.write(telegrams.BELGIUM))) == {
        "time": "2025-01-15T09:15:30Z",
        "valid": True,
        "error": None,
        "serial": "1SAG3105200877",
        "import_t1_wh": 661701,
        "import_t2_wh": 776784,
        "export_t1_wh": 990699,
        "export_t2_wh": 423681,
        "tariff": 1,
        "import_w": 420,
        "export_w": 0,
        "l1_w": -170,
        "l1_v": 236.9,
        "l1_a": 2.09,
        "l2_w": 152,
        "l2_v": 0.0,
        "l2_a": 0.91,
        "l3_w": 438,
        "l3_v": 239.9,
        "l3_a": 2.03,
        "quarter_w": 351,
        "month_peak_w": 4329,
        "month_peak_time": "2025-01-08T17:00:00Z",
        "peaks": [
            {"month": "2024-11", "time": "2024-11-23T18:30:00Z", "w": 6985},
            {"month": "2024-12", "time": "2024-12-24T16:45:00Z", "w": 6748},
        ],
        "gas_l": 112384,
        "gas_time": "2025-01-15T09:10:05Z",
        "water_l": 872234,
        "water_time": "2025-01-15T09:10:03Z",
    }


def test_the_older_dialects_are_recognised_by_their_lines() -> None:
    v5 = decode(telegrams.write(telegrams.DSMR5_GAS, header=r"/ISK5\2M550T-1012"))
    assert (v5.valid, v5.dialect, v5.time) == (True, "v5", datetime(2019, 3, 24, 14, 5, 19, tzinfo=UTC))
    assert v5.volumes == (Volume("gas", "G0032561276816", 1643173, datetime(2019, 3, 24, 14, 5, tzinfo=UTC)),)
    assert v5.phase_w == (378, None, None)
    v4 = decode(telegrams.write(telegrams.DSMR4, header=r"/KMP5 KA6U"))
    assert (v4.valid, v4.dialect) == (True, "v4")


def test_a_telegram_without_checksum_and_time_is_valid_in_dsmr_3() -> None:
    telegram = decode(telegrams.write(telegrams.DSMR3, header=telegrams.DSMR3_HEADER, plain=True))
    assert (telegram.valid, telegram.error, telegram.dialect, telegram.time) == (True, None, "v3", None)
    assert (telegram.import_t1_wh, telegram.import_w, telegram.limiter_w) == (12345678, 1190, None)
    # Its serial number is no text in hexadecimal: it is kept as it stands.
    assert telegram.volumes == (Volume("gas", "3238313031453631373038389930337131", 24123, datetime(2012, 10, 30, 13, 0, tzinfo=UTC)),)


def test_a_missing_checksum_is_a_fault_where_the_dialect_has_one() -> None:
    telegram = decode(telegrams.write(telegrams.BELGIUM, plain=True))
    assert (telegram.valid, telegram.reason) == (False, "checksum")
    named = decode(telegrams.write(telegrams.DSMR3, header=telegrams.DSMR3_HEADER, plain=True), "v5")
    assert (named.valid, named.reason) == (False, "checksum")


def test_a_wrong_checksum_gives_no_values() -> None:
    raw = telegrams.write(telegrams.BELGIUM).replace(b"000661.701", b"000661.702")
    telegram = decode(raw)
    assert (telegram.valid, telegram.reason, telegram.import_t1_wh, telegram.raw) == (False, "checksum", None, raw)
    assert "checksum does not match" in (telegram.error or "")
    assert to_json(telegram) == {"valid": False, "error": telegram.error}


def test_a_wrong_checksum_on_a_dsmr_3_telegram_is_a_fault_too() -> None:
    raw = telegrams.write(telegrams.DSMR3, header=telegrams.DSMR3_HEADER, plain=True).rstrip() + b"BEEF\r\n"
    assert decode(raw).reason == "checksum"


def test_lower_case_checksums_and_lf_line_ends_are_accepted() -> None:
    raw = next(raw for raw in telegrams.second_by_second(50) if any(digit in raw[-6:] for digit in b"ABCDEF"))
    body, _, given = raw.rpartition(b"!")
    assert decode(body + b"!" + given.lower()).valid
    assert decode(raw.replace(b"\r\n", b"\n")).valid, "an adapter changed the line ends"
    assert decode(telegrams.write(telegrams.BELGIUM, end="\n")).valid, "the meter counted LF"


@pytest.mark.parametrize("raw", [b"", b"/", b"/ISK5\r\n", b"!\r\n", b"x\n!\r\n", telegrams.write(telegrams.BELGIUM)[:-8]])
def test_what_is_no_whole_telegram_says_so(raw: bytes) -> None:
    telegram = decode(raw)
    assert (telegram.valid, telegram.reason) == (False, "truncated")


def test_a_byte_above_127_is_rejected_by_the_checksum() -> None:
    raw = bytearray(telegrams.write(telegrams.BELGIUM))
    raw[200] |= 0x80
    assert decode(bytes(raw)).reason == "checksum"


ESSENTIAL = {
    "1-0:1.8.1(00x661.701*kWh)": "number",
    "1-0:1.8.2()": "number",
    "1-0:2.8.1(1e9*kWh)": "number",
    "1-0:2.8.2(NaN*kWh)": "number",
    "1-0:1.7.0(-1.000*kW)": "number",
    "1-0:2.7.0(00.000*kW)(00.000*kW)": "number",
    "1-0:2.7.0(00.000)": "number",
    "1-0:1.8.1(999999999.999*kWh)": "range",
    "0-0:1.0.0(632525252525W)": "time",
    "0-0:1.0.0()": "time",
    "0-0:1.0.0(250115101530W)(1)": "time",
}


@pytest.mark.parametrize("line", ESSENTIAL)
def test_an_unreadable_essential_line_makes_the_telegram_invalid_and_is_named(line: str) -> None:
    obis = line.partition("(")[0]
    telegram = decode(telegrams.belgium(**{obis: line}))
    assert (telegram.valid, telegram.reason) == (False, ESSENTIAL[line])
    assert line in (telegram.error or "")


OPTIONAL = {
    "0-0:98.1.0()": "peaks",
    "0-0:98.1.0(3)(1-0:1.6.0)(1-0:1.6.0)(241201000000W)(241123193000W)(06.985*kW)": "peaks",
    "0-0:98.1.0(0)(1-0:1.6.0)(1-0:1.6.0)(241201000000W)(241123193000W)(06.985*kW)": "peaks",
    "0-0:98.1.0(x)(1-0:1.6.0)(1-0:1.6.0)(241201000000W)(241123193000W)(06.985*kW)": "peaks",
    "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(241201000000W)(241123193000W)(0x.985*kW)": "peaks",
    "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(241201000000W)(241123193000W)(-1e9*kW)": "peaks",
    "1-0:1.4.0(--*kW)": "quarter_w",
    "1-0:1.6.0(250108180000W)": "month_peak_w",
    "0-0:96.14.0(day)": "tariff",
    "0-0:96.3.10()": "breaker",
}


@pytest.mark.parametrize("line", OPTIONAL)
def test_an_unreadable_optional_line_is_left_out_and_named(line: str) -> None:
    telegram = decode(telegrams.belgium(**{line.partition("(")[0]: line}))
    assert (telegram.valid, telegram.reason) == (True, "left_out")
    assert line[:60] in (telegram.error or "")
    assert getattr(telegram, OPTIONAL[line]) in (None, ())
    assert telegram.import_w == 420


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("1-0:32.7.0(9999.9*V)", "phase_dv", (None, 0, 2399)),
        ("1-0:31.7.0(999*A)", "phase_ca", (None, 91, 203)),
        ("1-0:21.7.0(xx.xxx*kW)", "phase_w", (None, 152, 438)),
        ("1-0:22.7.0(99999999.000*kW)", "phase_w", (None, 152, 438)),
    ],
)
def test_a_phase_value_that_its_column_cannot_hold_is_left_out(line: str, field: str, expected: tuple[int | None, ...]) -> None:
    telegram = decode(telegrams.belgium(**{line.partition("(")[0]: line}))
    assert telegram.valid
    assert getattr(telegram, field) == expected
    assert line in (telegram.error or "")


def test_a_telegram_without_counters_or_power_is_no_reading() -> None:
    for obis in ("0-0:1.0.0", "1-0:1.8.1", "1-0:1.7.0"):
        telegram = decode(telegrams.write(telegrams.replaced(telegrams.BELGIUM, f"{obis}(", None)))
        assert (telegram.valid, telegram.reason) == (False, "missing")
        assert obis in (telegram.error or "")


def test_an_essential_line_that_stands_twice_is_a_fault() -> None:
    telegram = decode(telegrams.write((*telegrams.BELGIUM, "1-0:1.8.1(000661.702*kWh)")))
    assert (telegram.valid, telegram.reason) == (False, "repeated")


def test_lines_that_may_be_absent_are_absent() -> None:
    gone = ("0-0:96.1.1(", "1-0:1.4.0(", "1-0:1.6.0(", "0-0:98.1.0(", "1-0:52.7.0(", "1-0:41.7.0(", "1-0:42.7.0(", "1-0:2.8.2(")
    lines = telegrams.BELGIUM
    for start in gone:
        lines = telegrams.replaced(lines, start, None)
    telegram = decode(telegrams.write(lines))
    assert (telegram.valid, telegram.error, telegram.serial, telegram.peaks) == (True, None, "", ())
    assert (telegram.phase_w, telegram.phase_dv, telegram.export_t2_wh) == ((-170, None, 438), (2369, None, 2399), None)


def test_limits_that_are_set_are_told_and_limits_that_are_off_are_none() -> None:
    telegram = decode(telegrams.belgium(**{"0-0:17.0.0": "0-0:17.0.0(005.750*kW)", "1-0:31.4.0": "1-0:31.4.0(025*A)"}))
    assert (telegram.limiter_w, telegram.fuse_a) == (5750, 25)


def test_a_peak_with_a_nonsense_time_stands_without_one() -> None:
    line = "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)(230101000000W)(632525252525W)(00.000*kW)(632525252525W)(230124193000W)(06.748*kW)"
    telegram = decode(telegrams.belgium(**{"0-0:98.1.0": line, "1-0:1.6.0": "1-0:1.6.0(632525252525W)(00.000*kW)"}))
    assert telegram.error is None
    assert telegram.peaks == (Peak("2022-12", None, 0), Peak("2023-01", datetime(2023, 1, 24, 18, 30, tzinfo=UTC), 6748))
    assert (telegram.month_peak_w, telegram.month_peak_time) == (0, None)


def test_no_past_peaks_yet_is_no_fault() -> None:
    for line in ("0-0:98.1.0(0)", "0-0:98.1.0(0)(1-0:1.6.0)(1-0:1.6.0)"):
        telegram = decode(telegrams.belgium(**{"0-0:98.1.0": line}))
        assert (telegram.peaks, telegram.error) == ((), None)


def test_thirteen_peaks_are_read() -> None:
    telegram = decode(telegrams.belgium(**{"0-0:98.1.0": telegrams.thirteen_peaks()}))
    assert len(telegram.peaks) == 13
    assert telegram.peaks[0] == Peak("2023-11", datetime(2023, 12, 15, 16, 45, tzinfo=UTC), 4000)


def volumes(*lines: str) -> Telegram:
    return decode(telegrams.write((*telegrams.BELGIUM[:-7], *lines)))


def test_the_device_type_tells_gas_from_water_on_any_channel() -> None:
    telegram = volumes(
        "0-3:24.1.0(007)",
        "0-3:96.1.1(3853455430303030343530313036)",
        "0-3:24.2.1(250115101003W)(00872.234*m3)",
        "0-4:24.1.0(003)",
        "0-4:96.1.1(37464C4F32313233303838323237)",
        "0-4:24.2.3(250115101005W)(00112.384*m3)",
    )
    assert [(v.medium, v.volume_l) for v in telegram.volumes] == [("water", 872234), ("gas", 112384)]


def test_a_dead_slot_beside_the_live_gas_meter_is_ignored() -> None:
    telegram = volumes(
        "0-1:24.1.0(003)",
        "0-1:96.1.1()",
        "0-1:24.2.3(700101010000W)(00000000)",
        "0-2:24.1.0(003)",
        "0-2:96.1.1(37464C4F32313233303838323237)",
        "0-2:24.2.3(250115101005W)(00112.384*m3)",
        "0-3:24.1.0(007)",
        "0-3:24.2.1()()",
        "0-4:24.1.0(004)",
        "0-4:24.2.1(250115101005W)(12.5*GJ)",
    )
    assert telegram.error is None
    assert [(v.serial, v.volume_l) for v in telegram.volumes] == [("7FLO2123088227", 112384)]


def test_two_meters_of_one_medium_are_two_volumes_and_the_newest_is_shown() -> None:
    telegram = volumes(
        "0-1:24.1.0(003)",
        "0-1:96.1.1(37464C4F32313233303838323237)",
        "0-1:24.2.3(250115101005W)(00112.384*m3)",
        "0-2:24.1.0(003)",
        "0-2:96.1.1(37464C4F32313233303838323238)",
        "0-2:24.2.3(240115101005W)(00100.000*m3)",
    )
    assert [v.serial for v in telegram.volumes] == ["7FLO2123088227", "7FLO2123088228"]
    assert to_json(telegram)["gas_l"] == 112384


@pytest.mark.parametrize(
    "line",
    [
        "0-1:24.1.0(gas)",
        "0-1:96.1.1(37)(38)",
        "0-1:24.2.3(250115101005W)(0x112.384*m3)",
        "0-1:24.2.3(2501151010xxW)(00112.384*m3)",
        "0-1:24.2.3(250115101005W)(00112.384*kWh)",
        "0-1:24.2.3(250115101005W)(99999999.000*m3)",
        "0-1:24.2.3(250115101005W)()",
    ],
)
def test_an_unreadable_line_of_a_gas_meter_leaves_it_out_and_keeps_the_rest(line: str) -> None:
    telegram = decode(telegrams.belgium(**{line.partition("(")[0]: line}))
    assert (telegram.valid, telegram.reason) == (True, "left_out")
    assert line in (telegram.error or "")
    assert [v.medium for v in telegram.volumes] == ["water"]


def test_a_serial_that_is_no_hexadecimal_text_is_taken_as_it_stands() -> None:
    assert decode(telegrams.belgium(**{"0-0:96.1.1": "0-0:96.1.1(0A0B)"})).serial == "0A0B"
    assert decode(telegrams.belgium(**{"0-0:96.1.1": "0-0:96.1.1(KA6U-1)"})).serial == "KA6U-1"


def test_what_a_device_wrote_is_harmless_in_the_error() -> None:
    raw = telegrams.belgium(**{"1-0:1.4.0": "1-0:1.4.0(\x1b[2J" + "\x07" * 500 + ")"})
    error = decode(raw).error or ""
    assert error.isprintable()
    assert len(error) < 200


def test_many_unreadable_lines_are_named_up_to_three() -> None:
    broken = {f"1-0:{obis}.7.0": f"1-0:{obis}.7.0(x*V)" for obis in (32, 52, 72, 31, 51)}
    error = decode(telegrams.belgium(**broken)).error or ""
    assert error.count("cannot be read") == 3
    assert error.endswith("; and 2 more.")
