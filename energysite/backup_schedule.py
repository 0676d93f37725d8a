"""When a nightly backup is due, how its file is called, and which older files may go. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

NIGHTLY_AT = time(3, 30)  # local; after the hour that changing clocks repeat or leave out
RETRY = timedelta(hours=1)
DAILY, MONTHLY, BEFORE_UPDATES = 7, 12, 3
STAMP = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"energysite-(demo|house)-(before-update-)?(\d{8}T\d{6}Z)\.zip")


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's name says of it."""

    name: str
    mode: str
    before_update: bool
    at: datetime


def file_name(mode: str, at: datetime, *, before_update: bool = False) -> str:
    return f"energysite-{mode}-{'before-update-' if before_update else ''}{at.astimezone(UTC).strftime(STAMP)}.zip"


def ours(names: Iterable[str], mode: str) -> list[Named]:
    """The backups of this house among the files of a folder, newest first; other files are left alone."""
    found = []
    for name in names:
        match = NAME.fullmatch(name)
        if match is None or match[1] != mode:
            continue
        try:
            at = datetime.strptime(match[3], STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue  # no such day
        found.append(Named(name, mode, bool(match[2]), at))
    return sorted(found, key=lambda one: one.at, reverse=True)


def newest(names: Iterable[str], mode: str) -> datetime | None:
    return next((one.at for one in ours(names, mode) if not one.before_update), None)


def obsolete(names: Iterable[str], mode: str, zone: tzinfo) -> list[str]:
    """Which files may go: all but the newest of each of the last 7 days, and of each of the last 12 months, that have one.

    Days and months without a backup do not count, so a machine that was off for a year keeps what it has. Of those made
    before an update the newest three stay.
    """
    found = ours(names, mode)
    nightly = [one for one in found if not one.before_update]
    by_day: dict[object, str] = {}
    by_month: dict[object, str] = {}
    for one in nightly:
        there = one.at.astimezone(zone)
        by_day.setdefault(there.date(), one.name)
        by_month.setdefault((there.year, there.month), one.name)
    kept = {*list(by_day.values())[:DAILY], *list(by_month.values())[:MONTHLY]}
    kept |= {one.name for one in [one for one in found if one.before_update][:BEFORE_UPDATES]}
    return sorted(one.name for one in found if one.name not in kept)


def due(now: datetime, zone: tzinfo, *, newest: datetime | None, tried: datetime | None, installed: datetime) -> bool:
    """Whether the last 03:30 in the house's zone has no backup yet; a failed try is repeated an hour later.

    A house that was set up since then waits for its first night. All times are aware.
    """
    at = now.astimezone(zone).replace(hour=NIGHTLY_AT.hour, minute=NIGHTLY_AT.minute, second=0, microsecond=0, fold=0)
    if at > now:
        at -= timedelta(days=1)  # the wall clock of the day before
    if (newest or installed) >= at:
        return False
    return tried is None or not now - RETRY < tried <= now
