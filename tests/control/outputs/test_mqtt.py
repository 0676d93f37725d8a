"""A switch behind an MQTT broker: rule 9, never retained, QoS 1, with credentials; and what a broker may do."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from control.outputs import mqtt_packets
from control.outputs.mqtt import Mqtt
from energysite.errors import DeviceConfigError, DeviceUnavailable
from tests.emulators.mqtt_broker import Broker
from tests.waiting import until

COMMANDS, STATES = "cmnd/pump/POWER", "stat/pump/POWER"


def soon(seconds: float = 3.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker(login=("ann", "hush-hush-7"), device=(COMMANDS, STATES)) as broker:
        yield broker


def driver_of(broker: Broker, password: str = "hush-hush-7", state_topic: str = STATES) -> Mqtt:
    return Mqtt(broker.address, COMMANDS, state_topic=state_topic, username="ann", password=password)


def test_rule_9_commands_are_never_retained_and_acknowledged(broker: Broker) -> None:
    with closing(driver_of(broker)) as driver:
        driver.apply(1.0, 30, soon())
        driver.apply(0.0, 30, soon())
        driver.safe(soon())
    assert broker.published == [{"topic": COMMANDS, "text": text, "qos": 1, "retain": False} for text in ("ON", "OFF", "OFF")]
    assert broker.connects == 1, "one connection is kept"


def test_the_state_is_what_the_device_told_after_the_last_command(broker: Broker) -> None:
    with closing(driver_of(broker)) as driver:
        assert driver.read(soon()).level is None, "nobody has said anything yet"
        driver.apply(1.0, 30, soon())
        assert driver.read(soon()).level == 1.0
        assert broker.acknowledged == [b"\x00\x07"], "or the broker would send it again"
        broker.tell(STATES, "off")
        assert driver.read(soon()).level == 0.0, "a person pressed its button"
        broker.device = None
        driver.apply(1.0, 30, soon())
        assert driver.read(soon()).level is None, "an old word confirms no new command"
        assert driver.heard == f"{STATES}: off"


def test_a_retained_state_is_heard_and_another_topic_is_not(broker: Broker) -> None:
    broker.retained = (STATES, "ON")
    with closing(driver_of(broker)) as driver:
        until(lambda: driver.read(soon()).level == 1.0, 3, "the retained state was not heard")
        broker.tell("stat/other/POWER", "OFF")
        assert driver.read(soon()).level == 1.0


def test_without_a_topic_of_the_state_nothing_is_read_back(broker: Broker) -> None:
    with closing(driver_of(broker, state_topic="")) as driver:
        driver.apply(1.0, 30, soon())
        assert driver.read(soon()).level is None


def test_a_broker_that_was_restarted_is_connected_to_anew(broker: Broker) -> None:
    with closing(driver_of(broker)) as driver:
        driver.apply(1.0, 30, soon())
        broker.cut()
        driver.safe(soon())
        broker.cut()
        driver.read(soon())
    assert broker.connects == 3
    assert broker.published[-1]["text"] == "OFF"


def test_a_wrong_password_is_told_without_it(broker: Broker) -> None:
    with closing(driver_of(broker, "guess-guess")) as driver, pytest.raises(DeviceConfigError, match="user or the password") as told:
        driver.safe(soon())
    assert "guess" not in str(told.value)
    broker.code = 3
    with closing(driver_of(broker, "guess-guess")) as driver, pytest.raises(DeviceUnavailable, match="no connection now"):
        driver.safe(soon())


def test_a_topic_that_its_user_may_not_hear_is_told(broker: Broker) -> None:
    broker.forbidden = {STATES}
    with closing(driver_of(broker)) as driver, pytest.raises(DeviceConfigError, match=STATES):
        driver.read(soon())


def test_rule_1_a_broker_that_says_nothing_is_given_up_at_the_deadline(broker: Broker) -> None:
    broker.mute = True
    began = time.monotonic()
    with closing(driver_of(broker)) as driver, pytest.raises(DeviceUnavailable, match="too long"):
        driver.safe(soon(0.2))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4, b"\x20\xff\xff\xff\xff\xff", b"\x30\x02\x00\x09"])
def test_what_is_no_broker_is_told(greeting: bytes, broker: Broker) -> None:
    broker.greeting, broker.mute = greeting, True
    with closing(driver_of(broker)) as driver, pytest.raises(DeviceUnavailable, match=r"no MQTT broker|too long"):
        driver.safe(soon(0.3))


def test_packets_that_come_in_pieces_or_together_are_taken_whole() -> None:
    packets = mqtt_packets.publish("t", "x" * 200, 7) + mqtt_packets.acknowledge(9)
    buffer = bytearray()
    found = []
    for byte in packets:
        buffer.append(byte)
        found += list(mqtt_packets.take(buffer))
    assert [packet.kind for packet in found] == [mqtt_packets.PUBLISH, mqtt_packets.PUBACK]
    message = mqtt_packets.message(found[0])
    assert (message.topic, message.text, message.number, message.retained) == ("t", "x" * 200, 7, False)
    assert mqtt_packets.number_of(found[1]) == 9
    assert buffer == b""
    assert len(list(mqtt_packets.take(bytearray(packets * 2)))) == 4


def test_a_packet_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(mqtt_packets.Garbled):
        list(mqtt_packets.take(bytearray(b"\x30\xff\xff\xff\x7f")))
