"""The numbers of a period as a CSV file: whole units, as they are counted, corrections included."""

import csv
import io
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from dashboard.energy.numbers import Picture

NAMES = {
    "electricity": ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh"),
    "solar": ("production_wh",),
    "gas": ("gas_l",),
    "water": ("water_l",),
}


def of(picture: Picture | None, zone: ZoneInfo) -> str:
    """A line for each bar, times with their offset from UTC; an unknown value is empty, as is the coverage of what is to come."""
    media = [medium for medium in NAMES if picture is not None and medium in picture.columns]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["start", "end", *(name for medium in media for name in NAMES[medium]), *(f"{medium}_coverage" for medium in media)])
    if picture is not None:
        writer.writerows(_rows(picture, media, zone))
    return out.getvalue()


def _rows(picture: Picture, media: list[str], zone: ZoneInfo) -> Iterable[list[object]]:
    for place, slot in enumerate(picture.slots):
        cells = [picture.columns[medium].cells[place] for medium in media]
        yield [
            slot.start.astimezone(zone).isoformat(),
            slot.end.astimezone(zone).isoformat(),
            *(cell.values.get(name) for medium, cell in zip(media, cells, strict=True) for name in NAMES[medium]),
            *(None if cell.coverage is None else round(cell.coverage, 4) for cell in cells),
        ]
