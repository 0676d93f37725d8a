"""Names of devices, while the name server is well and while it hangs."""

import socket
import threading
import time
from typing import Any

import pytest

from energysite.errors import DeviceUnavailable
from meters.transports import names
from meters.transports.network import open_socket
from tests.waiting import until


class HangingNameServer:
    """In place of the system's look-up of names; addresses are no names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answers = threading.Event()
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: int, *args: Any, flags: int = 0, **kwargs: Any) -> Any:
        if flags & socket.AI_NUMERICHOST:
            return self._real(host, port, type=socket.SOCK_STREAM, flags=flags)
        self.asked.append(host)
        self.answers.wait(10)
        return self._real("127.0.0.1", port, type=socket.SOCK_STREAM)


def test_an_address_is_asked_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    server = HangingNameServer(monkeypatch)
    assert names.addresses_of("127.0.0.1", 80, time.monotonic())[0][4] == ("127.0.0.1", 80)
    assert names.addresses_of("::1", 80, time.monotonic())[0][4][:2] == ("::1", 80)
    assert server.asked == []


def test_a_name_is_looked_up() -> None:
    assert names.addresses_of("localhost", 80, time.monotonic() + 5)


def test_a_name_that_is_none_is_told() -> None:
    with pytest.raises(DeviceUnavailable, match="is not known on this network"):
        open_socket("nobody..invalid", 80, time.monotonic() + 5)


def test_a_name_server_that_hangs_is_given_up_at_the_deadline_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = HangingNameServer(monkeypatch)
    began = time.monotonic()
    for _again in range(3):
        with pytest.raises(DeviceUnavailable, match=r"inverter\.lan.*address instead of its name"):
            open_socket("inverter.lan", 80, time.monotonic() + 0.05)
    assert time.monotonic() - began < 1
    assert server.asked == ["inverter.lan"]
    server.answers.set()
    until(
        lambda: names.addresses_of("inverter.lan", 80, time.monotonic() + 5) and len(server.asked) > 1, message="a look-up after the hang"
    )
