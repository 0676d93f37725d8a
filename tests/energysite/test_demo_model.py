"""The demo house is one physical model: what its counters say is what its power did."""

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from energysite.demo.calendar import NAMED_DAYS, local, midnight, month_start, next_day
from energysite.demo.ledger import EPOCH, Ledger
from energysite.demo.loads import Always
from energysite.demo.model import House
from energysite.demo.profile import Day, Panels, Recipe
from energysite.demo.sun import position
from tests.energysite import demo

pytestmark = pytest.mark.slow

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.fixture(scope="module")
def house() -> House:
    return demo.house()


@pytest.mark.parametrize("day", [date(2026, 1, 5), SPRING, date(2026, 6, 21), AUTUMN, date(2025, 11, 30)])
def test_each_counter_moves_by_the_integral_of_the_power_to_1_wh(house: House, day: date) -> None:
    begin, end = midnight(day), midnight(next_day(day))
    hours = {SPRING: 23, AUTUMN: 25}.get(day, 24)
    assert end - begin == hours * 3600
    imported, exported = {1: 0, 2: 0}, {1: 0, 2: 0}
    for second in range(begin, end):
        power = house.net_w(second)
        register = 1 if day.weekday() < 5 and 7 <= local(second).hour < 22 else 2
        (imported if power > 0 else exported)[register] += abs(power)
    assert house.day(day).energy_ws(end - begin) == (sum(imported.values()), sum(exported.values()))
    first, last = house.reading(begin), house.reading(end)
    moved = [
        last.import_t1_wh - first.import_t1_wh,
        last.import_t2_wh - first.import_t2_wh,
        last.export_t1_wh - first.export_t1_wh,
        last.export_t2_wh - first.export_t2_wh,
    ]
    expected = [imported[1] / 3600, imported[2] / 3600, exported[1] / 3600, exported[2] / 3600]
    assert moved == pytest.approx(expected, abs=1)
    assert sum(moved) > 3000


def test_power_is_what_the_counters_moved_within_any_second_around_midnight_and_a_tariff_change(house: House) -> None:
    for moment in (midnight(AUTUMN), midnight(date(2026, 5, 5)), midnight(date(2026, 5, 5)) + 7 * 3600, midnight(EPOCH)):
        day = house.day(local(moment - 20).date())
        for at in range(moment - 15, moment):
            imported, exported = (b - a for a, b in zip(day.energy_ws(at - day.start), day.energy_ws(at + 1 - day.start), strict=True))
            assert imported - exported == house.net_w(at) == house.reading(at + 1).net_w
            assert not (imported and exported)


def test_phases_add_up_and_fit_the_grid(house: House) -> None:
    begin = midnight(date(2026, 6, 21))
    for at in range(begin, begin + 86400, 61):
        reading = house.reading(at)
        assert sum(reading.phase_w) == reading.net_w == reading.import_w - reading.export_w
        assert all(2150 < dv < 2510 for dv in reading.phase_dv)
        assert all(abs(ca * dv / 1000 - abs(w)) < 70 for ca, dv, w in zip(reading.phase_ca, reading.phase_dv, reading.phase_w, strict=True))


def test_a_house_evaluated_afresh_in_any_order_says_the_same(house: House) -> None:
    moments = [midnight(AUTUMN) + 3 * 3600 + 17, midnight(date(2026, 2, 3)) + 43210, midnight(date(2026, 7, 8))]
    before = [house.reading(at) for at in moments]
    fresh = House(Ledger(Recipe()))
    assert [fresh.reading(at) for at in reversed(moments)] == before[::-1]
    assert fresh.past_peaks(moments[0]) == house.past_peaks(moments[0])


def test_counters_go_on_from_the_sums_kept_on_disk(house: House, tmp_path) -> None:
    at = midnight(date(2026, 3, 10)) + 12345
    first = Ledger(Recipe(), tmp_path)
    steps = []
    first.prepare(local(at).date(), lambda done, of: steps.append((done, of)))
    assert steps[-1][0] == steps[-1][1] > 365
    assert len(list(tmp_path.iterdir())) == 1
    again = Ledger(Recipe(), tmp_path)
    again.prepare(local(at).date(), lambda done, of: pytest.fail("computed again"))
    kept = House(again)
    assert kept.reading(at) == house.reading(at)
    assert kept.past_peaks(at) == house.past_peaks(at)
    assert Ledger(Recipe(seed=2), tmp_path).days == {}, "another house has sums of its own"


def test_gas_and_water_tell_their_counters_every_five_minutes_and_never_go_back(house: House) -> None:
    begin = midnight(date(2026, 1, 14))
    before = house.reading(begin)
    for at in range(begin + 1, begin + 2 * 86400, 97):
        now = house.reading(at)
        for volume, earlier in ((now.gas, before.gas), (now.water, before.water)):
            assert volume.at == at - at % 300
            assert volume.litres >= earlier.litres
        before = now
    assert 8000 < before.gas.litres - house.reading(begin).gas.litres < 25000, "two winter days heat"
    assert 300 < before.water.litres - house.reading(begin).water.litres < 1000


def test_quarter_demand_is_the_energy_of_the_running_quarter_over_900_s(house: House) -> None:
    begin = midnight(date(2026, 11, 4)) + 18 * 3600
    drawn = 0
    assert house.reading(begin).quarter_w == 0
    for at in range(begin, begin + 899):
        drawn += max(0, house.net_w(at))
        assert house.reading(at + 1).quarter_w == drawn // 900
    assert house.reading(begin + 900).quarter_w == 0


def test_thirteen_past_peaks_and_the_running_one_are_the_highest_quarters_of_their_months(house: House) -> None:
    at = midnight(date(2026, 11, 20)) + 70000
    peaks = house.past_peaks(at)
    assert [peak.month for peak in peaks] == [month_start(2025, 10 + i) for i in range(13)]
    for peak in (peaks[0], peaks[5], house.month_peak(at)):
        following = month_start(peak.month.year, peak.month.month + 1)
        best, best_end, day = 0, 0, peak.month
        while day < following and midnight(day) < at:
            profile = Day(Recipe(), day)
            for quarter in range(profile.start, midnight(next_day(day)), 900):
                if quarter + 900 > at:
                    break
                steps = profile.net_w[(quarter - profile.start) // 10 : (quarter - profile.start) // 10 + 90]
                drawn = 10 * sum(max(0, w) for w in steps)
                if drawn > best:
                    best, best_end = drawn, quarter + 900
            day = next_day(day)
        assert (peak.w, peak.end) == (best // 900, best_end)
        assert peak.w > 2500


def test_a_month_begins_without_a_peak_and_takes_its_first_quarter_when_that_has_ended(house: House) -> None:
    begin = midnight(date(2026, 12, 1))
    assert (house.month_peak(begin).w, house.month_peak(begin).end) == (0, 0)
    assert house.month_peak(begin + 899).end == 0
    first = house.month_peak(begin + 900)
    assert first.end == begin + 900
    assert first.w > 0


@pytest.mark.parametrize("name", NAMED_DAYS)
def test_a_named_day_is_the_same_in_every_house_and_on_every_date(name: str) -> None:
    own = Day(Recipe(seed=7), NAMED_DAYS[name])
    repeated = Day(Recipe(seed=8, repeat=name), date(2026, 9, 2))
    assert repeated.solar_w == own.solar_w
    assert repeated.gas_ml == own.gas_ml


def test_named_days_have_the_sky_they_are_called_after() -> None:
    solar = {name: Day(Recipe(), day).solar_w for name, day in NAMED_DAYS.items()}
    assert sum(solar["clear"]) / 360_000 > 25, "kWh of a clear day in June"
    assert sum(solar["overcast"]) / 360_000 < 3
    jumps = {name: sum(abs(b - a) > 300 for a, b in pairwise(made)) for name, made in solar.items()}
    assert jumps["cloudy"] > 20 > jumps["clear"]


def test_the_sun_stands_where_almanacs_say() -> None:
    # Brussels, true noon of the June solstice: 90 - 50.85 + 23.44 degrees high, in the south.
    noon = datetime(2026, 6, 21, 11, 44, 30, tzinfo=UTC).timestamp()
    elevation, azimuth = position(noon)
    assert elevation == pytest.approx(1.0924, abs=0.001)
    assert azimuth == pytest.approx(0.0, abs=0.02)
    assert position(noon + 6 * 3600)[1] > 0, "the afternoon's sun is in the west"
    assert position(noon - 12 * 3600)[0] < 0


def test_a_house_of_other_loads_draws_what_they_draw() -> None:
    recipe = Recipe(loads=(Always("lamp", 100, 0),), panels=Panels(peak_w=0))
    day = Day(recipe, AUTUMN)
    assert set(day.net_w) == {100}
    assert day.energy_ws(day.seconds) == (25 * 3600 * 100, 0)
