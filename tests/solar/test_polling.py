"""Runs of an inverter's agent against devices on the wire: what is stored, shown and told."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from energysite import agent_states, agents, device_reads, live
from energysite.errors import BadReading
from energysite.models import House
from meters.counting import judge
from meters.device_readings import COUNTED_HERE
from meters.models import BatteryReading, DataManager, ProductionReading, RejectEpisode, Source
from solar.fleet import Fleet
from solar.models import Inverter, InverterSource
from solar.polling import Poller
from solar.production import Condition, Production
from solar.recording import Recorder
from tests.emulators import fronius
from tests.emulators.http_device import HttpLookalike, Reply, as_json
from tests.emulators.modbus import ModbusLookalike
from tests.running_site import free_port
from tests.solar.readers.registers import chain, floats, integers

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 6, 21, 11, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 21, 23, 0, tzinfo=UTC)


class Clock:
    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def step(self, seconds: float = 10) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    device_reads.forget()
    judge.forget()
    live.client().flushdb()
    House.objects.update_or_create(pk=1, defaults={"zone": "Europe/Brussels", "language": "en"})
    yield
    device_reads.forget()
    judge.forget()


@pytest.fixture
def poller(tmp_path: Path) -> Poller:
    return Poller(Fleet(tmp_path / "inverters.json"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def device() -> Iterator[HttpLookalike]:
    with HttpLookalike(fronius.by_day()) as found:
        yield found


def _fronius(device: HttpLookalike, **fields: Any) -> Inverter:
    return agents.create(
        Inverter, **{"name": "Roof", "family": "fronius", "address": device.address, "period_s": 10, "peak_w": 5000, **fields}
    )


def _json(device: HttpLookalike, **fields: Any) -> Inverter:
    paths = {"page": "/status", "power_path": "w"}
    return agents.create(Inverter, **{"name": "Roof", "family": "http_json", "address": device.address, "period_s": 10, **paths, **fields})


def _state(name: str = "Roof") -> dict[str, Any]:
    return agent_states.read(live.client(), name)


def _frame(name: str = "Roof") -> live.Frame:
    return live.last_frames()[name]


def test_a_reading_is_stored_shown_and_told(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _fronius(device)
    poller.poll(inverter.pk, clock)
    source = Source.objects.get()
    assert (source.name, source.kind, source.medium, source.per_hour, source.cadence_s) == ("Roof", "production", "solar", 5000, 10)
    assert InverterSource.objects.values_list("inverter", "unit", "source").get() == (inverter.pk, "1", source.pk)
    assert set(DataManager.objects.filter(source=source, builtin=True).values_list("length_s", flat=True)) >= {60, 900, 86400}
    assert ProductionReading.objects.values_list("time", "total_wh", "production_w").get() == (NOON, 26_213_502, 3215)
    at = NOON.timestamp()
    assert _frame() == {
        **{"source": "Roof", "kind": "inverter", "time": int(at), "received": at, "period_s": 10, "condition": "producing"},
        **{"power_w": 3215, "day_wh": 5120, "total_wh": 26_213_502},
    }
    state = _state()
    assert (state["status"], state["error"], state["failures"], state["last_success"]) == ("ok", None, 0, at)
    assert 0 <= state["response_ms"] < 5000


def test_the_balance_of_the_house_is_told_after_a_reading(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    poller.poll(_fronius(device).pk, clock)
    assert live.last_frames()["house/balance"]["solar_w"] == 3215


def test_inverters_that_are_read_at_the_same_moment_share_a_balance(poller: Poller, clock: Clock) -> None:
    together = threading.Barrier(5)

    def reply(_body: bytes) -> Reply:
        together.wait(10)
        return as_json({"w": 1000, "t": 1000})

    def run(pk: int) -> None:
        poller.poll(pk, clock)
        connections["default"].close()

    def balances() -> int:
        return live.last_messages()["house/balance"]["number"]

    with HttpLookalike({"/status": as_json({"w": 500, "t": 999})}) as device:
        inverters = [_json(device, name=f"Roof {number}", total_path="t") for number in range(5)]
        poller.poll(inverters[0].pk, clock)
        before = balances()
        clock.step()
        device.replies = {"/status": reply}
        with ThreadPoolExecutor(5) as threads:
            list(threads.map(run, [inverter.pk for inverter in inverters]))
    assert _frame("house/balance")["solar_w"] == 5000, "the last of them is in it"
    assert 1 <= balances() - before <= 3


def test_an_inverter_that_is_off_or_gone_is_not_read(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _fronius(device, enabled=False)
    poller.poll(inverter.pk, clock)
    poller.poll(inverter.pk + 1, clock)
    assert not device.asked
    assert _state()["status"] == "disabled"


def test_a_changed_address_counts_at_once(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _fronius(device)
    poller.poll(inverter.pk, clock)
    with HttpLookalike(fronius.by_day(1000, 26_213_510)) as other:
        inverter.address = other.address
        inverter.save()
        clock.step()
        poller.poll(inverter.pk, clock)
    assert _frame()["power_w"] == 1000


def test_a_device_that_refuses_by_day_is_an_error_in_words_and_stores_nothing(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _fronius(device)
    device.close()
    poller.poll(inverter.pk, clock)
    clock.step()
    poller.poll(inverter.pk, clock)
    state = _state()
    assert (state["status"], state["failures"]) == ("error", 2)
    assert "127.0.0.1 is there, but nothing listens" in state["error"]
    assert "last_success" not in state
    assert not ProductionReading.objects.exists()
    assert "Roof" not in live.last_frames()


def test_a_device_that_refuses_by_night_is_asleep(poller: Poller, device: HttpLookalike) -> None:
    inverter, clock = _fronius(device), Clock(MIDNIGHT)
    device.close()
    poller.poll(inverter.pk, clock)
    state = _state()
    assert (state["status"], state["error"], state["condition"], state["failures"]) == ("asleep", None, "asleep", 0)
    assert not ProductionReading.objects.exists()
    frame = _frame()
    assert frame["condition"] == "asleep"
    assert "power_w" not in frame


def test_an_answer_that_tells_of_trouble_at_night_is_no_sleep(poller: Poller, device: HttpLookalike) -> None:
    inverter, clock = _fronius(device), Clock(MIDNIGHT)
    device.replies = {fronius.FLOW: (500, b"")}
    poller.poll(inverter.pk, clock)
    assert _state()["status"] == "error"


def test_one_with_a_battery_has_no_reason_to_sleep(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, battery_path="b")
    device.replies = {"/status": as_json({"w": 100, "b": 300})}
    poller.poll(inverter.pk, clock)
    device.close()
    poller.poll(inverter.pk, Clock(MIDNIGHT))
    assert _state()["status"] == "error"


def test_html_is_told_and_not_stored(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _fronius(device)
    device.replies = {fronius.FLOW: (200, b"<html>Log in</html>")}
    poller.poll(inverter.pk, clock)
    assert "not with numbers" in _state()["error"]
    assert not Source.objects.exists()


def test_a_wrong_password_is_not_tried_again_until_the_settings_change(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _fronius(device)
    device.replies = {fronius.FLOW: (401, b"")}
    poller.poll(inverter.pk, clock)
    clock.step()
    poller.poll(inverter.pk, clock)
    assert len(device.asked) == 1
    assert "refuses" in _state()["error"]
    inverter.save()
    device.replies = fronius.by_day()
    poller.poll(inverter.pk, clock)
    assert _state()["status"] == "ok"
    assert _state()["error"] is None


def test_errors_are_told_in_the_language_of_the_house(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    House.objects.update(language="nl")
    inverter = _fronius(device)
    device.close()
    poller.poll(inverter.pk, clock)
    assert "127.0.0.1 is er" in _state()["error"]


def test_counters_of_a_day_become_one_that_goes_on(poller: Poller, device: HttpLookalike) -> None:
    inverter = _json(device, day_path="d", peak_w=5000)
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
    assert _frame()["total_wh"] == 17_005
    assert InverterSource.objects.get().base_wh == 12_905


def test_a_dip_that_lasts_is_no_new_day(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, day_path="d", peak_w=5000)
    for day_wh in (300, *[140] * 8, 310):
        device.replies = {"/status": as_json({"w": 1000, "d": day_wh})}
        poller.poll(inverter.pk, clock)
        clock.step(25)
    assert list(ProductionReading.objects.order_by("time").values_list("total_wh", flat=True)) == [300, *[None] * 8, 310]


def test_a_restarted_process_goes_on_with_the_counters_of_the_one_before(
    poller: Poller, clock: Clock, device: HttpLookalike, tmp_path: Path
) -> None:
    inverter = _json(device, day_path="d", battery_path="b", peak_w=5000)
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
    inverter = _json(device, battery_path="b", charge_path="soc", total_path="t")
    for battery_w in (-1800, -1800, 1800):
        device.replies = {"/status": as_json({"w": 100, "b": battery_w, "soc": 55, "t": 1000})}
        poller.poll(inverter.pk, clock)
        clock.step(10)
    battery = Source.objects.get(kind="battery")
    assert (battery.name, battery.medium) == ("Roof battery", "battery")
    rows = BatteryReading.objects.order_by("time").values_list("charge_wh", "discharge_wh")
    assert list(rows) == [(0, 0), (5, 0), (6, 1)]
    frame = _frame()
    assert (frame["battery_w"], frame["battery_pct"], frame["charge_wh"], frame["discharge_wh"]) == (1800, 55, 6, 1)


def test_panels_that_tell_only_power_are_counted_here_and_go_on_after_a_restart(
    poller: Poller, clock: Clock, device: HttpLookalike, tmp_path: Path
) -> None:
    inverter = _json(device)
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
    assert _frame()["total_wh"] == 30


def test_a_counter_that_a_device_leaves_out_now_and_then_is_not_counted_here(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, total_path="t")
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
    frame = _frame()
    assert (frame["power_w"], frame["total_wh"]) == (1500, 17_345_678)


def test_a_device_that_sends_a_byte_a_second_is_given_up_at_its_deadline(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, period_s=1)
    device.trickle_s = 0.2
    device.replies = {"/status": as_json({"w": 3600})}
    poller.poll(inverter.pk, clock)
    state = _state()
    assert "takes too long" in state["error"]
    assert 700 <= state["response_ms"] < 3000


@pytest.fixture
def no_valkey(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Calling it makes this process look for Valkey where none is."""

    def leave() -> None:
        settings.REDIS = f"redis://127.0.0.1:{free_port()}"
        monkeypatch.setattr(live, "_shared", None)
        live.client.cache_clear()

    yield leave
    live.client.cache_clear()


def test_devices_are_read_while_valkey_is_away(poller: Poller, clock: Clock, device: HttpLookalike, no_valkey: Callable[[], None]) -> None:
    inverter = _fronius(device)
    no_valkey()
    for _run in range(2):
        poller.poll(inverter.pk, clock)
        clock.step()
    assert ProductionReading.objects.count() == 2


def test_a_battery_that_tells_only_its_charge_makes_the_use_unknown(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, charge_path="soc", total_path="t")
    device.replies = {"/status": as_json({"w": 100, "soc": 55, "t": 1000})}
    poller.poll(inverter.pk, clock)
    assert Source.objects.filter(kind="battery").count() == 1
    assert not BatteryReading.objects.exists()
    assert "use_w" not in live.last_frames()["house/balance"]


def test_no_connection_to_the_database_is_held_while_a_device_is_waited_for(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter, ours = _json(device, total_path="t"), connections["default"]
    held: list[bool] = []

    def reply(_body: bytes) -> Reply:
        held.append(ours.connection is not None)
        return as_json({"w": 100, "t": 1000})

    device.replies = {"/status": reply}
    poller.poll(inverter.pk, clock)
    assert held == [False]


def test_what_the_device_did_not_say_is_not_stored_as_a_zero(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, total_path="t")
    device.replies = {"/status": as_json({"w": None, "t": 1000})}
    poller.poll(inverter.pk, clock)
    assert ProductionReading.objects.values_list("total_wh", "production_w").get() == (1000, None)
    assert "power_w" not in _frame()


def test_a_number_that_no_column_holds_is_no_reading(clock: Clock, device: HttpLookalike, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "inverters.json")
    known = fleet.of(_fronius(device).pk)
    assert known is not None
    with pytest.raises(BadReading, match="which no inverter can"):
        Recorder(fleet).told(known, Production(1, Condition.PRODUCING, total_wh=10**12), clock())
    assert not Source.objects.exists()


def test_an_inverter_that_is_deleted_retires_its_sources(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, battery_path="b", total_path="t")
    device.replies = {"/status": as_json({"w": 1, "t": 5, "b": 5})}
    poller.poll(inverter.pk, clock)
    inverter.delete()
    assert Source.objects.filter(retired=None).count() == 0
    assert Source.objects.count() == 2
    assert ProductionReading.objects.count() == 1


def test_new_limits_of_an_inverter_are_those_of_its_source(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _fronius(device)
    poller.poll(inverter.pk, clock)
    inverter.peak_w, inverter.period_s = 8000, 20
    inverter.save()
    assert Source.objects.values_list("per_hour", "cadence_s").get() == (8000, 20)


def test_two_runs_in_the_same_second_store_one_reading(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, total_path="t", period_s=1)
    for total in (1000, 1001):
        device.replies = {"/status": as_json({"w": 5, "t": total})}
        poller.poll(inverter.pk, clock)
        clock.step(0.4)
    assert ProductionReading.objects.count() == 1
    assert not RejectEpisode.objects.exists()


def test_a_frame_of_an_inverter_is_small(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = _json(device, name="N" * 80, day_path="d", total_path="t", battery_path="b", charge_path="soc")
    device.replies = {"/status": as_json({"w": 123_456, "t": 987_654_321, "d": 100_000, "b": -123_456, "soc": 100})}
    poller.poll(inverter.pk, clock)
    assert len(as_json({"type": "frame", "full": True, **_frame("N" * 80)})[1]) <= 450
