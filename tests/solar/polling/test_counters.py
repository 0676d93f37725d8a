"""What runs of an inverter's agent store: sources, and counters that go on."""

from datetime import timedelta
from pathlib import Path

import pytest

from energysite import agents, live
from energysite.errors import BadReading
from meters.device_readings import COUNTED_HERE
from meters.models import BatteryReading, ProductionReading, RejectEpisode, Source
from solar.fleet import Fleet
from solar.models import Inverter, InverterSource
from solar.polling import Poller
from solar.production import Condition, Production
from solar.recording import Recorder
from tests.emulators.http_device import HttpLookalike, as_json
from tests.emulators.modbus import ModbusLookalike
from tests.solar.polling.polled import NOON, Clock, a_fronius, a_json_device, frame_of
from tests.solar.readers.registers import chain, floats, integers


def test_counters_of_a_day_become_one_that_goes_on(poller: Poller, device: HttpLookalike) -> None:
    inverter = a_json_device(device, day_path="d", peak_w=5000)
    story = [
        (NOON, 4000),
        (NOON + timedelta(seconds=10), 4010),
        (NOON + timedelta(hours=12), 9000),  # in the evening
        (NOON + timedelta(hours=17), 0),  # began anew
        (NOON + timedelta(hours=24), 3900),
        (NOON + timedelta(hours=24, seconds=10), 3890),  # a dip
        (NOON + timedelta(hours=24, seconds=20), 3905),
        (NOON + timedelta(hours=72), 4100),  # nobody looked for two nights
    ]
    clock = Clock()
    for at, day_wh in story:
        clock.at = at
        device.replies = {"/status": as_json({"w": 1000, "d": day_wh})}
        poller.poll(inverter.pk, clock)
    totals = list(ProductionReading.objects.order_by("time").values_list("total_wh", flat=True))
    assert totals == [4000, 4010, 9000, 9000, 12_900, None, 12_905, 17_005]
    assert frame_of()["total_wh"] == 17_005
    assert InverterSource.objects.get().base_wh == 12_905


def test_a_dip_that_lasts_is_no_new_day(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, day_path="d", peak_w=5000)
    for day_wh in (300, *[140] * 8, 310):
        device.replies = {"/status": as_json({"w": 1000, "d": day_wh})}
        poller.poll(inverter.pk, clock)
        clock.step(25)
    assert list(ProductionReading.objects.order_by("time").values_list("total_wh", flat=True)) == [300, *[None] * 8, 310]


def test_a_restarted_process_goes_on_with_the_counters_of_the_one_before(
    poller: Poller, clock: Clock, device: HttpLookalike, tmp_path: Path
) -> None:
    inverter = a_json_device(device, day_path="d", battery_path="b", peak_w=5000)
    device.replies = {"/status": as_json({"w": 1000, "d": 4000, "b": 3600})}
    poller.poll(inverter.pk, clock)
    clock.step(10)
    poller.poll(inverter.pk, clock)
    again = Poller(Fleet(tmp_path / "other.json"))
    clock.step(20)
    device.replies = {"/status": as_json({"w": 1000, "d": 5, "b": 3600})}
    again.poll(inverter.pk, clock)
    assert list(ProductionReading.objects.order_by("time").values_list("total_wh", flat=True)) == [4000, 4000, 4005]
    assert list(BatteryReading.objects.order_by("time").values_list("charge_wh", "discharge_wh", "battery_w")) == [
        (0, 0, 3600),
        (0, 10, 3600),
        (0, 30, 3600),
    ]


def test_a_battery_is_a_source_of_its_own(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, battery_path="b", charge_path="soc", total_path="t")
    for battery_w in (-1800, -1800, 1800):
        device.replies = {"/status": as_json({"w": 100, "b": battery_w, "soc": 55, "t": 1000})}
        poller.poll(inverter.pk, clock)
        clock.step(10)
    battery = Source.objects.get(kind="battery")
    assert (battery.name, battery.medium) == ("Roof battery", "battery")
    rows = BatteryReading.objects.order_by("time").values_list("charge_wh", "discharge_wh")
    assert list(rows) == [(0, 0), (5, 0), (6, 1)]
    frame = frame_of()
    assert (frame["battery_w"], frame["battery_pct"], frame["charge_wh"], frame["discharge_wh"]) == (1800, 55, 6, 1)


def test_panels_that_tell_only_power_are_counted_here_and_go_on_after_a_restart(
    poller: Poller, clock: Clock, device: HttpLookalike, tmp_path: Path
) -> None:
    inverter = a_json_device(device)
    device.replies = {"/status": as_json({"w": 3600})}
    for _run in range(5):
        poller.poll(inverter.pk, clock)
        clock.step(10)
    again = Poller(Fleet(tmp_path / "other.json"))
    again.poll(inverter.pk, clock)
    clock.step(31)
    again.poll(inverter.pk, clock)
    rows = ProductionReading.objects.order_by("time").values_list("total_wh", "flags")
    assert list(rows) == [(None, 0), (None, 0), (0, COUNTED_HERE), (10, COUNTED_HERE), (20, COUNTED_HERE), (30, COUNTED_HERE), (30, 8)]
    assert frame_of()["total_wh"] == 30


def test_a_counter_that_a_device_leaves_out_now_and_then_is_not_counted_here(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, total_path="t")
    for total in (None, None, 1000, *[None] * 5, 1030):
        device.replies = {"/status": as_json({"w": 3600, "t": total})}
        poller.poll(inverter.pk, clock)
        clock.step(5)
    rows = ProductionReading.objects.order_by("time").values_list("total_wh", flat=True)
    assert list(rows) == [None, None, 1000, *[None] * 5, 1030]


def test_each_of_several_units_behind_an_address_is_a_source(poller: Poller, clock: Clock) -> None:
    with ModbusLookalike({1: chain(101, integers(1000)), 2: chain(111, floats(500, 5_000_000))}) as device:
        inverter = agents.create(Inverter, name="Roof", family="sunspec", address=device.address, units="1, 2", period_s=10)
        poller.poll(inverter.pk, clock)
        clock.step()
        poller.poll(inverter.pk, clock)
    found = ProductionReading.objects.order_by("source", "time").values_list("source__name", "total_wh")
    assert list(found) == [("Roof", 12_345_678)] * 2 + [("Roof 2", 5_000_000)] * 2
    frame = frame_of()
    assert (frame["power_w"], frame["total_wh"]) == (1500, 17_345_678)


def test_a_battery_that_tells_only_its_charge_makes_the_use_unknown(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, charge_path="soc", total_path="t")
    device.replies = {"/status": as_json({"w": 100, "soc": 55, "t": 1000})}
    poller.poll(inverter.pk, clock)
    assert Source.objects.filter(kind="battery").count() == 1
    assert not BatteryReading.objects.exists()
    assert "use_w" not in live.last_frames()["house/balance"]


def test_what_the_device_did_not_say_is_not_stored_as_a_zero(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, total_path="t")
    device.replies = {"/status": as_json({"w": None, "t": 1000})}
    poller.poll(inverter.pk, clock)
    assert ProductionReading.objects.values_list("total_wh", "production_w").get() == (1000, None)
    assert "power_w" not in frame_of()


def test_a_number_that_no_column_holds_is_no_reading(clock: Clock, device: HttpLookalike, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "inverters.json")
    known = fleet.of(a_fronius(device).pk)
    assert known is not None
    with pytest.raises(BadReading, match="which no inverter can"):
        Recorder(fleet).told(known, Production(1, Condition.PRODUCING, total_wh=10**12), clock())
    assert not Source.objects.exists()


def test_an_inverter_that_is_deleted_retires_its_sources(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, battery_path="b", total_path="t")
    device.replies = {"/status": as_json({"w": 1, "t": 5, "b": 5})}
    poller.poll(inverter.pk, clock)
    inverter.delete()
    assert Source.objects.filter(retired=None).count() == 0
    assert Source.objects.count() == 2
    assert ProductionReading.objects.count() == 1


def test_new_limits_of_an_inverter_are_those_of_its_source(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_fronius(device)
    poller.poll(inverter.pk, clock)
    inverter.peak_w, inverter.period_s = 8000, 20
    inverter.save()
    assert Source.objects.values_list("per_hour", "cadence_s").get() == (8000, None)


def test_two_runs_in_the_same_second_store_one_reading(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, total_path="t", period_s=1)
    for total in (1000, 1001):
        device.replies = {"/status": as_json({"w": 5, "t": total})}
        poller.poll(inverter.pk, clock)
        clock.step(0.4)
    assert ProductionReading.objects.count() == 1
    assert not RejectEpisode.objects.exists()
