"""The other end of the cable: telegrams to send, and the TCP port that sends them."""

import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice

from meters.p1 import checksum
from meters.p1.framer import Framer
from tests.emulators import telegrams
from tests.meters import captures

WINTER = timedelta(hours=1)
COUNTER = re.compile(rb"(1-0:[12]\.8\.[12]\()(\d{6})\.(\d{3})(\*kWh\))")
STAMP = re.compile(rb"0-0:1\.0\.0\(\d{12}[SW]\)")


def stamp(epoch: int) -> str:
    """In winter time the whole year round: the letter says so."""
    return (datetime.fromtimestamp(epoch, UTC) + WINTER).strftime("%y%m%d%H%M%SW")


def belgian(begin: int) -> Iterator[bytes]:
    """A telegram for each second from `begin` (epoch): 13 peaks, gas and water every five minutes, counters that count."""
    peaks = telegrams.thirteen_peaks()
    for i in count():
        epoch = begin + i
        fives = stamp(epoch - epoch % 300)
        power = 400 + 37 * i % 5000
        lines = {
            "0-0:1.0.0": f"0-0:1.0.0({stamp(epoch)})",
            "1-0:1.8.1": f"1-0:1.8.1({(661_701 + i) // 1000:06}.{(661_701 + i) % 1000:03}*kWh)",
            "1-0:1.4.0": f"1-0:1.4.0({power / 1000:06.3f}*kW)",
            "0-0:98.1.0": peaks,
            "1-0:1.7.0": f"1-0:1.7.0({power / 1000:06.3f}*kW)",
            "1-0:21.7.0": f"1-0:21.7.0({power / 3000:06.3f}*kW)",
            "1-0:32.7.0": f"1-0:32.7.0({230 + i % 50 / 10:05.1f}*V)",
            "1-0:31.7.0": f"1-0:31.7.0({power / 690:06.2f}*A)",
            "0-1:24.2.3": f"0-1:24.2.3({fives})({(112_384 + i // 300) / 1000:09.3f}*m3)",
            "0-2:24.2.1": f"0-2:24.2.1({fives})({(872_234 + i // 300) / 1000:09.3f}*m3)",
        }
        yield telegrams.belgium(**lines)


def iskra(begin: int, number: int) -> list[bytes] | None:
    """The ten-minute capture over and over, each telegram with a second and counters of its own; None where it is absent."""
    path = captures.FOLDER / captures.ISKRA
    if not path.exists():
        return None
    original = Framer().feed(path.read_bytes())
    return list(islice(_restamped(original, begin), number))


def _restamped(original: Sequence[bytes], begin: int) -> Iterator[bytes]:
    for i in count():
        body = original[i % len(original)].rpartition(b"!")[0] + b"!"
        body = STAMP.sub(f"0-0:1.0.0({stamp(begin + i)})".encode(), body)
        rounds = 1000 * (i // len(original))  # the counters of the next round go on above those of the last
        body = COUNTER.sub(partial(_raised, rounds), body)
        yield body + checksum.of(body) + b"\r\n"


def _raised(wh: int, found: re.Match[bytes]) -> bytes:
    value = int(found[2]) * 1000 + int(found[3]) + wh
    return b"%s%06d.%03d%s" % (found[1], value // 1000, value % 1000, found[4])


class Port:
    """A P1 port on TCP for one reader. `connected` is set as long as one is there."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"socket://127.0.0.1:{self.port}"
        self.connected = threading.Event()
        self._reader: socket.socket | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                reader, _address = self._listener.accept()
            except OSError:
                return  # closed
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = reader
            self.connected.set()

    def send(self, data: bytes) -> float:
        """Blocks until the kernel has it. The monotonic time just before the last byte was handed over."""
        assert self._reader is not None
        if len(data) > 1:
            self._reader.sendall(data[:-1])
        last = time.monotonic()
        self._reader.sendall(data[-1:])
        return last

    def send_all(self, data: Iterable[bytes]) -> None:
        """As fast as the reader takes it."""
        assert self._reader is not None
        self._reader.sendall(b"".join(data))

    def close(self) -> None:
        self._listener.close()
        if self._reader is not None:
            self._reader.close()

    def __enter__(self) -> "Port":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
