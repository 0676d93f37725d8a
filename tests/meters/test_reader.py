"""One meter's thread, from the wire to the spool."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from energysite import agent_states, live
from meters.configuration import MeterConfig
from meters.models import ElectricityReading
from meters.p1.decoder import decode
from meters.reader import Patience, Reader, duration
from meters.segments import Record
from tests.emulators.p1_http import HomeWizardLookalike
from tests.emulators.p1_pty import P1Cable
from tests.emulators.p1_tcp import P1Server
from tests.emulators.telegrams import DSMR3, DSMR3_HEADER, belgium, second_by_second, write
from tests.meters.rows import make_meter
from tests.running_site import free_port
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = Patience(silent_s=0.6, reopen_s=1.2, first_pause_s=0.05, longest_pause_s=0.2)


class Kept:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.rejects: list[tuple[str, str]] = []

    def keep(self, records: list[Record]) -> bool:
        self.records += records
        return True

    def reject(self, _meter: str, _received: float, reason: str, detail: str, _raw: bytes) -> None:
        self.rejects.append((reason, detail))

    def electricity(self) -> list[Record]:
        return [record for record in self.records if record[0] == "electricity"]


@contextmanager
def reading(kept: Kept, address: str, *, synchronised: bool = False, patience: Patience = SHORT, **fields: Any) -> Iterator[Reader]:
    config = MeterConfig(make_meter(f"Meter {address[-12:].replace('/', '-')}").name, address, **fields)
    reader = Reader(config, kept.keep, kept.reject, synchronised=lambda: synchronised, patience=patience)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()
        reader.join(5)
        assert not reader.is_alive()


def told(reader: Reader) -> dict[str, Any]:
    """The state as pages see it."""
    return agent_states.read(live.connect(), reader.config.name)


def test_telegrams_on_the_wire_are_published_and_kept() -> None:
    kept = Kept()
    with P1Server() as server, reading(kept, server.address) as reader:
        server.send(b"in the middle of one\r\n" + b"".join(second_by_second(3)))
        until(lambda: len(kept.electricity()) == 3)
        until(lambda: told(reader).get("status") == "live")
        frame = live.last_frames(live.connect())[reader.config.name]
        assert frame["time"] == kept.electricity()[-1][5]
        assert abs(frame["received"] - time.time()) < 10
        assert frame["import_w"] == 402


def test_a_meter_that_goes_away_is_read_again_when_it_is_back_and_the_reason_is_told() -> None:
    kept = Kept()
    first, second = second_by_second(2)
    port = free_port()
    with reading(kept, f"socket://127.0.0.1:{port}") as reader:
        until(lambda: "nothing listens" in str(told(reader).get("error")))
        with P1Server(port) as server:
            server.send(first)
            until(lambda: told(reader).get("status") == "live")
            assert told(reader)["error"] is None
            server.hang_up(reset=True)
            until(lambda: server.connections == 2)
            server.send(second)
            until(lambda: len(kept.electricity()) == 2)


def test_a_cable_that_is_pulled_out_and_put_back_is_read_again() -> None:
    kept = Kept()
    telegrams = second_by_second(1000)
    with P1Cable("pulled") as cable, reading(kept, cable.address, baud=115200) as reader:
        cable.speak(telegrams, 0.02)
        until(kept.electricity)
        cable.vanish()
        until(lambda: told(reader)["status"] == "error")
        before = len(kept.electricity())
        cable.come_back()
        cable.speak(telegrams[500:], 0.02)
        until(lambda: len(kept.electricity()) > before)


def test_an_old_meter_at_9600_baud_is_recognised_and_the_person_is_told_what_was_tried_meanwhile() -> None:
    kept = Kept()
    with P1Cable("slow", baud=9600) as cable, reading(kept, cable.address) as reader:
        cable.speak([write(DSMR3, header=DSMR3_HEADER, plain=True)], 0.05)
        until(lambda: told(reader).get("status") == "unreadable")
        assert "Bytes come in, but no telegram" in told(reader)["error"]
        until(lambda: told(reader)["status"] == "live")
        assert (reader.state.baud, reader.state.dialect) == (9600, "v3")


def test_silence_tells_what_to_check_and_keeps_telling_it_while_the_port_is_opened_anew() -> None:
    kept = Kept()
    with P1Server() as server, reading(kept, server.address) as reader:
        until(lambda: told(reader).get("status") == "silent")
        assert "network operator" in told(reader)["error"]
        until(lambda: server.connections >= 2)
        assert told(reader)["status"] == "silent"
        server.send(belgium())
        until(lambda: told(reader)["status"] == "live")


def test_damaged_telegrams_are_kept_for_the_person_and_stop_none_of_the_others() -> None:
    kept = Kept()
    telegrams = second_by_second(40)
    for i in range(0, 40, 4):
        telegrams[i] = telegrams[i].replace(b"0-0:96.13.0()", b"0-0:96.13.0(\xff)")
    with P1Server() as server, reading(kept, server.address, patience=Patience()) as reader:
        server.send(b"".join(telegrams))
        until(lambda: len(kept.electricity()) == 30)
        assert [reason for reason, _detail in kept.rejects] == ["checksum"] * 10
        until(lambda: "25 %" in (told(reader).get("error") or ""))
        assert told(reader)["status"] == "live"
        assert (reader.told()["telegrams"], reader.told()["rejected"], reader.told()["damaged_pct"]) == (40, 10, 25)


def test_only_damaged_telegrams_is_told_with_the_reason() -> None:
    kept = Kept()
    with P1Cable("damaged") as cable, reading(kept, cable.address) as reader:
        cable.speak([belgium()[:-7] + b"!0000\r\n"], 0.05)
        until(lambda: told(reader).get("status") == "unreadable")
        assert "checksum does not match" in told(reader)["error"]
        assert reader.state.baud == 115200


def test_a_file_as_a_device_is_a_clear_error_and_never_opened() -> None:
    kept = Kept()
    with reading(kept, "/etc/passwd") as reader:
        until(lambda: "is no meter address" in str(told(reader).get("error")))
        assert told(reader)["status"] == "error"


def test_the_second_reader_of_a_port_names_the_problem_and_the_first_goes_on() -> None:
    kept, other = Kept(), Kept()
    with P1Cable("both") as cable, reading(kept, cable.address, baud=115200) as first:
        cable.speak(second_by_second(1000), 0.02)
        until(kept.electricity)
        config = MeterConfig(make_meter("Second").name, cable.address, baud=115200)
        second = Reader(config, other.keep, other.reject, patience=SHORT)
        second.start()
        until(lambda: "already being read by another meter" in str(told(second).get("error")))
        second.stop()
        second.join(5)
        before = len(kept.electricity())
        until(lambda: len(kept.electricity()) > before)
        assert first.state.status == "live"
        assert other.records == []


def test_a_meter_nine_months_slow_is_stored_at_the_true_time_and_the_person_is_told() -> None:
    kept = Kept()
    with P1Server() as server, reading(kept, server.address, synchronised=True) as reader:
        server.send(b"".join(second_by_second(5)))
        until(lambda: len(kept.electricity()) == 5)
        until(lambda: "corrected time" in str(told(reader).get("error")))
        assert "days behind" in told(reader)["error"]
    times = [record[5] for record in kept.electricity()]
    assert times == list(range(times[0], times[0] + 5))
    assert abs(times[0] - time.time()) < 10
    assert {record[6] for record in kept.electricity()} == {ElectricityReading.CLOCK_CORRECTED}


def test_a_trusted_meter_is_stored_at_its_own_time() -> None:
    kept = Kept()
    with P1Server() as server, reading(kept, server.address, synchronised=True, clock="meter"):
        server.send(belgium())
        until(kept.electricity)
    time_of = decode(belgium()).time
    assert time_of is not None
    assert kept.electricity()[0][5] == time_of.timestamp()


def test_a_slot_that_is_under_way_is_kept_when_the_meter_is_stopped() -> None:
    kept = Kept()
    with P1Server() as server, reading(kept, server.address, take="mean", slot_s=900) as reader:
        server.send(b"".join(second_by_second(3)))
        until(lambda: reader.state.telegrams == 3)
        assert kept.electricity() == []
    assert [record[7]["power_w"] for record in kept.electricity()] == [401]


def _sent_through(server: P1Server, telegram: bytes, client: socket.socket) -> bytes:
    """What the client has of a telegram just sent; b"" when nothing came soon."""
    server.send(telegram)
    with suppress(TimeoutError):
        return client.recv(65536)
    return b""


def test_the_raw_stream_is_shared_and_a_port_that_is_taken_stops_nothing() -> None:
    kept = Kept()
    port = free_port()
    telegram = belgium()
    with P1Server() as server, reading(kept, server.address, share_port=port):
        server.wait_for_client()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(0.1)
            until(lambda: _sent_through(server, telegram, client).startswith(b"/"))
        until(kept.electricity)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        P1Server() as server,
        reading(kept, server.address, share_port=taken.getsockname()[1]) as reader,
    ):
        server.send(telegram)
        until(lambda: "cannot be shared" in str(told(reader).get("error")))
        assert told(reader)["status"] == "live"


def test_a_homewizard_is_polled_and_the_same_telegram_twice_is_a_duplicate() -> None:
    kept = Kept()
    with HomeWizardLookalike() as device:
        device.telegram = belgium()
        with reading(kept, device.address) as reader:
            until(lambda: reader.intake.counts.duplicates >= 1)
    assert len(kept.electricity()) == 1


def test_a_fault_of_our_own_in_one_telegram_is_logged_and_the_next_one_is_read(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    first, second = second_by_second(2)
    broken = iter([True])

    def keep(records: list[Record]) -> bool:
        if next(broken, False):
            raise RuntimeError("a fault of our own")
        return kept.keep(records)

    reader = Reader(MeterConfig(make_meter().name, "socket://127.0.0.1:9"), keep, kept.reject)
    assert not reader.handle(first, time.time(), 1.0)
    assert reader.handle(second, time.time(), 2.0)
    assert len(kept.electricity()) == 1
    assert kept.rejects == [("fault", "RuntimeError('a fault of our own')")]


def test_an_offset_is_told_in_words() -> None:
    assert [duration(seconds) for seconds in (1, 45, 121, 3600, 90_000, 23_328_000)] == [
        "1 second",
        "45 seconds",
        "2 minutes",
        "1 hour",
        "1 day",
        "270 days",
    ]
