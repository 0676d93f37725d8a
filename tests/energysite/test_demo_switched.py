"""What is switched on in the demo house is seen by its meter: to the watt, to the Wh, and after any end of the program."""

import json
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from energysite.demo.appliances import Constant
from energysite.demo.calendar import QUARTER_S, midnight
from energysite.demo.contacts import Contact
from energysite.demo.ledger import WH
from energysite.demo.model import House, Reading
from energysite.demo.moves import COUNTERS, RECORD_BYTES, Moves
from energysite.demo.switched import SwitchedHouse
from energysite.demo.telegram import telegram
from meters.p1.decoder import decode
from tests.energysite import demo

DAY = date(2026, 5, 13)
NOON = midnight(DAY) + 12 * 3600
PLAIN = House(demo.young(DAY))


def contacts() -> dict[str, Contact]:
    return {
        "car": Contact(Constant("car", 2300, 0), lambda: 0.0),
        "heater": Contact(Constant("heater", 600, 2), lambda: 0.0),
    }


def switched(folder: Path | None = None) -> SwitchedHouse:
    return SwitchedHouse(PLAIN.ledger, Moves(folder), contacts())


def run(house: SwitchedHouse, first: int, last: int) -> list[Reading]:
    found = []
    for at in range(first, last + 1):
        house.advance(at)
        found.append(house.reading(at))
    return found


def energy_wh(reading: Reading) -> int:
    """Import less export."""
    return reading.import_t1_wh + reading.import_t2_wh - reading.export_t1_wh - reading.export_t2_wh


def test_a_house_in_which_nothing_is_on_tells_the_recipe_to_the_byte() -> None:
    house = switched()
    for at in (NOON, NOON + 1, NOON + 700):
        house.advance(at)
        assert telegram(house, at) == telegram(PLAIN, at)


def test_the_power_of_a_plug_stands_on_its_phase_in_the_very_second() -> None:
    house = switched()
    house.advance(NOON)
    house.contacts["car"].switch(True, "http")
    house.advance(NOON + 1)
    told, recipe = decode(telegram(house, NOON + 1)), PLAIN.reading(NOON + 1)
    assert told.import_w - told.export_w == recipe.net_w + 2300  # type: ignore[operator]
    assert house.reading(NOON + 1).phase_w == (recipe.phase_w[0] + 2300, *recipe.phase_w[1:])
    house.contacts["car"].switch(False, "http")
    house.advance(NOON + 2)
    assert house.reading(NOON + 2).net_w == PLAIN.reading(NOON + 2).net_w


def test_counters_move_by_exactly_what_was_drawn_and_the_sun_is_used_in_the_house_first() -> None:
    house, plain = switched(), PLAIN
    first = run(house, NOON, NOON)[0]
    house.contacts["car"].switch(True, "http")
    house.contacts["heater"].switch(True, "http")
    told = run(house, NOON + 1, NOON + 3600)
    drawn_wh = 2900
    assert energy_wh(told[-1]) - energy_wh(first) == pytest.approx(
        energy_wh(plain.reading(NOON + 3600)) - energy_wh(first) + drawn_wh, abs=2
    )
    imported = sum(max(0, one.net_w) for one in told) / WH
    assert told[-1].import_t1_wh - first.import_t1_wh == pytest.approx(imported, abs=1)
    for before, after in pairwise([first, *told]):
        moved = energy_wh(after) - energy_wh(before)
        assert abs(moved - after.net_w / WH) <= 2
        assert after.import_t1_wh >= before.import_t1_wh and after.export_t1_wh >= before.export_t1_wh
    assert told[-1].export_t1_wh - first.export_t1_wh < plain.reading(NOON + 3600).export_t1_wh - first.export_t1_wh


def test_the_night_counts_on_the_register_of_the_night() -> None:
    house, evening = switched(), midnight(DAY) + 22 * 3600
    before = run(house, evening - 10, evening - 10)[0]
    house.contacts["heater"].switch(True, "http")
    told = run(house, evening - 9, evening + 600)
    plain = PLAIN.reading(evening + 600)
    assert told[-1].import_t1_wh - plain.import_t1_wh in (1, 2)
    assert told[-1].import_t2_wh - plain.import_t2_wh == pytest.approx(100, abs=1)
    assert before.import_t2_wh == PLAIN.reading(evening - 10).import_t2_wh


def test_the_running_quarter_and_the_month_peak_hold_what_was_switched() -> None:
    house, begin = switched(), NOON + QUARTER_S
    before = PLAIN.month_peak(begin)
    house.advance(begin)
    house.contacts["car"].appliance.watts = 12_000  # type: ignore[attr-defined]
    house.contacts["car"].switch(True, "http")
    told = run(house, begin + 1, begin + QUARTER_S)
    for reading in (told[0], told[449], told[-2]):
        imported = sum(max(0, one.net_w) for one in told[: reading.at - begin])
        assert reading.quarter_w == imported // QUARTER_S
    peak = house.month_peak(begin + QUARTER_S)
    assert told[-1].quarter_w == 0
    assert peak.end == begin + QUARTER_S
    assert peak.w == sum(max(0, one.net_w) for one in told) // QUARTER_S > before.w
    later = midnight(date(2026, 6, 3)) + 60
    assert house.past_peaks(later)[-1] == peak
    assert house.month_peak(later).w == PLAIN.month_peak(later).w


def test_after_kill_9_its_counters_go_on_and_what_happened_meanwhile_is_told_as_it_was(tmp_path: Path) -> None:
    killed = switched(tmp_path)
    killed.advance(NOON)
    killed.contacts["car"].switch(True, "http")
    last = run(killed, NOON + 1, NOON + 2000)[-1]
    again = switched(tmp_path)
    assert not again.contacts["car"].on
    assert again.contacts["car"].energy_ws == killed.contacts["car"].energy_ws == 2000 * 2300
    later = NOON + 9000
    again.advance(later)
    plain = PLAIN.reading(later)
    extra = energy_wh(last) - energy_wh(PLAIN.reading(NOON + 2000))
    assert energy_wh(again.reading(later)) - energy_wh(plain) == pytest.approx(extra, abs=2)
    assert again.reading(later).net_w == plain.net_w
    # A reading that nobody stored: before, in the middle of and after what was switched.
    past = SwitchedHouse(PLAIN.ledger, again.moves)
    assert past.reading(NOON - 10) == PLAIN.reading(NOON - 10)
    assert energy_wh(past.reading(NOON + 900)) == pytest.approx(energy_wh(killed_at(NOON + 900)), abs=2)
    assert energy_wh(past.reading(NOON + 5000)) - energy_wh(PLAIN.reading(NOON + 5000)) == pytest.approx(extra, abs=2)


def test_while_it_stood_still_in_the_middle_of_a_quarter_nothing_moved(tmp_path: Path) -> None:
    first = switched(tmp_path)
    first.advance(NOON)
    first.contacts["car"].switch(True, "http")
    last = run(first, NOON + 1, NOON + 300)[-1]
    again = switched(tmp_path)
    again.advance(NOON + 400)
    again.contacts["car"].switch(True, "http")
    after = run(again, NOON + 401, NOON + 600)[-1]
    past = SwitchedHouse(PLAIN.ledger, again.moves)
    pause = [past.reading(NOON + second) for second in range(300, 401, 10)]
    for before, later in pairwise([last, *pause, after]):
        assert later.import_t1_wh >= before.import_t1_wh and later.export_t1_wh >= before.export_t1_wh
    added = [energy_wh(one) - energy_wh(PLAIN.reading(one.at)) for one in (last, *pause)]
    assert max(added) - min(added) <= 2


def killed_at(at: int) -> Reading:
    house = switched()
    house.advance(NOON)
    house.contacts["car"].switch(True, "http")
    return run(house, NOON + 1, at)[-1]


def test_readings_of_the_past_never_fall_however_often_it_was_switched(tmp_path: Path) -> None:
    house = switched(tmp_path)
    for at in range(NOON, NOON + 6 * QUARTER_S):
        if at % 1700 == 0:
            house.contacts["car"].press()
        house.advance(at)
    past = SwitchedHouse(PLAIN.ledger, Moves(tmp_path))
    told = [past.reading(at) for at in range(NOON - 600, NOON + 8 * QUARTER_S, 60)]
    for before, after in pairwise(told):
        assert after.import_t1_wh >= before.import_t1_wh and after.export_t1_wh >= before.export_t1_wh
    assert len(house.moves.past) <= 2 * 6


def test_half_a_last_line_and_an_empty_file_are_no_harm(tmp_path: Path) -> None:
    moves = Moves(tmp_path)
    for at in range(QUARTER_S, 4 * QUARTER_S, 100):
        moves.move(at, [100] * COUNTERS)
    moves.keep()
    log = tmp_path / "switched-own.log"
    log.write_text(log.read_text() + "[99999, 1")
    again = Moves(tmp_path)
    assert (again.past, again.total, again.at) == (moves.past, moves.total, moves.at)
    assert (tmp_path / "switched-own.json").stat().st_size == RECORD_BYTES
    assert json.loads((tmp_path / "switched-own.json").read_text())["total"] == moves.total


def test_a_cloud_takes_the_sun_from_meter_and_inverters_alike() -> None:
    house = switched()
    before = run(house, NOON, NOON)[0]
    house.sky.sun_w, house.sky.sun_until = 4000, NOON + 1000
    clear = run(house, NOON + 1, NOON + 1)[0]
    assert [house.made((part,), NOON + 1).power_w for part in range(3)] == [2400, 960, 640]
    house.sky.pct, house.sky.cloud_until = 10, NOON + 600
    cloudy = run(house, NOON + 2, NOON + 2)[0]
    assert house.made((0, 1, 2), NOON + 2).power_w == 400
    model = PLAIN.made((0, 1, 2), NOON + 1).power_w
    assert clear.net_w - PLAIN.reading(NOON + 1).net_w == model - 4000
    assert cloudy.net_w - PLAIN.reading(NOON + 2).net_w == PLAIN.made((0, 1, 2), NOON + 2).power_w - 400
    assert run(house, NOON + 3, NOON + 700)[-1].net_w - PLAIN.reading(NOON + 700).net_w == PLAIN.made((0, 1, 2), NOON + 700).power_w - 4000
    made = [house.made((0,), at) for at in (NOON + 700, NOON + 701, NOON + 702)]
    assert len({one.total_wh for one in made}) == 1
    run(house, NOON + 701, NOON + 1100)
    assert house.made((0, 1, 2), NOON + 1100).power_w == PLAIN.made((0, 1, 2), NOON + 1100).power_w
    assert before.at == NOON


def test_an_inverters_counter_never_falls_under_a_cloud() -> None:
    house: House = switched()
    house.sky.pct, house.sky.cloud_until = 0, NOON + 300  # type: ignore[attr-defined]
    told = []
    for at in range(NOON, NOON + 400):
        house.advance(at)
        told += [house.made((0,), at), house.made((0,), at + 1)]
    for before, after in pairwise(told):
        assert after.total_wh >= before.total_wh and after.day_wh >= before.day_wh and after.year_wh >= before.year_wh
    assert told[400].power_w == 0


def test_what_an_earlier_program_still_writes_does_no_harm(tmp_path: Path) -> None:
    early = Moves(tmp_path)
    early.move(NOON, [100] * COUNTERS)
    early.keep()
    late = Moves(tmp_path)
    late.move(NOON + 1, [100] * COUNTERS)
    late.keep()
    early.close()
    again = Moves(tmp_path)
    assert (again.at, again.total) == (NOON + 1, [200] * COUNTERS)
    late.close()
    again.close()
