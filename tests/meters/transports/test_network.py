import socket
import time
from collections.abc import Iterator

import pytest

from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters.transports import connect
from meters.transports.network import is_allowed, open_socket
from tests.emulators import telegrams
from tests.emulators.p1_tcp import P1Server
from tests.meters.transports.test_cable import next_telegram, soon

ONE = telegrams.write(telegrams.BELGIUM)


@pytest.fixture
def server() -> Iterator[P1Server]:
    with P1Server() as server:
        yield server


def test_bytes_come_as_soon_as_there_are_any(server: P1Server) -> None:
    transport = connect(server.address)
    server.send(ONE[:100])
    assert transport.read(soon()) == ONE[:100]
    server.send(b"\r\n" + ONE)
    assert next_telegram(transport) == ONE
    transport.close()


def test_silence_ends_at_the_deadline(server: P1Server) -> None:
    transport = connect(server.address)
    begin = time.monotonic()
    assert transport.read(begin + 0.2) == b""
    assert 0.15 < time.monotonic() - begin < 1
    transport.close()


def test_a_dead_peer_is_noticed_by_keepalive(server: P1Server) -> None:
    connection = open_socket("127.0.0.1", server.port, soon())
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
    connection.close()


def test_a_connection_that_ends_says_so_and_the_port_can_be_opened_again(server: P1Server) -> None:
    transport = connect(server.address)
    server.send(ONE)
    assert next_telegram(transport) == ONE
    server.hang_up()
    with pytest.raises(DeviceUnavailable, match="closed the connection"):
        transport.read(soon())
    transport.close()
    transport = connect(server.address)
    server.send(ONE)
    assert next_telegram(transport) == ONE
    server.hang_up(reset=True)
    with pytest.raises(DeviceUnavailable, match=r"broke: Connection reset by peer\."):
        transport.read(soon())
    transport.close()


def test_nothing_listening_says_so() -> None:
    with P1Server() as gone:
        pass
    with pytest.raises(DeviceUnavailable, match=f"127.0.0.1 is there, but nothing listens on its port {gone.port}"):
        connect(gone.address)


def test_an_unknown_name_says_so() -> None:
    with pytest.raises(DeviceUnavailable, match=r"The name p1\.invalid is not known on this network"):
        connect("socket://p1.invalid:8088")


def test_a_host_that_does_not_answer_ends_at_the_deadline() -> None:
    """A listener whose queue is full lets connections hang, as a switched-off host does."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for other in waiting:
        other.setblocking(False)
        other.connect_ex(full.getsockname())
    with pytest.raises(DeviceUnavailable, match="does not answer on port"):
        open_socket("127.0.0.1", full.getsockname()[1], soon(0.3))
    for other in (*waiting, full):
        other.close()


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "ff02::1"]
)
def test_addresses_that_no_meter_has_are_refused(address: str) -> None:
    assert not is_allowed(address, 8088)


@pytest.mark.parametrize("address", ["192.168.1.10", "10.0.0.1", "127.0.0.1", "::1", "fd00::1", "172.17.0.1"])
def test_addresses_of_a_house_are_allowed(address: str) -> None:
    assert is_allowed(address, 8088)


def test_link_local_addresses_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(DeviceConfigError, match="an address that no meter can have"):
        connect("socket://169.254.169.254:80")
    with pytest.raises(DeviceConfigError, match="an address that no meter can have"):
        connect("http://169.254.169.254")


def test_the_sites_own_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8765")
    with pytest.raises(DeviceConfigError, match="port 8765 is an address that no meter can have"):
        connect("http://localhost:8765")
    assert not is_allowed("127.0.0.9", 8765)


def test_the_sites_own_port_is_refused_at_every_address_of_this_machine_and_at_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    own = addresses_of_this_machine()
    if not own:
        pytest.skip("this machine has no address but loopback")
    monkeypatch.setenv("PORT", "8765")
    assert not any(is_allowed(address, 8765) for address in own)
    assert all(is_allowed(address, 8766) for address in own)
    assert is_allowed("192.0.2.7", 8765), "another machine may have a meter at that number"


def addresses_of_this_machine() -> list[str]:
    """Besides loopback and link-local ones, as the resolver knows them."""
    try:
        found = {str(answer[4][0]) for answer in socket.getaddrinfo(socket.gethostname(), None)}
    except socket.gaierror:
        return []
    return [address for address in found if not address.startswith(("127.", "::1", "fe80", "169.254"))]


def test_the_ports_of_database_and_valkey_are_refused_where_they_are_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://energysite@database/energysite")
    monkeypatch.setenv("REDIS_URL", "redis://valkey:6380/0")
    assert not is_allowed("172.17.0.3", 5432)
    assert not is_allowed("172.17.0.4", 6380)
    monkeypatch.setenv("DATABASE_URL", "postgresql://energysite@/energysite?host=/run/here")
    assert is_allowed("172.17.0.3", 5432), "behind a socket nothing listens there"
