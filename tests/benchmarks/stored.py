"""Telegram -> stored reading: through the reader of a running house, and in bulk."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tests.benchmarks.figures import Figure, figure
from tests.benchmarks.house import House
from tests.benchmarks.wire import Port, belgian, iskra
from tests.waiting import until

OTHERS = "dsmr-reader 6.6 ms, 115-139/s, keeps 17 % of 1 Hz telegrams"
PROCESSES = ("read_meters", "database", "live values")
LONGEST_S = 180


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    number = 2_000 if quick else 10_000
    begin = int(time.time()) - 86_400
    given = {"Iskra": iskra(begin, number), "Belgian, 13 peaks, gas, water": list(islice(belgian(begin), number))}
    with House() as house:
        for kind, telegrams in given.items():
            if telegrams is None:
                say(f"{kind}: skipped, its capture is not beside the repository")
                continue
            say(f"{kind}: {number} telegrams of {sum(map(len, telegrams)) // number} bytes through the reader")
            yield from _through_the_reader(house, kind, telegrams)
        for kind, telegrams in given.items():
            if telegrams is not None:
                say(f"{kind}: {number} telegrams in bulk")
                yield from _in_bulk(house, kind, telegrams)


ROWS = """
    SELECT count(*) FROM meters_electricityreading JOIN meters_source ON meters_source.id = source_id
    JOIN meters_meter ON meters_meter.id = meter_id WHERE meters_meter.name = %s"""


def _rows(house: House, meter: str) -> int:
    return int(house.query(ROWS, meter))


def _through_the_reader(house: House, kind: str, telegrams: Sequence[bytes]) -> Iterator[Figure]:
    """The clock runs from the first byte until the last row is committed, the wait for the batch included."""
    with Port() as port:
        house.inside("meter", kind, port.address)
        until(port.connected.is_set, 60, "the reader connects")
        port.send_all(telegrams[:20])  # the first ones find out dialect and source
        until(lambda: _rows(house, kind) == 20, 60, "the first telegrams are stored")
        before, began = {name: house.cpu_s([name]) for name in PROCESSES}, time.monotonic()
        port.send_all(telegrams[20:])
        _wait_for_rows(house, kind, len(telegrams))
        elapsed = time.monotonic() - began
        spent = {name: (house.cpu_s([name]) - before[name]) / (len(telegrams) - 20) * 1000 for name in PROCESSES}
    yield figure(f"telegram stored, {kind}: CPU all told", sum(spent.values()), "ms", "<= 1.5", OTHERS)
    yield figure(f"telegram stored, {kind}: of it the reader", spent["read_meters"], "ms")
    yield figure(f"telegram stored, {kind}: of it the database", spent["database"], "ms")
    yield figure(f"telegram stored, {kind}: of it Valkey", spent["live values"], "ms")
    yield figure(f"telegram stored, {kind}: telegrams a second", (len(telegrams) - 20) / elapsed, "1/s", ">= 700", OTHERS)


def _wait_for_rows(house: House, meter: str, number: int) -> None:
    """Looks four times a second, so that looking costs the database nothing that shows."""
    deadline = time.monotonic() + LONGEST_S
    while (found := _rows(house, meter)) < number:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{meter}: only {found} of {number} telegrams were stored within {LONGEST_S} s")
        time.sleep(0.25)


def _in_bulk(house: House, kind: str, telegrams: Iterable[bytes]) -> Iterator[Figure]:
    name, file = f"{kind} file", Path(house.folder / "telegrams.p1")
    data = list(telegrams)
    file.write_bytes(b"".join(data))
    house.inside("meter", name, "socket://127.0.0.1:9")
    before = house.cpu_s(["database"])
    answer = house.inside("bulk", name, str(file))
    if _rows(house, name) != len(data):
        raise RuntimeError(f"bulk: {_rows(house, name)} rows of {len(data)} telegrams: {answer}")
    database = house.cpu_s(["database"]) - before
    yield figure(f"bulk import, {kind}: telegrams a second", len(data) / answer["seconds"], "1/s", ">= 1000")
    yield figure(f"bulk import, {kind}: CPU a telegram, database included", (answer["cpu_s"] + database) / len(data) * 1000, "ms")
