"""The house's own past as a history, and the command."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from control.backtest import stored
from control.backtest.csv_file import BadHistory, rows_of
from control.backtest.history import History
from control.models import Controller, ControllerDay, Switch
from energysite import agents
from energysite.models import House
from meters.models import AnalogInput, Block, Source
from tests.control.ticking.house import make_controller
from tests.meters.rows import make_meter, make_source

pytestmark = pytest.mark.django_db

DAY = date(2026, 7, 13)
# Its local midnight in Brussels.
MIDNIGHT = datetime(2026, 7, 12, 22, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=26)


def block(source: Source, minute: int, length_s: int, **values: Any) -> Block:
    start = MIDNIGHT + timedelta(minutes=minute)
    end = start + timedelta(seconds=length_s)
    return Block(source=source, start=start, end=end, length_s=length_s, state="closed", covered_s=length_s, **values)


def sun() -> Source:
    return Source.objects.create(kind="production", medium="solar", name="Roof", serial="r")


def grid() -> Source:
    return make_source(make_meter())


def read(controller: Controller | None = None) -> History:
    return stored.read(DAY, DAY, House(), controller, NOW)


def test_minutes_come_from_minutes_where_they_are_and_from_quarters_elsewhere() -> None:
    meter, roof = grid(), sun()
    Block.objects.bulk_create(
        [
            block(meter, 720, 900, energy1=200, energy2=0, energy3=50, energy4=0, mean1=1),
            block(meter, 735, 900, energy1=0, energy2=0, energy3=500, energy4=0, mean1=1),
            *(block(meter, 720 + i, 60, energy1=10, energy3=0, mean1=1000 + i) for i in range(5)),
            block(roof, 720, 900, energy1=250, mean1=1),
            block(roof, 735, 900, energy1=600, mean1=1),
        ]
    )
    history = read()
    assert (history.start, history.minutes) == (int(MIDNIGHT.timestamp()), 1440)
    assert history.solar_w[720:750] == [1000.0] * 15 + [2400.0] * 15
    assert history.house_w[720:725] == [2000.0, 2001.0, 2002.0, 2003.0, 2004.0], "net and sun"
    assert history.house_w[725:735] == [1600.0] * 10, "150 Wh more import than export in a quarter are 600 W"
    assert history.house_w[735:750] == [400.0] * 15
    assert history.house_w[719] is None and history.house_w[750] is None
    assert any("quarter" in note for note in history.notes)


def test_at_night_an_inverter_that_is_off_makes_nothing_and_by_day_its_silence_is_no_zero() -> None:
    meter, roof = grid(), sun()
    Block.objects.bulk_create([block(meter, at, 900, energy1=100, energy3=0) for at in (60, 720)])
    Block.objects.bulk_create([block(roof, 735, 900, energy1=100)])
    history = read()
    assert history.house_w[60:75] == [400.0] * 15
    assert history.house_w[720:735] == [None] * 15


def test_what_a_battery_gave_was_used_and_what_it_took_was_not() -> None:
    meter = grid()
    battery = Source.objects.create(kind="battery", medium="battery", name="Battery", serial="b")
    Block.objects.bulk_create([block(meter, 720, 900, energy1=100, energy3=0), block(meter, 735, 900, energy1=300, energy3=0)])
    Block.objects.bulk_create([block(battery, 720, 900, energy1=0, energy2=50), block(battery, 735, 900, energy1=200, energy2=0)])
    assert (read().house_w[720], read().house_w[735]) == (600.0, 400.0)


def test_the_loads_own_past_is_taken_out_first_as_far_as_it_was_measured() -> None:
    meter, car = grid(), make_controller("Car", load="ev", load_w=1400)
    Block.objects.bulk_create([block(meter, 720 + i, 60, energy1=0, mean1=300 + (1200 if i < 30 else 0)) for i in range(60)])
    for minute, level in ((720, 1), (750, 0), (755, 1), (760, 0)):  # the second time it was full: nothing to take out
        Switch.objects.create(output=car.output, time=MIDNIGHT + timedelta(minutes=minute), level=level, cause="leased")
    ControllerDay.objects.create(controller=car, local_date=DAY, energy_wh=600)
    history = read(car)
    assert history.house_w[720:780] == pytest.approx([300.0] * 60)
    assert any("0.6 kWh" in note for note in history.notes)


def test_without_a_meter_or_a_past_there_is_nothing_to_try_anything_on() -> None:
    with pytest.raises(BadHistory, match="No meter"):
        read()
    grid()
    with pytest.raises(BadHistory, match="Nothing was measured"):
        read()


# The command.


def backtest(*arguments: str) -> str:
    out = io.StringIO()
    call_command("backtest", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "day.csv"
    solar = [0.0] * 360 + [2500.0] * 240 + [0.0] * 840
    path.write_text("".join(rows_of(History(int(MIDNIGHT.timestamp()), [250.0] * 1440, solar))))
    return path


def test_the_command_tells_a_json_object_a_line_for_each_rule(file: Path) -> None:
    told = [json.loads(line) for line in backtest("--csv", str(file), "--load-w", "1400", "--kind", "ev", "--json").splitlines()]
    assert [one["name"] for one in told] == ["nothing", "threshold", "original", "evcc", "ours", "foresight"]
    for one in told:
        assert list(one)[:6] == ["name", "switches", "kwh", "grid_kwh", "month_peaks_w", "cost_eur"]
    ours = told[-2]
    assert (ours["switches"], len(ours["month_peaks_w"])) == (2, 1)
    assert ours["kwh"] == pytest.approx(4 * 1.4, rel=0.05)


def test_the_command_prints_a_table_and_draws_a_picture(file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "day.svg"
    lines = backtest("--csv", str(file), "--picture", str(picture)).splitlines()
    assert "1,380 W" in lines[0]
    assert [line.split()[0] for line in lines[4:]] == ["nothing", "threshold", "original", "evcc", "ours", "foresight"]
    assert picture.read_text().startswith("<svg")


def test_the_command_takes_a_stored_controllers_settings(file: Path) -> None:
    make_controller("Pump", load="pump", load_w=2000, strategy="threshold", upper_w=3000)
    ours = json.loads(backtest("--csv", str(file), "--controller", "Pump", "--json").splitlines()[-2])
    assert (ours["name"], ours["switches"]) == ("ours", 0), "2,250 W of surplus never reach its 3,000 W"


def test_a_car_that_wants_so_much_each_morning_is_scored_by_its_peaks_too(tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text("".join(rows_of(History(int(MIDNIGHT.timestamp()), [1200.0] * 2880, [0.0] * 2880))))
    told = [json.loads(line) for line in backtest("--csv", str(path), "--kwh", "5", "--load-w", "2300", "--json").splitlines()]
    assert [one["name"] for one in told][:2] == ["nothing", "always"]
    ours = told[-2]
    assert ours["peak_saving_pct"] >= 95 and ours["missing_kwh"] <= 0.2 and max(ours["month_peaks_w"]) <= 2500


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--csv", "nowhere.csv"], "No such file"),
        (["--controller", "Boat"], "There is no controller named Boat"),
        (["--csv", "{file}", "--from", "2030-01-01"], "none of the days"),
        (["--csv", "{file}", "--kwh", "-1"], "more than 0"),
        (["--csv", "{file}", "--picture", "/nowhere/x.svg"], "No such file"),
        (["--csv", "{file}", "--load-w", "1.5"], "no power"),
        (["--csv", "{file}", "--load-w", "0"], "no power"),
        (["--csv", "{file}", "--kind", "freezer"], "invalid choice"),
        (["--csv", "{file}", "--from", "13/7"], "no date"),
        (["--csv", "{file}", "--kwh", "5", "--by", "25:00"], "no time of day"),
        (["--csv", "{file}", "--day", "cloudy"], "not allowed"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(file: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        backtest(*(word.format(file=file) for word in arguments))


def test_a_controller_that_follows_an_analog_signal_has_no_past_to_be_tried_on(file: Path) -> None:
    signal = agents.create(AnalogInput, name="Cellar")
    make_controller("Fan", strategy="signal", signal=signal)
    with pytest.raises(CommandError, match="a history holds none"):
        backtest("--csv", str(file), "--controller", "Fan")
