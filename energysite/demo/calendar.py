"""Days of the demo house: local days of Europe/Brussels, in epoch seconds. Pure.

A *model day* is one local day, cut into steps of STEP_S seconds; it has 23, 24 or 25 hours.
"""

import hashlib
import random
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Brussels")
STEP_S = 10
QUARTER_S = 900
VOLUME_S = 300  # gas and water meters report every five minutes

# Fixed days for comparisons: the same sun, clouds and use whatever the seed. `--day NAME` repeats one of them for ever.
NAMED_DAYS = {
    "clear": date(2026, 6, 18),
    "cloudy": date(2026, 5, 12),
    "overcast": date(2026, 11, 10),
    "winter": date(2026, 1, 15),
}


@lru_cache(maxsize=4096)
def midnight(day: date) -> int:
    """The epoch second at which this local day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


def day_of(at: int) -> date:
    """The local day that holds the second beginning at `at`."""
    return local(at).date()


def local(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZONE)


def next_day(day: date) -> date:
    return day + timedelta(days=1)


def at_wall(day: date, hour: int) -> int:
    """The epoch second of a whole local hour of that day. An hour that occurs twice means its first."""
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).timestamp())


def is_day_tariff(at: int) -> bool:
    """Belgian register 1 (day): working days from 7 to 22 o'clock; everything else is register 2."""
    when = local(at)
    return when.weekday() < 5 and 7 <= when.hour < 22


def month_start(year: int, month: int) -> date:
    """The first day of a month; months may run below 1 or above 12."""
    years, index = divmod(month - 1, 12)
    return date(year + years, index + 1, 1)


def chance(seed: object, *key: object) -> random.Random:
    """Random numbers that depend on nothing but these words: the same on every machine, in every run."""
    text = ":".join(str(part) for part in (seed, *key))
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))  # noqa: S311  a model, no secret
