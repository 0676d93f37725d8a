"""The live balance: values of one moment, each young enough, else unknown with the reason."""

import json

import pytest

from solar import moment
from solar.moment import Device

NOW = 1_790_000_000.0
MAIN, ROOF, SHED = Device("Main", 1), Device("Roof", 10), Device("Shed", 60)


def meter(age_s=0.4, **values):
    counters = {"import_t1_wh": 10_000, "import_t2_wh": 5_000, "export_t1_wh": 3_000, "export_t2_wh": 1_000}
    return {"source": "Main", "time": int(NOW - age_s), "received": NOW - age_s, "import_w": 0, "export_w": 0, **counters, **values}


def inverter(name="Roof", age_s=0.0, **values):
    told = {"source": name, "kind": "inverter", "time": int(NOW - age_s), "received": NOW - age_s, "period_s": 10, "condition": "producing"}
    return {**told, **values}


def tell(frames, meters=(MAIN,), inverters=(ROOF,), night=False, unread_battery=False, now=NOW):
    return moment.frame_of(meters, inverters, {one["source"]: one for one in frames}, now, night=night, unread_battery=unread_battery)


def test_use_is_what_comes_in_and_does_not_go_out():
    found = tell([meter(export_w=1840), inverter(power_w=3600, total_wh=42_000)])
    assert (found["use_w"], found["solar_w"], found["import_w"], found["export_w"]) == (1760, 3600, 0, 1840)
    assert (found["import_wh"], found["export_wh"], found["solar_wh"]) == (15_000, 4_000, 42_000)
    assert (found["source"], found["kind"], found["time"], found["received"]) == ("house/balance", "balance", int(NOW), NOW)
    assert "unknown" not in found
    assert "battery_w" not in found


def test_it_holds_until_the_next_one_is_overdue():
    found = tell([meter(age_s=0.4), inverter(power_w=100)])
    assert found["until"] == pytest.approx(NOW - 0.4 + 20)


def test_several_inverters_are_summed_and_one_that_lacks_makes_the_sun_unknown():
    both = [meter(), inverter(power_w=3000), inverter("Shed", age_s=20, power_w=500)]
    assert tell(both, inverters=(ROOF, SHED))["use_w"] == 3500
    found = tell(both[:2], inverters=(ROOF, SHED))
    assert (found["unknown"], found["of"]) == ("solar_silent", "Shed")
    assert not {"use_w", "solar_w", "since"} & found.keys()


@pytest.mark.parametrize(("age_s", "known"), [(4.9, True), (5.1, False)])
def test_a_meter_that_is_silent_for_five_seconds_makes_use_unknown_and_the_sun_stays(age_s, known):
    found = tell([meter(age_s=age_s, import_w=50), inverter(power_w=900)])
    assert ("use_w" in found) is known
    assert found["solar_w"] == 900
    if not known:
        assert (found["unknown"], found["of"], found["since"]) == ("meter_silent", "Main", round(NOW - 5.1))
        assert "import_w" not in found


def test_a_meter_of_ten_seconds_may_be_twenty_old():
    slow = Device("Main", 10)
    assert tell([meter(age_s=19, import_w=50), inverter(power_w=900)], meters=(slow,))["use_w"] == 950
    assert tell([meter(age_s=21, import_w=50), inverter(power_w=900)], meters=(slow,))["unknown"] == "meter_silent"


def test_an_inverter_that_is_silent_by_day_is_unknown_since_its_last_word_and_never_nought():
    found = tell([meter(import_w=200), inverter(age_s=20.5, power_w=900)])
    assert (found["unknown"], found["since"]) == ("solar_silent", round(NOW - 20.5))
    assert not {"use_w", "solar_w"} & found.keys()
    assert found["import_w"] == 200


def test_while_an_inverter_is_being_read_nothing_is_told():
    assert tell([meter(), inverter(age_s=10.2, power_w=900)]) is None
    assert tell([meter(), inverter(power_w=900), inverter("Shed", age_s=60, power_w=1)], inverters=(ROOF, SHED)) is None
    assert tell([meter(), inverter(age_s=13.5, power_w=900)])["use_w"] == 900


def test_an_inverter_that_sleeps_makes_nothing_however_long_ago_it_said_so():
    asleep = {**inverter(age_s=9000), "condition": "asleep", "total_wh": 77}
    found = tell([meter(import_w=310), asleep], night=True)
    assert (found["use_w"], found["solar_w"], found["solar_wh"]) == (310, 0, 77)
    assert tell([meter(import_w=310), asleep], night=False)["unknown"] == "solar_silent"


def test_an_inverter_whose_logger_sleeps_with_it_is_asleep_by_its_agents_word():
    gone = Device("Roof", 10, asleep=True)
    assert tell([meter(import_w=310)], inverters=(gone,), night=True)["use_w"] == 310
    assert tell([meter(import_w=310)], inverters=(gone,), night=False)["unknown"] == "solar_silent"


def test_standby_without_a_figure_is_no_sun_at_night_and_unknown_by_day():
    standby = inverter(condition="standby")
    assert tell([meter(import_w=310), standby], night=True)["use_w"] == 310
    assert tell([meter(import_w=310), standby], night=False)["unknown"] == "solar_untold"


def test_an_inverter_that_is_switched_off_in_its_settings_may_still_make_power():
    off = Device("Roof", 10, enabled=False)
    found = tell([meter(import_w=310), inverter(power_w=900)], inverters=(off,))
    assert (found["unknown"], found["of"]) == ("solar_off", "Roof")


def test_a_battery_gives_and_takes():
    assert tell([meter(), inverter(power_w=900, battery_w=400)])["use_w"] == 1300
    found = tell([meter(), inverter(power_w=900, battery_w=-700, charge_wh=5, discharge_wh=4)])
    assert (found["use_w"], found["battery_w"], found["charge_wh"], found["discharge_wh"]) == (200, -700, 5, 4)


def test_a_battery_that_was_there_and_is_not_told_makes_use_unknown():
    found = tell([meter(), inverter(power_w=900)], inverters=(Device("Roof", 10, battery=True),))
    assert (found["unknown"], found["solar_w"]) == ("battery_silent", 900)
    assert not {"use_w", "battery_w"} & found.keys()


def test_a_battery_that_nobody_reads_makes_use_unknown_and_not_wrong():
    found = tell([meter(export_w=1), inverter(power_w=900)], unread_battery=True)
    assert (found["unknown"], found["solar_w"]) == ("battery_unread", 900)
    assert "use_w" not in found


def test_a_house_with_only_the_grid_uses_what_it_imports():
    found = tell([meter(import_w=420, export_t1_wh=0, export_t2_wh=0)], inverters=())
    assert (found["use_w"], found["until"]) == (420, pytest.approx(NOW + 4.6))
    assert "solar_w" not in found


def test_a_house_that_injects_has_a_source_that_nobody_reads():
    assert tell([meter(import_w=420)], inverters=())["unknown"] == "solar_unread"
    assert tell([meter(export_w=420, export_t1_wh=0, export_t2_wh=0)], inverters=())["unknown"] == "solar_unread"


def test_a_house_without_a_meter_knows_its_sun():
    found = tell([inverter(power_w=900)], meters=())
    assert (found["unknown"], found["solar_w"]) == ("no_meter", 900)


def test_several_meters_are_one_house():
    garage = {**meter(import_w=100), "source": "Garage"}
    found = tell([meter(export_w=300), garage, inverter(power_w=1000)], meters=(MAIN, Device("Garage", 1)))
    assert (found["use_w"], found["import_wh"]) == (800, 30_000)


def test_meter_and_inverter_that_cannot_be_of_one_house_tell_no_use():
    assert tell([meter(export_w=1030), inverter(power_w=1000)])["use_w"] == 0
    assert tell([meter(export_w=2000), inverter(power_w=1000)])["unknown"] == "disagree"


def test_on_a_ramp_values_that_lie_apart_wait_for_the_next_ones():
    """The second inverter was read 40 s ago, under a cloud; the meter sees its sun already."""
    ramp = [meter(export_w=2900), inverter(power_w=1000), inverter("Shed", age_s=40, power_w=50)]
    assert tell(ramp, inverters=(ROOF, SHED)) is None


def test_use_is_never_negative_while_an_inverter_is_read_every_ten_seconds_on_a_ramp():
    """The sun rises by 400 W a second; the house takes a steady 300 W; the meter tells each second, the inverter every tenth."""
    told = []
    for second in range(60):
        now, sun_w = NOW + second, 400 * second
        grid = meter(export_w=max(0, sun_w - 300), import_w=max(0, 300 - sun_w)) | {"received": now - 0.2}
        last = second - second % 10
        found = tell([grid, inverter(power_w=400 * last) | {"received": NOW + last}], now=now)
        if found is not None and second % 10 == 0:
            told.append(found["use_w"])
        assert found is None or found.get("use_w", 0) >= 0
    assert told == [300] * 6


def test_the_largest_frame_is_a_small_one():
    wide = {"import_w": 123456, "export_w": 123456, "import_t1_wh": 999999999, "export_t1_wh": 999999999}
    battery = {"power_w": 123456, "battery_w": -123456, "total_wh": 999999999, "charge_wh": 999999999, "discharge_wh": 999999999}
    found = tell([meter(**wide), inverter(**battery)], unread_battery=True)
    assert len(json.dumps({"type": "frame", "full": True, **found}, separators=(",", ":"))) <= 450


def test_an_asleep_inverter_with_a_battery_leaves_the_battery_unknown():
    hybrid = Device("Roof", 10, battery=True, asleep=True)
    assert tell([meter(import_w=1)], inverters=(hybrid,), night=True)["unknown"] == "battery_silent"
