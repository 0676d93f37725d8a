"""A Belgian P1 telegram (e-MUCS 1.7, version 50217), byte for byte as a meter sends it. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from energysite.demo.calendar import ZONE, midnight, month_start
from energysite.demo.ledger import Peak
from energysite.demo.model import House, Reading

HEADER = "/FLU5\\253770417_A"
METER_SERIAL = "1DEM3105260417"
GAS_SERIAL = "7DEM5202260611"
WATER_SERIAL = "8DEM8904260733"
NO_LIMIT_KW, NO_FUSE_A = "999.9", "999"


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """CRC-16 with polynomial 0xA001 (reflected 0x8005), start value 0."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def sealed(body: bytes) -> bytes:
    """A telegram from `/` up to and with `!`, with its checksum."""
    return body + b"%04X\r\n" % crc16(body)


def stamp(at: int) -> str:
    """Local time with S (summer) or W (winter): only that letter tells the two hours of the October night apart."""
    when = datetime.fromtimestamp(at, UTC).astimezone(ZONE)
    return f"{when:%y%m%d%H%M%S}{'S' if when.dst() else 'W'}"


def _hex(text: str) -> str:
    return text.encode("ascii").hex().upper()


def _kwh(wh: int) -> str:
    return f"{wh // 1000:06d}.{wh % 1000:03d}*kWh"


def _kw(watts: int) -> str:
    return f"{watts // 1000:02d}.{watts % 1000:03d}*kW"


def _m3(litres: int) -> str:
    return f"{litres // 1000:05d}.{litres % 1000:03d}*m3"


def _past_peaks(peaks: Iterable[Peak]) -> str:
    """Each month under the first of the month after it."""
    told = [f"({stamp(midnight(month_start(p.month.year, p.month.month + 1)))})({stamp(p.end)})({_kw(p.w)})" for p in peaks]
    return f"0-0:98.1.0({len(told)})(1-0:1.6.0)(1-0:1.6.0){''.join(told)}"


def _month_peak(peak: Peak) -> str:
    """Stamped with the end of its quarter; the first of the month at midnight while no quarter has ended."""
    return f"1-0:1.6.0({stamp(peak.end or midnight(peak.month))})({_kw(peak.w)})"


def _mbus(channel: int, kind: int, serial: str, valve: bool, value: str) -> list[str]:
    lines = [f"0-{channel}:24.1.0({kind:03d})", f"0-{channel}:96.1.1({_hex(serial)})"]
    if valve:
        lines.append(f"0-{channel}:24.4.0(1)")
    return [*lines, value]


def lines(reading: Reading, peak: Peak, past: Iterable[Peak], shown_at: int) -> list[str]:
    imported, exported = reading.import_w, reading.export_w
    return [
        HEADER,
        "",
        "0-0:96.1.4(50217)",
        f"0-0:96.1.1({_hex(METER_SERIAL)})",
        f"0-0:1.0.0({stamp(shown_at)})",
        f"1-0:1.8.1({_kwh(reading.import_t1_wh)})",
        f"1-0:1.8.2({_kwh(reading.import_t2_wh)})",
        f"1-0:2.8.1({_kwh(reading.export_t1_wh)})",
        f"1-0:2.8.2({_kwh(reading.export_t2_wh)})",
        f"0-0:96.14.0({reading.tariff:04d})",
        f"1-0:1.4.0({_kw(reading.quarter_w)})",
        _month_peak(peak),
        _past_peaks(past),
        f"1-0:1.7.0({_kw(imported)})",
        f"1-0:2.7.0({_kw(exported)})",
        *(f"1-0:{20 * i + 21}.7.0({_kw(max(0, w))})" for i, w in enumerate(reading.phase_w)),
        *(f"1-0:{20 * i + 22}.7.0({_kw(max(0, -w))})" for i, w in enumerate(reading.phase_w)),
        *(f"1-0:{20 * i + 32}.7.0({dv // 10:03d}.{dv % 10}*V)" for i, dv in enumerate(reading.phase_dv)),
        *(f"1-0:{20 * i + 31}.7.0({ca // 100:03d}.{ca % 100:02d}*A)" for i, ca in enumerate(reading.phase_ca)),
        "0-0:96.3.10(1)",
        f"0-0:17.0.0({NO_LIMIT_KW}*kW)",
        f"1-0:31.4.0({NO_FUSE_A}*A)",
        "0-0:96.13.0()",
        *_mbus(1, 3, GAS_SERIAL, True, f"0-1:24.2.3({stamp(reading.gas.at)})({_m3(reading.gas.litres)})"),
        *_mbus(2, 7, WATER_SERIAL, False, f"0-2:24.2.1({stamp(reading.water.at)})({_m3(reading.water.litres)})"),
        "!",
    ]


def telegram(house: House, at: int, *, shown_at: int | None = None) -> bytes:
    """What the meter of this house sends at that epoch second; `shown_at`: the time it claims, when its clock is wrong."""
    told = lines(house.reading(at), house.month_peak(at), house.past_peaks(at), at if shown_at is None else shown_at)
    return sealed("\r\n".join(told).encode("ascii"))
