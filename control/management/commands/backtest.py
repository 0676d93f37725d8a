"""`manage.py backtest`: a controller on a past, beside what others' rules and perfect foresight make of the same load."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from control.backtest import csv_file, demo_history, foresight, picture, stored, trial
from control.backtest.csv_file import BadHistory
from control.backtest.history import History
from control.backtest.score import Prices, Score
from control.backtest.trial import Result, Trial
from control.models import Controller
from control.rules import loads
from control.rules.facts import Budget, Condition, Departure, Load, Plan
from control.ticking.known import load_of
from energysite import house as the_house
from energysite.management.commands._backup import Progress

KINDS = tuple(loads.KINDS)
# 6 A at 230 V: the least that a car takes.
LOAD_W = 1380
EVERY_DAY = range(1, 8)


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date; write it as 2026-07-31") from None


def minute(text: str) -> int:
    """Of the local day."""
    hour, colon, rest = text.partition(":")
    if not (colon and hour.isdigit() and rest.isdigit() and int(hour) < 24 and int(rest) < 60):
        raise ArgumentTypeError(f"{text!r} is no time of day; write it as 07:30")
    return int(hour) * 60 + int(rest)


def watts(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise ArgumentTypeError(f"{text!r} is no power; write watts, 1 to 100000")
    return int(text)


class Command(BaseCommand):
    help = (
        "Tries a load and its controller on a past, minute by minute in a closed loop with a model of the load: a CSV file"
        " `time,house_w,solar_w` (1 minute, the house without the load), or what is stored here. Beside ours: nothing, the plain"
        " threshold, the original's rule, evcc's rule (on after 60 s of surplus, off after 180 s without) and perfect foresight (a linear"
        " programme over quarters). Told of each: switches, kWh, kWh from the grid, month peaks and cost. Ours runs by the very rules that"
        " run live; `--controller` takes a stored controller's settings."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--csv", type=Path, metavar="FILE", help="time,house_w,solar_w; without it the stored history")
        where.add_argument("--day", choices=demo_history.NAMES, help="a fixed day of the demo house, or a year of it")
        parser.add_argument("--controller", metavar="NAME", help="with the settings of this controller; its own past is taken out first")
        parser.add_argument("--from", dest="since", type=day, metavar="DATE", help="the first day; without it a year back")
        parser.add_argument("--to", dest="until", type=day, metavar="DATE", help="the last day, itself included")
        parser.add_argument("--load-w", type=watts, metavar="W", help=f"power of the load ({LOAD_W}, or the controller's)")
        parser.add_argument("--kind", choices=KINDS, help="of the load (ev, or the controller's)")
        parser.add_argument("--kwh", type=float, metavar="N", help="a car that wants so much each day, by --by, and is home from --home on")
        parser.add_argument("--by", type=minute, default=minute("07:30"), metavar="HH:MM", help="when it leaves (07:30)")
        parser.add_argument("--home", type=minute, default=minute("17:30"), metavar="HH:MM", help="when it comes home (17:30)")
        parser.add_argument("--peak", choices=[one.value for one in Controller.Peak], help="may it raise the month peak (never)")
        parser.add_argument("--import-eur", type=float, default=Prices.import_kwh, metavar="EUR", help="a kWh from the grid (%(default)s)")
        parser.add_argument("--export-eur", type=float, default=Prices.export_kwh, metavar="EUR", help="a kWh into the grid (%(default)s)")
        parser.add_argument(
            "--peak-eur",
            type=float,
            default=Prices.peak_kw_year,
            metavar="EUR",
            help="a kW of the mean month peak for a year (%(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line for each rule")
        parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw it as well")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(self.stderr)
        try:
            found = self._trial(progress, options)
            results = trial.run(found, lambda name, done, of: progress(name, done, of, "minutes"))
        except (BadHistory, foresight.NoAnswer) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {str(error).strip()}") from error
        finally:
            progress.end()
        for note in found.history.notes:
            self.stderr.write(note, str)
        self._tell(found, results, options)

    def _trial(self, progress: Progress, options: dict[str, Any]) -> Trial:
        controller = _controller(options["controller"]) if options["controller"] else None
        load = _load(controller, options)
        house = the_house.current()
        if options["csv"]:
            history = csv_file.read(options["csv"], house.zone, lambda rows: progress("file", rows, 0))
            history = _days(history, options["since"], options["until"])
        elif options["day"]:
            history = demo_history.history(options["day"], lambda done, of: progress("demo house", done, of, "days"))
            history = _days(history, options["since"], options["until"])
        else:
            history = stored.read(options["since"], options["until"], house, controller, timezone.now())
        stays = _stays(history, load, options)
        if stays and not isinstance(load.strategy, Plan):
            load = _planned(load, stays, options)
        prices = Prices(options["import_eur"], options["export_eur"], options["peak_eur"])
        return Trial(history, load, stays, prices, house.own_peak_w or 0)

    def _tell(self, found: Trial, results: Sequence[Result], options: dict[str, Any]) -> None:
        scores = [result.score for result in results]
        if options["json"]:
            for one in scores:
                self.stdout.write(json.dumps(_plain(one, scores)))
        else:
            for line in table(found, scores):
                self.stdout.write(line)
        if options["picture"]:
            try:
                options["picture"].write_text(picture.svg(found.history, results, _title(found)))
            except OSError as error:
                raise CommandError(f"{options['picture']}: {error.strerror}") from error


def _controller(name: str) -> Controller:
    try:
        return Controller.objects.select_related("output").get(name=name)
    except ObjectDoesNotExist:
        known = ", ".join(Controller.objects.order_by("name").values_list("name", flat=True)) or "there is none"
        raise BadHistory(f"There is no controller named {name}; known: {known}.") from None


def _load(controller: Controller | None, options: dict[str, Any]) -> Load:
    """A stored controller's, or a new one's with its kind's defaults, by energy; what the command says goes before both."""
    if controller is not None:
        load = load_of(controller)
        if isinstance(load.strategy, Condition):
            raise BadHistory(f"{controller.name} follows an analog signal, and a history holds none: there is nothing to try it on.")
        changes = {"kind": options["kind"], "load_w": options["load_w"], "peak": options["peak"]}
        return replace(load, **{name: value for name, value in changes.items() if value is not None})
    kind = loads.KINDS[options["kind"] or "ev"]
    load_w = options["load_w"] or LOAD_W
    return Load(
        id=1,
        name=kind.name,
        kind=kind.name,
        load_w=load_w,
        rated_w=2 * load_w,
        strategy=Budget(),
        min_on_s=kind.min_on_s,
        min_off_s=kind.min_off_s,
        peak=options["peak"] or "never",
    )


def _days(history: History, since: date | None, until: date | None) -> History:
    """Raises BadHistory where none of the file's days is asked for."""
    days = [
        one
        for one in history.days
        if (since is None or one.label >= since.isoformat()) and (until is None or one.label <= until.isoformat())
    ]
    if not days:
        raise BadHistory(f"The file holds {history.days[0].label} to {history.days[-1].label}: none of the days that were asked for.")
    return history.part(days[0].first, days[-1].until)


def _stays(history: History, load: Load, options: dict[str, Any]) -> tuple[Any, ...]:
    """Of a car: as the command says, else as its plan does; each departure's car has been home since --home of the evening before."""
    if options["kwh"] is not None:
        if options["kwh"] <= 0:
            raise BadHistory("--kwh is what the car wants each day: more than 0.")
        return trial.stays_by_day(history, options["kwh"], options["home"], options["by"])
    if load.kind != "ev" or not isinstance(load.strategy, Plan):
        return ()
    stays = [
        stay
        for departure in load.strategy.departures
        for stay in trial.stays_by_day(history, departure.kwh, options["home"], departure.by_min, frozenset({departure.day}))
    ]
    return tuple(sorted(stays, key=lambda stay: stay.comes))


def _planned(load: Load, stays: Sequence[Any], options: dict[str, Any]) -> Load:
    departures = tuple(Departure(weekday, options["by"], options["kwh"]) for weekday in EVERY_DAY)
    sun = load.strategy if isinstance(load.strategy, Budget) else Budget()
    return replace(load, strategy=Plan(departures, sun))


def _plain(one: Score, scores: Sequence[Score]) -> dict[str, Any]:
    """Names of the contract first; the rest may grow."""
    told = {
        "name": one.name,
        "switches": one.switches,
        "kwh": round(one.kwh, 3),
        "grid_kwh": round(one.grid_kwh, 3),
        "month_peaks_w": list(one.peaks_w.values()),
        "cost_eur": round(one.cost_eur, 2),
        "switches_a_day": None if one.switches_a_day is None else round(one.switches_a_day, 2),
        "solar_kwh": round(one.solar_kwh, 3),
        "missing_kwh": round(one.missing_kwh, 3),
        "import_kwh": round(one.import_kwh, 3),
        "export_kwh": round(one.export_kwh, 3),
        "months": list(one.peaks_w),
    }
    saving = _saving_pct(one, scores)
    return told if saving is None else {**told, "peak_saving_pct": round(saving, 1)}


def _saving_pct(one: Score, scores: Sequence[Score]) -> float | None:
    """Of the month peaks, beside the load that nobody controls; None without such a one."""
    by_name = {score.name: score for score in scores}
    if "always" not in by_name or "foresight" not in by_name:
        return None
    return trial.peak_saving_pct(by_name["always"], one, by_name["foresight"])


def _title(found: Trial) -> str:
    days = found.history.days
    span = days[0].label if len(days) == 1 else f"{days[0].label} to {days[-1].label}"
    return f"{found.load.name}: {found.load.load_w:,} W, {span}"


def table(found: Trial, scores: Sequence[Score]) -> list[str]:
    """Lines for a terminal."""
    head = ("", "switches", "a day", "kWh", "from grid", "of it", "missing", "mean peak", "saving", "cost EUR")
    rows = [head]
    for one in scores:
        saving = _saving_pct(one, scores)
        mean_peak = sum(one.peaks_w.values()) / max(1, len(one.peaks_w))
        rows.append(
            (
                one.name,
                "-" if one.switches is None else f"{one.switches:,}",
                "-" if one.switches_a_day is None else f"{one.switches_a_day:.1f}",
                f"{one.kwh:.2f}",
                f"{one.grid_kwh:.2f}",
                f"{100 * one.grid_kwh / one.kwh:.1f} %" if one.kwh else "-",
                f"{one.missing_kwh:.2f}",
                f"{mean_peak:,.0f} W",
                "-" if saving is None else f"{saving:.0f} %",
                f"{one.cost_eur:.2f}",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [_title(found), f"{found.history.known:,} minutes measured of {found.history.minutes:,}", ""]
    lines += [
        "  ".join(cell.ljust(width) if not i else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    return lines
