"""Publishing to a real Valkey: the wire format, what is kept, and what happens while it is away."""

import asyncio
import time

import hypothesis.strategies as st
import pytest
import redis
from channels.layers import get_channel_layer
from hypothesis import given

from energysite import live

FRAME = {"source": "Main", "time": 1700000000, "received": 1700000000.25, "power_w": 512, "l1_w": None}


def test_the_last_frame_of_each_source_is_kept():
    publisher = live.Publisher()
    assert publisher.frame("Main", FRAME)
    assert publisher.frame("Garage", {**FRAME, "source": "Garage", "power_w": -3})
    frames = live.last_frames(live.connect())
    assert frames["Main"] == FRAME
    assert frames["Garage"]["power_w"] == -3


async def test_a_frame_reaches_a_member_of_the_channels_group_with_numbers_that_grow():
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(live.LIVE_GROUP, channel)
    publisher = live.Publisher()
    for _ in range(2):
        await asyncio.to_thread(publisher.frame, "Main", FRAME)
    first, second = [await asyncio.wait_for(layer.receive(channel), 5) for _ in range(2)]
    await layer.flush()
    assert first["type"] == "live.frame"
    assert first["frame"] == FRAME
    assert (first["publisher"], first["number"] + 1) == (second["publisher"], second["number"])


def test_the_messages_are_packed_as_the_channel_layer_packs_them():
    message = {"type": "live.frame", "publisher": "a", "number": 7, "frame": FRAME}
    assert live.packed(message) == get_channel_layer().serialize(message)


def test_a_publisher_without_redis_drops_quickly_and_never_raises(tmp_path):
    gone = redis.Redis.from_url(f"unix://{tmp_path}/none.sock", socket_timeout=0.2)
    publisher = live.Publisher(gone)
    began = time.monotonic()
    assert [publisher.frame("Main", FRAME) for _ in range(20)] == [False] * 20
    assert time.monotonic() - began < 1
    assert publisher.dropped == 20


def test_processes_say_what_they_do_and_that_they_live():
    assert live.set_process_state("read_meters", {"spool_bytes": 12})
    assert live.heartbeat("worker")
    assert live.process_states()["read_meters"]["spool_bytes"] == 12
    assert abs(live.process_states()["read_meters"]["at"] - time.time()) < 5
    assert abs(live.heartbeats()["worker"] - time.time()) < 5


values = st.dictionaries(st.sampled_from(["power_w", "l1_w", "gas_l", "tariff"]), st.one_of(st.none(), st.integers(-9, 9)))
frames = st.builds(
    lambda source, t, rest: {"source": source, "time": t, "received": t + 0.5, **rest}, st.sampled_from("AB"), st.integers(0, 99), values
)


@given(st.lists(frames, max_size=30))
def test_a_client_that_merges_what_it_is_sent_always_holds_the_last_frame(sequence):
    changes = live.Changes()
    client: dict[str, dict[str, object]] = {}
    for frame in sequence:
        message = changes.frame(frame)
        source = message["source"]
        if message.get("full"):
            client[source] = {}
        client[source] |= {key: value for key, value in message.items() if key not in ("type", "full")}
        # "None" and "not there" are the same to a client.
        assert {k: v for k, v in client[source].items() if v is not None} == {k: v for k, v in frame.items() if v is not None}


def test_only_what_changed_is_sent_again():
    changes = live.Changes()
    changes.frame(FRAME)
    later = {**FRAME, "time": 1700000001, "received": 1700000001.25, "gas_l": 3}
    del later["power_w"]
    assert changes.frame(later) == {
        "type": "frame",
        "source": "Main",
        "time": 1700000001,
        "received": 1700000001.25,
        "gas_l": 3,
        "power_w": None,
    }


def numbered(number, publisher="a", source="Main"):
    return {"type": "live.frame", "publisher": publisher, "number": number, "frame": {**FRAME, "source": source, "time": number}}


def told(changes, message):
    said = changes.told(message)
    assert said is not None
    return said


def test_a_frame_is_told_once_and_a_lost_one_is_noticed():
    changes = live.Changes()
    assert told(changes, numbered(7))["full"]
    assert changes.told(numbered(7)) is None, "published while the last frames were read"
    assert changes.told(numbered(6)) is None
    assert told(changes, numbered(8))["time"] == 8
    assert told(changes, numbered(1, source="Garage"))["full"], "each source counts for itself"
    assert told(changes, numbered(1, publisher="b"))["time"] == 1, "a reader that was started anew counts from one"
    with pytest.raises(live.FramesLost):
        changes.told(numbered(10))


def test_the_number_of_the_last_frame_is_kept_with_it_so_that_a_loss_right_after_it_is_noticed():
    publisher = live.Publisher()
    publisher.frame("Main", FRAME)
    changes = live.Changes()
    changes.told(live.last_messages()["Main"])
    publisher.frame("Main", FRAME)
    publisher.frame("Main", FRAME)
    with pytest.raises(live.FramesLost):
        changes.told(live.last_messages()["Main"])
