"""Telegrams of meters the tests need, written after their specifications: header, lines, checksum."""

from datetime import UTC, datetime, timedelta

from meters.p1 import checksum

BELGIUM: tuple[str, ...] = (
    "0-0:96.1.4(50217)",
    "0-0:96.1.1(3153414733313035323030383737)",
    "0-0:1.0.0(250115101530W)",
    "1-0:1.8.1(000661.701*kWh)",
    "1-0:1.8.2(000776.784*kWh)",
    "1-0:2.8.1(000990.699*kWh)",
    "1-0:2.8.2(000423.681*kWh)",
    "0-0:96.14.0(0001)",
    "1-0:1.4.0(00.351*kW)",
    "1-0:1.6.0(250108180000W)(04.329*kW)",
    "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)(241201000000W)(241123193000W)(06.985*kW)(250101000000W)(241224174500W)(06.748*kW)",
    "1-0:1.7.0(00.420*kW)",
    "1-0:2.7.0(00.000*kW)",
    "1-0:21.7.0(00.000*kW)",
    "1-0:41.7.0(00.152*kW)",
    "1-0:61.7.0(00.438*kW)",
    "1-0:22.7.0(00.170*kW)",
    "1-0:42.7.0(00.000*kW)",
    "1-0:62.7.0(00.000*kW)",
    "1-0:32.7.0(236.9*V)",
    "1-0:52.7.0(000.0*V)",
    "1-0:72.7.0(239.9*V)",
    "1-0:31.7.0(002.09*A)",
    "1-0:51.7.0(000.91*A)",
    "1-0:71.7.0(002.03*A)",
    "0-0:96.3.10(1)",
    "0-0:17.0.0(999.9*kW)",
    "1-0:31.4.0(999*A)",
    "0-0:96.13.0()",
    "0-1:24.1.0(003)",
    "0-1:96.1.1(37464C4F32313233303838323237)",
    "0-1:24.4.0(1)",
    "0-1:24.2.3(250115101005W)(00112.384*m3)",
    "0-2:24.1.0(007)",
    "0-2:96.1.1(3853455430303030343530313036)",
    "0-2:24.2.1(250115101003W)(00872.234*m3)",
)
BELGIUM_HEADER = r"/FLU5\253769484_A"

DSMR5_GAS: tuple[str, ...] = (
    "1-3:0.2.8(50)",
    "0-0:1.0.0(190324150519W)",
    "0-0:96.1.1(4530303434303037313331363530363138)",
    "1-0:1.8.1(003432.827*kWh)",
    "1-0:1.8.2(003224.632*kWh)",
    "1-0:2.8.1(000000.000*kWh)",
    "1-0:2.8.2(000000.000*kWh)",
    "0-0:96.14.0(0002)",
    "1-0:1.7.0(00.378*kW)",
    "1-0:2.7.0(00.000*kW)",
    "1-0:32.7.0(237.1*V)",
    "1-0:31.7.0(002*A)",
    "1-0:21.7.0(00.378*kW)",
    "1-0:22.7.0(00.000*kW)",
    "0-1:24.1.0(003)",
    "0-1:96.1.0(4730303332353631323736383136)",
    "0-1:24.2.1(190324150500W)(01643.173*m3)",
)
DSMR4 = ("1-3:0.2.8(42)", *DSMR5_GAS[1:])

DSMR3 = (
    "0-0:96.1.1(4B384547303034303436333935353037)",
    "1-0:1.8.1(12345.678*kWh)",
    "1-0:1.8.2(12345.679*kWh)",
    "1-0:2.8.1(00000.001*kWh)",
    "1-0:2.8.2(00000.002*kWh)",
    "0-0:96.14.0(0002)",
    "1-0:1.7.0(001.19*kW)",
    "1-0:2.7.0(000.00*kW)",
    "0-0:17.0.0(016*A)",
    "0-0:96.3.10(1)",
    "0-0:96.13.1(303132333435363738)",
    "0-0:96.13.0(303132333435363738393A3B3C3D3E3F)",
    "0-1:96.1.0(3238313031453631373038389930337131)",
    "0-1:24.1.0(03)",
    "0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(m3)",
    "(00024.123)",
    "0-1:24.4.0(1)",
)
DSMR3_HEADER = r"/ISk5\2ME382-1003"


def write(lines: tuple[str, ...], *, header: str = BELGIUM_HEADER, plain: bool = False, end: str = "\r\n") -> bytes:
    """A telegram of these lines with its checksum; `plain`: without one (DSMR 2.2 and 3)."""
    body = end.join((header, "", *lines, "!")).encode("ascii")
    return body + (b"" if plain else checksum.of(body)) + end.encode("ascii")


def replaced(lines: tuple[str, ...], start: str, line: str | None) -> tuple[str, ...]:
    """The lines with the one that begins with `start` replaced, or removed where `line` is None."""
    assert any(old.startswith(start) for old in lines), f"no line begins with {start}"
    changed = (line if old.startswith(start) else old for old in lines)
    return tuple(new for new in changed if new is not None)


def belgium(**lines: str) -> bytes:
    """The Belgian telegram with lines replaced: belgium(**{"1-0:1.7.0": "1-0:1.7.0(01.000*kW)"})."""
    changed = BELGIUM
    for start, line in lines.items():
        changed = replaced(changed, f"{start}(", line)
    return write(changed)


def second_by_second(count: int, begin: datetime = datetime(2025, 1, 15, 9, 15, 30, tzinfo=UTC)) -> list[bytes]:
    """Belgian telegrams one second apart (winter time), each with another power."""
    telegrams = []
    for i in range(count):
        stamp = (begin + timedelta(hours=1, seconds=i)).strftime("%y%m%d%H%M%SW")
        telegrams.append(belgium(**{"0-0:1.0.0": f"0-0:1.0.0({stamp})", "1-0:1.7.0": f"1-0:1.7.0({(400 + i) / 1000:06.3f}*kW)"}))
    return telegrams


def thirteen_peaks() -> str:
    months = [f"{year}{month:02}" for year in (23, 24, 25) for month in range(1, 13)][11:24]
    entries = "".join(f"({month}01000000W)({month}15174500W)(04.{i:03}*kW)" for i, month in enumerate(months))
    return f"0-0:98.1.0(13)(1-0:1.6.0)(1-0:1.6.0){entries}"
