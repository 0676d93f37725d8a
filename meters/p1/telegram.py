"""What one P1 telegram says, in exact integers. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PHASES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest clock quarter of a month. `month` is the month the peak belongs to, "YYYY-MM"."""

    month: str
    time: datetime | None
    w: int


@dataclass(frozen=True, slots=True)
class Volume:
    """An M-Bus device: medium "gas" or "water", counter in litres, the device's own UTC time."""

    medium: str
    serial: str
    volume_l: int
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Telegram:
    """Counters in Wh, power in W (phases signed, import - export), dV and cA. None: not in the telegram.

    `valid` means: whole, checksum right, and fit to be stored. `error` says in words what is wrong; on a valid
    telegram it names a line that was left out because it could not be read.
    """

    raw: bytes
    valid: bool
    error: str | None = None
    reason: str | None = None  # short code of the error: checksum, truncated, number, ...
    time: datetime | None = None
    serial: str = ""
    dialect: str = ""
    import_t1_wh: int | None = None
    import_t2_wh: int | None = None
    export_t1_wh: int | None = None
    export_t2_wh: int | None = None
    tariff: int | None = None
    import_w: int | None = None
    export_w: int | None = None
    phase_w: tuple[int | None, int | None, int | None] = (None, None, None)
    phase_dv: tuple[int | None, int | None, int | None] = (None, None, None)
    phase_ca: tuple[int | None, int | None, int | None] = (None, None, None)
    quarter_w: int | None = None
    month_peak_w: int | None = None
    month_peak_time: datetime | None = None
    peaks: tuple[Peak, ...] = ()
    volumes: tuple[Volume, ...] = ()
    breaker: int | None = None  # 0 off, 1 on, 2 ready
    limiter_w: int | None = None  # None: off
    fuse_a: int | None = None  # None: off


def iso(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def values(telegram: Telegram) -> dict[str, Any]:
    """The measured values under their public names (decode_p1, live frames); absent ones are left out."""
    found: dict[str, Any] = {
        name: getattr(telegram, name)
        for name in ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh", "tariff", "import_w", "export_w")
    }
    for i, phase in enumerate(PHASES):
        dv, ca = telegram.phase_dv[i], telegram.phase_ca[i]
        found[f"l{phase}_w"] = telegram.phase_w[i]
        found[f"l{phase}_v"] = None if dv is None else dv / 10
        found[f"l{phase}_a"] = None if ca is None else ca / 100
    found["quarter_w"] = telegram.quarter_w
    found["month_peak_w"] = telegram.month_peak_w
    return {name: value for name, value in found.items() if value is not None}


def to_json(telegram: Telegram) -> dict[str, Any]:
    """One line of `manage.py decode_p1`: its names and units are a contract."""
    line: dict[str, Any] = {"time": iso(telegram.time), "valid": telegram.valid, "error": telegram.error}
    if telegram.serial:
        line["serial"] = telegram.serial
    line |= values(telegram)
    if telegram.month_peak_time is not None:
        line["month_peak_time"] = iso(telegram.month_peak_time)
    if telegram.peaks:
        line["peaks"] = [{"month": peak.month, "time": iso(peak.time), "w": peak.w} for peak in telegram.peaks]
    # Of two meters of one medium (the old one's slot may live on) the one that was read last stands.
    for volume in sorted(telegram.volumes, key=lambda volume: iso(volume.time) or ""):
        line[f"{volume.medium}_l"] = volume.volume_l
        if volume.time is not None:
            line[f"{volume.medium}_time"] = iso(volume.time)
    return line if line["time"] is not None else {name: value for name, value in line.items() if name != "time"}
