import socket
from collections.abc import Iterator

import pytest

from energysite.errors import DeviceConfigError
from meters.share import BACKLOG_BYTES, MOST_CLIENTS, Share
from meters.transports import connect
from tests.emulators import telegrams
from tests.meters.transports.test_cable import next_telegram
from tests.waiting import until

ONE = telegrams.write(telegrams.BELGIUM)


@pytest.fixture
def share() -> Iterator[Share]:
    share = Share(0)
    yield share
    share.close()


def client(share: Share, count: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", share.port), timeout=5)
    until(lambda: share.clients == count, message=f"{count} clients")
    return connection


def test_several_programs_read_the_same_telegrams(share: Share) -> None:
    first, second = client(share, 1), client(share, 2)
    share.send(ONE)
    for connection in (first, second):
        assert connection.recv(len(ONE), socket.MSG_WAITALL) == ONE
        connection.close()


def test_the_shared_port_is_a_network_port_like_any_other(share: Share) -> None:
    transport = connect(f"socket://127.0.0.1:{share.port}")
    until(lambda: share.clients == 1)
    share.send(ONE)
    assert next_telegram(transport) == ONE
    transport.close()


def test_only_this_machine_can_connect(share: Share) -> None:
    assert share._listener.getsockname()[0] == "127.0.0.1"


def test_a_program_that_does_not_read_is_dropped_and_the_others_lose_nothing(share: Share) -> None:
    slow, quick = client(share, 1), client(share, 2)
    sent = 0
    while share.clients == 2:
        share.send(ONE)
        assert quick.recv(len(ONE), socket.MSG_WAITALL) == ONE
        sent += len(ONE)
        assert sent < 100 * BACKLOG_BYTES, "the slow program is never dropped"
    share.send(ONE)
    assert quick.recv(len(ONE), socket.MSG_WAITALL) == ONE
    slow.close()
    quick.close()


def test_a_program_that_left_is_forgotten(share: Share) -> None:
    client(share, 1).close()

    def gone() -> bool:
        share.send(ONE)
        return share.clients == 0

    until(gone)


def test_too_many_programs_are_turned_away(share: Share) -> None:
    taken = [client(share, count) for count in range(1, MOST_CLIENTS + 1)]
    with socket.create_connection(("127.0.0.1", share.port), timeout=5) as one_more:
        assert one_more.recv(1) == b""
    for connection in taken:
        connection.close()


def test_a_closed_share_frees_its_port_and_disconnects() -> None:
    share = Share(0)
    connection = client(share, 1)
    share.close()
    assert connection.recv(1) == b""
    connection.close()
    again = Share(share.port)
    again.close()


def test_a_port_that_is_taken_says_so(share: Share) -> None:
    with pytest.raises(DeviceConfigError, match=f"cannot be shared on port {share.port}: Address already in use"):
        Share(share.port)
