"""Rows of the reading tables as the demo house's telegrams would have become. Pure, but for the names of the columns."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from energysite.demo.calendar import QUARTER_S, STEP_S, day_of
from energysite.demo.model import House, Reading, Volume
from meters import storage

Row = tuple[Any, ...]
QUARTER_STEPS = QUARTER_S // STEP_S


def instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _counters(reading: Reading, source_id: int) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "time": instant(reading.at),
        "import_t1_wh": reading.import_t1_wh,
        "import_t2_wh": reading.import_t2_wh,
        "export_t1_wh": reading.export_t1_wh,
        "export_t2_wh": reading.export_t2_wh,
        "tariff": reading.tariff,
        "flags": 0,
    }


def electricity_row(house: House, source_id: int, at: int) -> Row:
    """The row that `read_meters` makes of the telegram of that second."""
    reading = house.reading(at)
    values = _counters(reading, source_id) | {"power_w": reading.net_w, "quarter_w": reading.quarter_w}
    for phase in range(3):
        values[f"l{phase + 1}_w"] = reading.phase_w[phase]
        values[f"l{phase + 1}_dv"] = reading.phase_dv[phase]
        values[f"l{phase + 1}_ca"] = reading.phase_ca[phase]
    return tuple(values[name] for name in storage.COLUMNS["electricity"])


def quarter_row(house: House, source_id: int, at: int) -> Row:
    """A reading that stands for the whole quarter before it, as a meter read every 900 s gives: counters at its end, mean powers.

    Without the running demand, which is 0 again at that second, and without volts and amps, which have no mean worth keeping.
    """
    day = house.day(day_of(at - QUARTER_S))
    first = (at - QUARTER_S - day.start) // STEP_S
    steps = slice(first, first + QUARTER_STEPS)
    values = _counters(house.reading(at), source_id) | {"power_w": round(sum(day.net_w[steps]) / QUARTER_STEPS)}
    for phase in range(3):
        values[f"l{phase + 1}_w"] = round(sum(day.phase_w[phase][steps]) / QUARTER_STEPS)
    return tuple(values.get(name) for name in storage.COLUMNS["electricity"])


def production_row(house: House, parts: Sequence[int], source_id: int, at: int, *, quarterly: bool = False) -> Row:
    """What these inverters tell at that second; `quarterly`: with the mean power of the quarter before it."""
    made = house.made(parts, at)
    power_w = made.power_w
    if quarterly:
        day = house.day(day_of(at - QUARTER_S))
        first, last = at - QUARTER_S - day.start, at - day.start
        power_w = round(sum(day.made_ws(part, last) - day.made_ws(part, first) for part in parts) / QUARTER_S)
    values = {"source_id": source_id, "time": instant(at), "total_wh": made.total_wh, "production_w": power_w, "flags": 0}
    return tuple(values[name] for name in storage.COLUMNS["production"])


def _volume_row(volume: Volume, source_id: int) -> Row:
    values = {"source_id": source_id, "time": instant(volume.at), "volume_l": volume.litres, "flags": 0}
    return tuple(values[name] for name in storage.COLUMNS["volume"])


def rows(
    house: House, medium: str, source_id: int, seconds: Iterable[int], *, quarterly: bool = False, parts: Sequence[int] = ()
) -> Iterator[Row]:
    """A reading at each of these seconds; those of gas and water must be full steps of theirs. `quarterly`: see quarter_row.

    `parts`: the inverters that a source of solar counts.
    """
    electricity = quarter_row if quarterly else electricity_row
    for at in seconds:
        if medium == "electricity":
            yield electricity(house, source_id, at)
        elif medium == "solar":
            yield production_row(house, parts, source_id, at, quarterly=quarterly)
        else:
            yield _volume_row(house.gas(at) if medium == "gas" else house.water(at), source_id)
