"""Reads of devices: claimed in Valkey, with one deadline, tried again only where that can help."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from energysite import agent_states, device_reads, live
from energysite.device_reads import once_more, reading
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    device_reads.forget()
    live.client().flushdb()
    yield
    device_reads.forget()


def _skipped(name: str) -> int:
    return int(agent_states.read(live.client(), name).get("skipped", 0))


def test_a_read_has_one_deadline_and_frees_its_claim() -> None:
    with reading("roof", 10) as deadline:
        assert deadline is not None
        assert 4.5 < deadline - time.monotonic() <= 5
        left_ms = live.client().pttl(f"{device_reads.PREFIX}roof")
        assert 5000 < left_ms <= 7000
    assert live.client().get(f"{device_reads.PREFIX}roof") is None


def test_a_device_that_another_process_reads_is_left_out_and_counted() -> None:
    live.client().set(f"{device_reads.PREFIX}roof", "another's", px=60_000)
    with reading("roof", 10) as deadline:
        assert deadline is None
    assert _skipped("roof") == 1
    assert live.client().get(f"{device_reads.PREFIX}roof") == b"another's"


def test_a_claim_that_ran_out_and_was_taken_by_another_is_not_freed() -> None:
    with reading("roof", 10):
        live.client().set(f"{device_reads.PREFIX}roof", "another's")
    assert live.client().get(f"{device_reads.PREFIX}roof") == b"another's"


def test_settings_that_cannot_work_are_left_alone_until_they_change() -> None:
    with pytest.raises(DeviceConfigError), reading("roof", 10, 3):
        raise DeviceConfigError("the password is wrong")
    with reading("roof", 10, 3) as deadline:
        assert deadline is None
    assert _skipped("roof") == 0, "it rests"
    with reading("roof", 10, 4) as deadline:
        assert deadline is not None
    with reading("roof", 10, 4) as deadline:
        assert deadline is not None


def test_any_other_error_is_followed_by_the_next_run() -> None:
    for error in (DeviceUnavailable("away"), BadReading("HTML")):
        with pytest.raises(type(error)), reading("roof", 10):
            raise error
        with reading("roof", 10) as deadline:
            assert deadline is not None


def test_ten_hanging_devices_of_a_hundred_delay_nobody_else() -> None:
    """All are due at once, and sixteen threads read them, as in the worker."""
    ends = threading.Event()
    late: dict[int, list[float]] = {number: [] for number in range(100)}

    def run(number: int, due: float) -> None:
        with reading(f"device {number}", 10) as deadline:
            if deadline is None:
                return
            late[number].append(time.monotonic() - due)
            if number % 10 == 0:
                ends.wait(deadline - time.monotonic())
                raise DeviceUnavailable("silence")

    with ThreadPoolExecutor(16) as threads:
        for _period in range(3):
            due = time.monotonic()
            runs = {number: threads.submit(run, number, due) for number in range(100)}
            for number, one in runs.items():
                if number % 10:
                    one.result(5)
            # The next burst finds those that hang still hanging, or known for it.
        ends.set()
    well = [times for number, times in late.items() if number % 10]
    assert {len(times) for times in well} == {3}, "none of the others was left out"
    assert max(max(times) for times in well) < 2
    assert sorted(time_s for times in well for time_s in times)[-3] < 1.5
    assert all(len(late[number]) >= 1 for number in range(0, 100, 10)), "each of those that hang was tried"


class Device:
    """Raises what it is given, one after the other, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    def read(self, _deadline: float) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "well"


def _caused(cause: OSError) -> DeviceUnavailable:
    error = DeviceUnavailable("broken")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("cause", [ConnectionRefusedError(), ConnectionResetError(), BrokenPipeError()])
def test_a_connection_that_was_refused_or_broken_off_is_tried_once_more(cause: OSError) -> None:
    device = Device(_caused(cause))
    assert once_more(device.read, time.monotonic() + 3) == "well"
    device = Device(_caused(cause), _caused(cause))
    with pytest.raises(DeviceUnavailable):
        once_more(device.read, time.monotonic() + 3)
    assert device.asked == 2


@pytest.mark.parametrize(
    "error", [_caused(TimeoutError()), DeviceUnavailable("HTTP 500"), BadReading("HTML"), DeviceConfigError("HTTP 401")]
)
def test_nothing_else_is_tried_again(error: Exception) -> None:
    device = Device(error)
    with pytest.raises(type(error)):
        once_more(device.read, time.monotonic() + 3)
    assert device.asked == 1


def test_there_is_no_second_try_without_time_for_it() -> None:
    device = Device(_caused(ConnectionResetError()))
    with pytest.raises(DeviceUnavailable):
        once_more(device.read, time.monotonic() + 0.3)
    assert device.asked == 1


def test_only_silence_is_taken_for_a_device_that_is_switched_off() -> None:
    assert device_reads.unreachable(_caused(ConnectionRefusedError()))
    assert device_reads.unreachable(_caused(TimeoutError()))
    assert not device_reads.unreachable(DeviceUnavailable("HTTP 500"))
