"""Runs of an inverter's agent against devices on the wire: what is shown and told, and what is an error."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from energysite import live
from energysite.models import House
from meters.models import DataManager, ProductionReading, Source
from solar.models import InverterSource
from solar.polling import Poller
from tests.emulators import fronius
from tests.emulators.http_device import HttpLookalike, Reply, as_json
from tests.solar.polling.polled import MIDNIGHT, NOON, Clock, a_fronius, a_json_device, frame_of, state_of


def test_a_reading_is_stored_shown_and_told(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_fronius(device)
    poller.poll(inverter.pk, clock)
    source = Source.objects.get()
    assert (source.name, source.kind, source.medium, source.per_hour, source.cadence_s) == ("Roof", "production", "solar", 5000, None)
    assert InverterSource.objects.values_list("inverter", "unit", "source").get() == (inverter.pk, "1", source.pk)
    assert set(DataManager.objects.filter(source=source, builtin=True).values_list("length_s", flat=True)) >= {900, 86400}
    assert ProductionReading.objects.values_list("time", "total_wh", "production_w").get() == (NOON, 26_213_502, 3215)
    at = NOON.timestamp()
    assert frame_of() == {
        **{"source": "Roof", "kind": "inverter", "time": int(at), "received": at, "period_s": 10, "condition": "producing"},
        **{"power_w": 3215, "day_wh": 5120, "total_wh": 26_213_502},
    }
    state = state_of()
    assert (state["status"], state["error"], state["failures"], state["last_success"]) == ("ok", None, 0, at)
    assert 0 <= state["response_ms"] < 5000


def test_the_balance_of_the_house_is_told_after_a_reading(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    poller.poll(a_fronius(device).pk, clock)
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
        inverters = [a_json_device(device, name=f"Roof {number}", total_path="t") for number in range(5)]
        poller.poll(inverters[0].pk, clock)
        before = balances()
        clock.step()
        device.replies = {"/status": reply}
        with ThreadPoolExecutor(5) as threads:
            list(threads.map(run, [inverter.pk for inverter in inverters]))
    assert frame_of("house/balance")["solar_w"] == 5000, "the last of them is in it"
    assert 1 <= balances() - before <= 3


def test_an_inverter_that_is_off_or_gone_is_not_read(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_fronius(device, enabled=False)
    poller.poll(inverter.pk, clock)
    poller.poll(inverter.pk + 1, clock)
    assert not device.asked
    assert state_of()["status"] == "disabled"


def test_a_changed_address_counts_at_once(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_fronius(device)
    poller.poll(inverter.pk, clock)
    with HttpLookalike(fronius.by_day(1000, 26_213_510)) as other:
        inverter.address = other.address
        inverter.save()
        clock.step()
        poller.poll(inverter.pk, clock)
    assert frame_of()["power_w"] == 1000


def test_a_device_that_refuses_by_day_is_an_error_in_words_and_stores_nothing(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_fronius(device)
    device.close()
    poller.poll(inverter.pk, clock)
    clock.step()
    poller.poll(inverter.pk, clock)
    state = state_of()
    assert (state["status"], state["failures"]) == ("error", 2)
    assert "127.0.0.1 is there, but nothing listens" in state["error"]
    assert "last_success" not in state
    assert not ProductionReading.objects.exists()
    assert "Roof" not in live.last_frames()


def test_a_device_that_refuses_by_night_is_asleep(poller: Poller, device: HttpLookalike) -> None:
    inverter, clock = a_fronius(device), Clock(MIDNIGHT)
    device.close()
    poller.poll(inverter.pk, clock)
    state = state_of()
    assert (state["status"], state["error"], state["condition"], state["failures"]) == ("asleep", None, "asleep", 0)
    assert not ProductionReading.objects.exists()
    frame = frame_of()
    assert frame["condition"] == "asleep"
    assert "power_w" not in frame


def test_an_answer_that_tells_of_trouble_at_night_is_no_sleep(poller: Poller, device: HttpLookalike) -> None:
    inverter, clock = a_fronius(device), Clock(MIDNIGHT)
    device.replies = {fronius.FLOW: (500, b"")}
    poller.poll(inverter.pk, clock)
    assert state_of()["status"] == "error"


def test_one_with_a_battery_has_no_reason_to_sleep(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, battery_path="b")
    device.replies = {"/status": as_json({"w": 100, "b": 300})}
    poller.poll(inverter.pk, clock)
    device.close()
    poller.poll(inverter.pk, Clock(MIDNIGHT))
    assert state_of()["status"] == "error"


def test_html_is_told_and_not_stored(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_fronius(device)
    device.replies = {fronius.FLOW: (200, b"<html>Log in</html>")}
    poller.poll(inverter.pk, clock)
    assert "not with numbers" in state_of()["error"]
    assert not Source.objects.exists()


def test_a_wrong_password_is_not_tried_again_until_the_settings_change(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_fronius(device)
    device.replies = {fronius.FLOW: (401, b"")}
    poller.poll(inverter.pk, clock)
    clock.step()
    poller.poll(inverter.pk, clock)
    assert len(device.asked) == 1
    assert "refuses" in state_of()["error"]
    inverter.save()
    device.replies = fronius.by_day()
    poller.poll(inverter.pk, clock)
    assert state_of()["status"] == "ok"
    assert state_of()["error"] is None


def test_errors_are_told_in_the_language_of_the_house(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    House.objects.update_or_create(pk=1, defaults={"language": "nl"})
    inverter = a_fronius(device)
    device.close()
    poller.poll(inverter.pk, clock)
    assert "127.0.0.1 is er" in state_of()["error"]


def test_a_device_that_sends_a_byte_a_second_is_given_up_at_its_deadline(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, period_s=1)
    device.trickle_s = 0.2
    device.replies = {"/status": as_json({"w": 3600})}
    poller.poll(inverter.pk, clock)
    state = state_of()
    assert "takes too long" in state["error"]
    assert 700 <= state["response_ms"] < 3000


def test_devices_are_read_while_valkey_is_away(poller: Poller, clock: Clock, device: HttpLookalike, no_valkey: Callable[[], None]) -> None:
    inverter = a_fronius(device)
    no_valkey()
    for _run in range(2):
        poller.poll(inverter.pk, clock)
        clock.step()
    assert ProductionReading.objects.count() == 2


def test_no_connection_to_the_database_is_held_while_a_device_is_waited_for(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter, ours = a_json_device(device, total_path="t"), connections["default"]
    held: list[bool] = []

    def reply(_body: bytes) -> Reply:
        held.append(ours.connection is not None)
        return as_json({"w": 100, "t": 1000})

    device.replies = {"/status": reply}
    poller.poll(inverter.pk, clock)
    assert held == [False]


def test_a_frame_of_an_inverter_is_small(poller: Poller, clock: Clock, device: HttpLookalike) -> None:
    inverter = a_json_device(device, name="N" * 80, day_path="d", total_path="t", battery_path="b", charge_path="soc")
    device.replies = {"/status": as_json({"w": 123_456, "t": 987_654_321, "d": 100_000, "b": -123_456, "soc": 100})}
    poller.poll(inverter.pk, clock)
    assert len(as_json({"type": "frame", "full": True, **frame_of("N" * 80)})[1]) <= 450
