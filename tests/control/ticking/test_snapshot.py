"""From what was told to what the rules see: ages by a steady clock, the meter's quarters, devices and their switches."""

from typing import Any

import pytest

from control.rules.facts import FOREVER, Override
from control.ticking import snapshot
from control.ticking.snapshot import Looks, Place, Sight, Told

QUARTER = 1_784_023_200.0  # the begin of one
SIGHT = Sight(Place(), ("Main",), {1: "Plug"})


def told(at: float, number: int, held: dict[str, Any] | None = None, **values: Any) -> Told:
    frame = {"time": int(at), "received": at, "import_w": 0, "export_w": 0, **values}
    return Told({"Main": frame}, {"Main": str(number)}, {}, {"Plug": held} if held else {})


def look(looks: Looks, second: float, number: int, sight: Sight = SIGHT, **values: Any) -> snapshot.Snapshot:
    at = QUARTER + 300 + second
    return snapshot.of(sight, told(at, number, **values), at, 1000.0 + second, looks)


def test_a_number_that_is_found_at_the_start_proves_nothing_by_rule_1():
    looks = Looks()
    first = look(looks, 0, 7).grid
    assert (first.fresh, first.stale, first.stale_s) == (False, "never", FOREVER)
    assert look(looks, 10, 7).grid.fresh is False
    assert look(looks, 20, 8).grid.fresh is True


@pytest.mark.parametrize(("second", "fresh"), [(30, True), (40, True), (41, False), (600, False)])
def test_a_meter_is_fresh_for_thirty_seconds_by_rule_2(second, fresh):
    looks = Looks()
    look(looks, 0, 7)
    assert look(looks, 20, 8).grid.stale_s == 20, "it may have come right after the look before"
    grid = look(looks, second - 10, 8).grid
    assert (grid.fresh, grid.stale) == (fresh, "" if fresh else "silent")


def test_a_meter_whose_telegrams_fail_rule_2_says_why():
    looks = Looks()
    look(looks, 0, 7)
    given = told(QUARTER + 310, 8)
    doubted = Told(given.frames, given.fresh, {"Main": "repeated"}, {})
    grid = snapshot.of(SIGHT, doubted, QUARTER + 310, 1010.0, looks).grid
    assert (grid.fresh, grid.stale) == (False, "repeated")


def test_a_clock_that_is_set_makes_nothing_older_or_younger():
    looks = Looks()
    look(looks, 0, 7)
    look(looks, 10, 8, held={"level": 1, "since": QUARTER + 305})
    hour_on = QUARTER + 300 + 20 + 3600
    later = snapshot.of(SIGHT, told(hour_on, 9, held={"level": 1, "since": QUARTER + 305}), hour_on, 1020.0, looks)
    assert (later.grid.fresh, later.devices[1].changed_s) == (True, 15.0)


def test_a_new_switch_is_no_older_than_the_look_before_whatever_its_clock_says():
    looks = Looks()
    look(looks, 0, 7, held={"level": 0, "since": QUARTER})
    assert look(looks, 10, 8, held={"level": 1, "since": QUARTER - 3600}).devices[1].changed_s == 10
    assert look(looks, 20, 9, held={"level": 1, "since": QUARTER - 3600}).devices[1].changed_s == 20
    assert look(looks, 30, 9, held={"level": 0, "since": QUARTER + 9999}).devices[1].changed_s == 0


def test_the_limit_is_the_highest_of_the_floor_the_peak_and_the_own_target_by_rule_5():
    assert look(Looks(), 0, 1, quarter_w=100, month_peak_w=1800).grid.limit_w == 2500
    assert look(Looks(), 0, 1, quarter_w=100, month_peak_w=4100).grid.limit_w == 4100
    own = Sight(Place(own_peak_w=5000), ("Main",), {})
    assert look(Looks(), 0, 1, own, quarter_w=100, month_peak_w=4100).grid.limit_w == 5000
    untold = Sight(Place(), ("Main",), {}, peak_w=lambda: 3300)
    assert look(Looks(), 0, 1, untold, quarter_w=100).grid.limit_w == 3300


def test_a_quarter_that_has_just_begun_has_none_of_the_one_before():
    looks = Looks()
    before = told(QUARTER - 1, 1, quarter_w=2400)
    assert snapshot.of(SIGHT, before, QUARTER - 0.5, 1000.0, looks).grid.quarter_w == 2400
    assert snapshot.of(SIGHT, before, QUARTER + 0.5, 1001.0, looks).grid.quarter_w == 0


def test_without_the_meters_registers_the_quarter_is_counted_and_says_so_by_rule_5():
    looks = Looks()

    def at(second: float, wh: int) -> Any:
        time = QUARTER + second
        return snapshot.of(SIGHT, told(time, 1, import_t1_wh=wh, import_t2_wh=0), time, 1000 + second, looks).grid

    assert (at(-10, 10_000).quarter_w, at(-10, 10_000).quarter_own) == (None, True), "nobody looked when it began"
    assert at(10, 10_020).quarter_w == 40, "10 of the 20 Wh were of this quarter: 10 Wh / 900 s"
    assert at(450, 10_260).quarter_w == 1000
    assert at(905, 10_500).quarter_w is None or at(905, 10_500).quarter_w < 100


def test_where_nobody_looked_when_the_quarter_began_its_past_is_asked():
    asked = []

    def base(start: int) -> int | None:
        asked.append(start)
        return 9_900

    sight = Sight(Place(), ("Main",), {}, base_wh=base)
    looks = Looks()
    assert look(looks, 0, 1, sight, import_t1_wh=10_000).grid.quarter_w == 400
    look(looks, 10, 2, sight, import_t1_wh=10_010)
    assert asked == [int(QUARTER)], "once"


def test_quarters_and_ends_follow_the_meters_clock():
    looks = Looks()
    given = told(QUARTER + 500, 1)
    frames = {"Main": {**given.frames["Main"], "time": QUARTER + 500 - 40}}
    sight = Sight(Place(), ("Main",), {}, overrides={1: Override(1.0, QUARTER + 600, "ann")})
    seen = snapshot.of(sight, Told(frames, given.fresh), QUARTER + 500, 1000.0, looks)
    assert seen.at == QUARTER + 460
    assert seen.overrides[1].until - seen.at == 100, "an end is as far away as it was"


def test_two_meters_are_added_up_and_the_worst_one_rules():
    looks = Looks()
    sight = Sight(Place(), ("Main", "Barn"), {})

    def both(second: float, main: int, barn: int) -> Any:
        at = QUARTER + second
        frames = {"Main": {"time": int(at), "received": at, "import_w": 500, "export_w": 0}}
        frames["Barn"] = {"time": int(at), "received": at, "import_w": 0, "export_w": 1800}
        return snapshot.of(sight, Told(frames, {"Main": str(main), "Barn": str(barn)}), at, 1000 + second, looks).grid

    both(0, 1, 1)
    assert (both(10, 2, 2).net_w, both(20, 3, 3).fresh) == (-1300, True)
    assert both(60, 4, 3).fresh is False


def test_a_house_without_a_meter_says_so():
    grid = snapshot.of(Sight(Place(), (), {}), Told(), QUARTER, 1.0, Looks()).grid
    assert (grid.exists, grid.fresh, grid.stale) == (False, False, "no_meter")


def test_what_the_holder_tells_grows_old_when_it_tells_no_more():
    looks = Looks()
    row = {"level": 1, "read": 1.0, "power_w": 2000, "since": QUARTER, "locked": "", "today": 3, "class": "A", "at": 1}
    assert look(looks, 0, 1, held=row).devices[1].told_s == 0
    device = look(looks, 25, 2, held=row).devices[1]
    assert (device.told_s, device.level, device.power_w, device.switches_today, device.safety_class) == (25, 1.0, 2000, 3, "A")
    assert look(looks, 26, 3, held={**row, "at": 2}).devices[1].told_s == 0


def test_a_device_that_nobody_told_of_is_not_in_the_snapshot():
    assert look(Looks(), 0, 1).devices == {}


def test_what_was_seen_survives_in_json():
    looks = Looks()
    look(looks, 0, 1, held={"level": 1, "since": QUARTER}, import_t1_wh=5)
    look(looks, 10, 2, held={"level": 1, "since": QUARTER}, import_t1_wh=6)
    assert Looks.of_json(looks.to_json()) == looks


@pytest.mark.parametrize(("until", "solar"), [(400, 3600), (200, None)])
def test_the_sun_is_known_while_the_balance_holds(until, solar):
    given = told(QUARTER + 300, 1)
    balance = {"until": QUARTER + until, "solar_w": 3600, "battery_w": -200}
    seen = snapshot.of(SIGHT, Told({**given.frames, "house/balance": balance}), QUARTER + 300, 1.0, Looks())
    assert seen.solar_w == solar


def test_a_battery_that_nobody_reads_is_told_by_rule_13():
    given = told(QUARTER + 300, 1)
    balance = {"until": QUARTER + 400, "unknown": "battery_silent"}
    assert snapshot.of(SIGHT, Told({**given.frames, "house/balance": balance}), QUARTER + 300, 1.0, Looks()).battery_unread
    unread = Sight(Place(battery_unread=True), ("Main",), {})
    assert snapshot.of(unread, given, QUARTER + 300, 1.0, Looks()).battery_unread
