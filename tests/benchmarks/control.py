"""Controllers on the demo house's past: its fixed cloudy day beside others' rules, a year's replay, and a year of an electric car's peaks.

The load of the cloudy day is a car at 6 A, 1,380 W: larger on/off loads cannot meet the three targets of that day by any rule, as a dynamic
programme over the day known beforehand shows. The car of the year takes 16 A and wants 20 kWh each morning, which hardly fits below
2,500 W at night; beside it one of 10 A that wants 14 kWh.
"""

import time
from collections.abc import Callable, Iterator

from control.backtest import demo_history, trial
from control.backtest.csv_file import of_lines, rows_of
from control.backtest.history import History
from control.backtest.score import Score
from control.backtest.trial import OURS, Trial
from control.rules.facts import Budget, Departure, Load, Plan
from tests.benchmarks.figures import Figure, figure

CAR_W = 1380
HOME_MIN, LEAVES_MIN = 17 * 60 + 30, 7 * 60 + 30
QUICK_DAYS = 60
CARS = ((3680, 20.0), (2300, 14.0))


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    say("the demo's cloudy day under each rule")
    yield from cloudy_day()
    say("the demo's year, minute by minute")
    year = demo_history.history(demo_history.YEAR)
    if quick:
        year = year.part(0, year.days[QUICK_DAYS].first)
    yield from replay(year, say)
    for load_w, kwh in CARS:
        say(f"a car of {load_w} W that wants {kwh:g} kWh each morning")
        yield from peaks(year, load_w, kwh)


def cloudy_day() -> Iterator[Figure]:
    scores = by_name(Trial(demo_history.history("cloudy"), sun_load()))
    ours, evcc = scores[OURS], scores["evcc"]
    others = ", ".join(f"{name} {scores[name].switches}" for name in ("threshold", "original", "evcc"))
    most = min(8, (evcc.switches or 0) / 4)
    yield figure("control: switches on the cloudy day", ours.switches, "", f"<= {most:g}", others)
    for name, unit, value, target in (
        ("kWh on the cloudy day", "kWh", lambda one: one.kwh, f">= {1.02 * evcc.kwh:.4f}"),
        ("from the grid on the cloudy day", "% of the load's", lambda one: 100 * one.grid_kwh / one.kwh, "<= 7"),
    ):
        beside = ", ".join(f"{other} {value(scores[other]):.2f}" for other in ("threshold", "original", "evcc", "foresight"))
        yield figure(f"control: {name}", value(ours), unit, target, beside)


def replay(year: History, say: Callable[[str], None]) -> Iterator[Figure]:
    """From the file's text to ours and all the others scored; a shorter history counts as the part of a year that it is."""
    lines = list(rows_of(year))
    begun = time.monotonic()
    history = of_lines(lines, year.zone)
    scores = by_name(Trial(history, sun_load()))
    took_s = (time.monotonic() - begun) * 525_600 / history.minutes
    begun = time.monotonic()
    trial.ours(Trial(history, sun_load()))
    ours_s = (time.monotonic() - begun) * 525_600 / history.minutes
    yield figure("control: a year replayed, all rules from the CSV on", took_s, "s", "<= 60", f"ours alone {ours_s:.0f} s")
    ours, evcc = scores[OURS], scores["evcc"]
    yield figure("control: switches a day over the year", ours.switches_a_day, "", "", f"evcc {evcc.switches_a_day:.1f}")
    yield figure("control: kWh over the year", ours.kwh, "kWh", "", f"evcc {evcc.kwh:.0f}, foresight {scores['foresight'].kwh:.0f}")
    share, beside = (100 * one.grid_kwh / one.kwh for one in (ours, evcc))
    yield figure("control: from the grid over the year", share, "% of the load's", "", f"evcc {beside:.1f}")


def peaks(year: History, load_w: int, kwh: float) -> Iterator[Figure]:
    stays = trial.stays_by_day(year, kwh, HOME_MIN, LEAVES_MIN)
    plan = Plan(tuple(Departure(day, LEAVES_MIN, kwh) for day in range(1, 8)))
    load = Load(1, "car", kind="ev", load_w=load_w, rated_w=2 * load_w, strategy=plan)
    scores = by_name(Trial(year, load, stays))
    always, ours, best = scores["always"], scores[OURS], scores["foresight"]
    saved = trial.peak_saving_pct(always, ours, best)
    late, latest = (100 * one.missing_kwh / (len(stays) * kwh) for one in (ours, best))
    beside = (
        f"paid peaks, mean: uncontrolled {_mean_w(always):.0f} W, ours {_mean_w(ours):.0f} W, best {_mean_w(best):.0f} W;"
        f" not charged in time {late:.2f} %, best {latest:.2f} %"
    )
    yield figure(f"control: share of the achievable peak saving, car of {load_w} W, {kwh:g} kWh a day", saved, "%", ">= 85", beside)
    yield figure(
        f"control: switches a day, car of {load_w} W", ours.switches_a_day, "", "", "below its own limit it runs part of each quarter"
    )


def _mean_w(one: Score) -> float:
    return one.payable_w / len(one.peaks_w)


def sun_load() -> Load:
    return Load(1, "car", kind="ev", load_w=CAR_W, rated_w=1800, strategy=Budget())


def by_name(tried: Trial) -> dict[str, Score]:
    return {result.score.name: result.score for result in trial.run(tried)}
