"""What the health page says of the facts: what, since when, what still works, the next step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from dashboard import ages
from dashboard.health_facts import Facts
from energysite import live
from meters.growth import YEAR, Growth
from meters.models import ElectricityReading, Source, VolumeReading

WELL, WARN, BAD, IDLE = "well", "warn", "bad", "idle"
ORDER = (BAD, WARN, WELL, IDLE)

SILENT_S = 30
WORKER_SILENT_S = 30  # three heartbeats
SHORT_DAYS, VERY_SHORT_DAYS = 30, 3
LONG_DAYS = 3650  # a forecast beyond this is no promise
CLOCK_OFF_S = 120
DAMAGED_PERCENT = 5
RECENT_RESTART_S = 600
BACKUP_OLD_S = 2 * 86_400


@dataclass(frozen=True, slots=True)
class Line:
    """`state`: well, warn, bad or idle. `text` is a sentence, `more` what still works and what to do."""

    state: str
    title: str
    text: str
    more: str = ""


def local_time(epoch: float) -> str:
    """14:02 today, else 2026-07-31 14:02, in the house's zone."""
    there = timezone.localtime(datetime.fromtimestamp(epoch, UTC))
    return there.strftime("%H:%M" if there.date() == timezone.localdate() else "%Y-%m-%d %H:%M")


# Meters


def meters(facts: Facts) -> list[Line]:
    """One line a meter; of those that sent a frame only, while the database is away."""
    frames, states = (facts.lively.frames, facts.lively.agents) if facts.lively else ({}, {})
    now = facts.at.timestamp()
    if facts.stored is None:
        return [_meter(name, 1, states.get(name, {}), frames.get(name), now) for name in frames]
    return [
        _meter(meter.name, meter.period_s, states.get(meter.name) or meter.state.state, frames.get(meter.name), now)
        if meter.enabled
        else Line(IDLE, meter.name, _("Switched off in its settings."))
        for meter in facts.stored.meters
    ]


def _meter(name: str, period_s: int, state: dict[str, Any], frame: live.Frame | None, now: float) -> Line:
    error = state.get("error") or ""
    # The reader reports every few seconds; a frame comes with each telegram.
    last = max(state.get("last_telegram") or 0.0, frame["received"] if frame else 0.0)
    if not last:
        return Line(WARN, name, _("No telegram yet."), error or _("The port is being opened, or nothing has come from it so far."))
    age = now - last
    if age > max(SILENT_S, 3 * period_s):
        text = _("Silent since %(time)s (%(age)s).") % {"time": local_time(last), "age": ages.length(age)}
        return Line(BAD, name, text, error or _("History is complete to then. Check the cable and the port."))
    text = _("Last telegram %(age)s ago.") % {"age": ages.length(age)}
    damaged = state.get("damaged_pct", 0)
    if damaged >= DAMAGED_PERCENT:
        more = _("%(share)s %% of its telegrams are damaged: is the cable too long?") % {"share": damaged}
        return Line(WARN, name, text, error or more)
    if error or state.get("status", "live") != "live":
        return Line(WARN, name, text, error)
    offset = state.get("clock_offset_s") or 0
    if abs(offset) > CLOCK_OFF_S:
        more = _("Its clock is %(length)s off; readings are stored at the right time.") % {"length": ages.length(abs(offset))}
        return Line(WARN, name, text, more)
    return Line(WELL, name, text)


def sources(facts: Facts) -> list[dict[str, Any]]:
    """Rows of the table: name, medium, serial, value, age, retired."""
    if facts.stored is None:
        return []
    return [_source(source, facts.stored.newest[source.pk], facts.at) for source in facts.stored.sources]


def _source(source: Source, newest: ElectricityReading | VolumeReading | None, at: datetime) -> dict[str, Any]:
    row = {"name": source.name, "medium": source.get_medium_display(), "serial": source.serial, "retired": source.retired}
    if newest is None:
        return row | {"value": "–", "age": _("no reading yet")}
    if isinstance(newest, VolumeReading):
        value = f"{_number(newest.volume_l / 1000, 3)} m³"
    else:
        registers = [newest.import_t1_wh, newest.import_t2_wh]
        counted = sum(register for register in registers if register is not None)
        value = "–" if registers == [None, None] else _("%(kwh)s kWh imported") % {"kwh": _number(counted / 1000, 3)}
    return row | {"value": value, "age": ages.length((at - newest.time).total_seconds()), "time": newest.time}


def _number(value: float, decimals: int) -> str:
    return number_format(value, decimals)


# Processes

PROCESS_NAMES: dict[str, Callable[[], str]] = {
    "database": lambda: _("Database"),
    "live values": lambda: _("Live values"),
    "web": lambda: _("Pages"),
    "worker": lambda: _("Worker"),
    "read_meters": lambda: _("Meter reader"),
    "hold_outputs": lambda: _("Holder of the outputs"),
    "demo_house": lambda: _("Demo house"),
}
STATE_WORDS: dict[str, tuple[str, Callable[[], str]]] = {
    "running": (WELL, lambda: _("running")),
    "starting": (WARN, lambda: _("starting")),
    "waiting": (BAD, lambda: _("waiting to be started again")),
    "stopped": (BAD, lambda: _("stopped")),
}


def processes(facts: Facts) -> list[dict[str, Any]]:
    """Rows of the table: name, state, word, since, restarts, last_exit."""
    rows = []
    for process in facts.processes or []:
        state, word = STATE_WORDS.get(process["state"], (WARN, lambda name=process["state"]: name))
        recent = process["restarts"] and facts.at.timestamp() - process["since"] < RECENT_RESTART_S
        rows.append(
            {
                "name": PROCESS_NAMES.get(process["name"], lambda name=process["name"]: name)(),
                "state": WARN if state == WELL and recent else state,
                "word": word(),
                "since": local_time(process["since"]),
                "restarts": process["restarts"],
                "last_exit": process["last_exit"],
            }
        )
    return rows


def ended(rows: list[dict[str, Any]]) -> list[Line]:
    """The processes that do not run, from the rows of the table."""
    more = _("It is started again by itself. If it keeps ending, look at the window or the log of the site.")
    return [
        Line(
            BAD,
            row["name"],
            _("%(state)s since %(time)s: %(why)s.") % {"state": row["word"], "time": row["since"], "why": row["last_exit"]},
            more,
        )
        for row in rows
        if row["state"] == BAD
    ]


def worker(facts: Facts) -> Line:
    title = _("Periodic tasks")
    if facts.lively is None:
        return Line(WARN, title, _("Not known while the live values are away."))
    beat = facts.lively.heartbeats.get("worker")
    if beat is None:
        text = _("The worker has not reported yet.")
        return Line(WARN, title, text, _("It reports every 10 s; meters are read and stored without it."))
    age = facts.at.timestamp() - beat
    if age > WORKER_SILENT_S:
        text = _("The worker is silent since %(time)s.") % {"time": local_time(beat)}
        return Line(BAD, title, text, _("Meters are read and stored without it. It is started again by itself; see its last end below."))
    return Line(WELL, title, _("The worker reported %(age)s ago.") % {"age": ages.length(age)})


# Storage


def storage(facts: Facts) -> list[Line]:
    return [_database(facts), _spool(facts), _live(facts), *(_disk(disk) for disk in facts.disks), _backup(facts)]


def _reader(facts: Facts) -> dict[str, Any]:
    return facts.lively.processes.get("read_meters", {}) if facts.lively else {}


def _database(facts: Facts) -> Line:
    title = _("Database")
    if facts.stored is None:
        since = _reader(facts).get("database_since") if _reader(facts).get("database") == "away" else None
        text = _("Away since %(time)s.") % {"time": local_time(since)} if since else _("It does not answer.")
        return Line(
            BAD, title, text, _("Live works; history is kept on disk and returns. It is started again by itself; see its last end below.")
        )
    stored = facts.stored
    words = {"version": stored.version, "size": ages.size(stored.size_bytes)}
    text = " ".join([_("PostgreSQL %(version)s, %(size)s.") % words, *_growth(stored.growth)])
    more = (
        _("TimescaleDB %(version)s.") % {"version": stored.timescale}
        if stored.timescale
        else _("Without TimescaleDB, which is fine for a house.")
    )
    return Line(WELL, title, text, more)


def _growth(found: Growth) -> list[str]:
    """Nothing where nothing comes in."""
    if found.bytes_per_day <= 0:
        return []
    words = {"day": ages.size(found.bytes_per_day), "size": ages.size(found.after(YEAR))}
    return [_("It grows by %(day)s a day; in a year it takes about %(size)s.") % words]


def _spool(facts: Facts) -> Line:
    title = _("Readings on their way")
    reader = _reader(facts)
    if not reader:
        return Line(WARN, title, _("The meter reader has not reported."), _("See its process below."))
    if reader.get("refusing"):
        return Line(BAD, title, _("New readings are refused."), reader["refusing"])
    waiting, oldest = reader.get("spool_bytes", 0), reader.get("spool_oldest")
    if facts.at.timestamp() - reader["at"] > SILENT_S:
        return Line(
            BAD, title, _("The meter reader is silent since %(time)s.") % {"time": local_time(reader["at"])}, _("See its process below.")
        )
    if reader.get("database") == "away" and oldest:
        text = _("%(size)s since %(time)s wait on disk for the database.") % {"size": ages.size(waiting), "time": local_time(oldest)}
        return Line(WARN, title, text, _("None is lost; they are stored as soon as it is back."))
    return Line(WELL, title, _("%(size)s on disk, stored every few seconds.") % {"size": ages.size(waiting)})


def _live(facts: Facts) -> Line:
    title = _("Live values")
    if facts.lively is None:
        text = _("Valkey does not answer.")
        return Line(BAD, title, text, _("Readings are stored without it. Numbers refresh every 10 s. It is started again by itself."))
    return Line(WELL, title, _("Valkey %(version)s.") % {"version": facts.lively.version})


def _disk(disk: Any) -> Line:
    title = _("Disk")
    free = _("%(free)s of %(total)s free.") % {"free": ages.size(disk.free_bytes), "total": ages.size(disk.total_bytes)}
    if disk.days is None:
        return Line(WELL, title, free)
    forecast = _("Room for more than 10 years.") if disk.days > LONG_DAYS else _("Room for %(days)s.") % {"days": ages.days(disk.days)}
    if disk.days >= SHORT_DAYS:
        return Line(WELL, title, forecast, free)
    next_step = _("Make room on the disk of %(folder)s, or move the data folder to a larger one.") % {"folder": disk.folder}
    return Line(BAD if disk.days < VERY_SHORT_DAYS else WARN, title, forecast, f"{free} {next_step}")


def _backup(facts: Facts) -> Line:
    title, told = _("Backup"), facts.backup
    if not told:
        return Line(IDLE, title, _("None yet."), _("The first is made in the first night, after 03:30."))
    good = told.get("good")
    last = (
        _("The last good one is %(age)s old.") % {"age": ages.length(facts.at.timestamp() - good)} if good else _("There is no good one.")
    )
    if not told["ok"]:
        return Line(BAD, title, " ".join([_("The last try failed."), last]), told["error"])
    if facts.at.timestamp() - told["at"] > BACKUP_OLD_S:
        return Line(WARN, title, last, _("One is made every night by the worker: does it run?"))
    text = _("Made at %(time)s, %(size)s.") % {"time": local_time(told["at"]), "size": ages.size(told["bytes"])}
    return Line(WELL, title, text, told["file"])


# Clock


def clocks(facts: Facts) -> list[Line]:
    title = _("Clock")
    if facts.clock_synchronised:
        machine = Line(WELL, title, _("Set by the network."))
    else:
        more = _("Connect the machine to the internet or to a time server, so that a wrong meter clock can be noticed.")
        machine = Line(WARN, title, _("This machine's clock is not set; using the meter's."), more)
    return [
        machine,
        *(_meter_clock(name, state) for name, state in (facts.lively.agents if facts.lively else {}).items() if _has_clock(state)),
    ]


def _has_clock(state: dict[str, Any]) -> bool:
    return state.get("clock_offset_s") is not None


def _meter_clock(name: str, state: dict[str, Any]) -> Line:
    offset = state["clock_offset_s"]
    title = _("Clock of %(meter)s") % {"meter": name}
    if abs(offset) <= 1:
        return Line(WELL, title, _("Agrees with this machine's."))
    words = {"length": ages.length(abs(offset))}
    text = _("%(length)s ahead of this machine's.") % words if offset > 0 else _("%(length)s behind this machine's.") % words
    return Line(WARN if abs(offset) > CLOCK_OFF_S else WELL, title, text)


# All of it


def problems(lines: list[Line]) -> list[Line]:
    """What needs attention, the worst first."""
    return sorted((line for line in lines if line.state in (BAD, WARN)), key=lambda line: ORDER.index(line.state))
