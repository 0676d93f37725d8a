"""Websockets when Valkey dies and returns, when a reader is slow, when a session ends, when the database is away."""

import json
import socket as sockets_of_the_system
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dashboard.consumers import LiveConsumer, off_loop
from energysite import embedded, live, sockets, tokens
from tests.waiting import until
from tests.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)

FRAME = {"source": "Main", "time": 1700000000, "received": 1700000000.25, "power_w": 512}


@contextmanager
def valkey_of_its_own(folder: Path) -> Iterator[embedded.Valkey]:
    (folder / "run").mkdir(mode=0o700)
    server = embedded.Valkey(folder, folder / "run", None)
    server.start()
    try:
        server.wait_ready(10)
        yield server
    finally:
        server.stop()


@contextmanager
def web(*options: str, **environment: str) -> Iterator[WebServer]:
    server = WebServer(*options, **environment)
    try:
        yield server
    finally:
        server.stop()


def publisher_to(url: str) -> live.Publisher:
    return live.Publisher(redis.Redis.from_url(url, socket_timeout=0.4, retry=live.connect().get_retry()))


class Ticker:
    """Publishes a frame every 50 ms, as a meter that never stops; `seen` collects what a socket receives."""

    def __init__(self, publisher: live.Publisher) -> None:
        self.publisher = publisher
        self.number = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._end.wait(0.05):
            self.number += 1
            self.publisher.frame("Main", {**FRAME, "time": self.number, "received": self.number})

    def __enter__(self) -> "Ticker":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()


def test_after_valkey_was_killed_a_socket_ends_with_its_code_and_the_next_one_is_live(tmp_path):
    with valkey_of_its_own(tmp_path) as valkey, web(REDIS_URL=valkey.url) as server, Ticker(publisher_to(valkey.url)) as ticker:
        headers = {"Authorization": f"Bearer {tokens.issue('t', 'viewer')}"}
        url = f"ws://{server.host}/ws/live/"
        with connect(url, additional_headers=headers, proxy=None) as socket:
            times = [json.loads(socket.recv(timeout=5)).get("time") for _ in range(5)]
            assert times[-1] is not None
            assert valkey.process is not None
            valkey.process.kill()
            valkey.process.wait(5)
            before = ticker.number
            until(lambda: ticker.number > before + 5)
            valkey.start()
            valkey.wait_ready(10)
            back = ticker.number
            with pytest.raises(ConnectionClosed):
                while True:
                    message = json.loads(socket.recv(timeout=10))
                    assert message["time"] <= before + 1, "a frame after a gap, without a word about the gap"
            assert socket.close_code == sockets.RESTART
            ended = ticker.number
        with connect(url, additional_headers=headers, proxy=None) as socket:
            assert json.loads(socket.recv(timeout=5))["type"] == "hello"
            first, second = [json.loads(socket.recv(timeout=5))["time"] for _ in range(2)]
            assert second == first + 1
        assert (ended - back) * 0.05 < 5, "it noticed within seconds"
        assert server.said().count("Traceback") == 0, server.said()


def test_without_valkey_a_socket_is_refused_and_the_page_may_try_again(tmp_path):
    with valkey_of_its_own(tmp_path) as valkey, web(REDIS_URL=valkey.url) as server:
        valkey.stop()
        headers = {"Authorization": f"Bearer {tokens.issue('t', 'viewer')}"}
        for _ in range(3):
            with pytest.raises(Exception, match="403"):
                connect(f"ws://{server.host}/ws/live/", additional_headers=headers, proxy=None).__enter__()
        valkey.start()
        valkey.wait_ready(10)

        def live_again() -> bool:
            with connect(f"ws://{server.host}/ws/live/", additional_headers=headers, proxy=None) as socket:
                return json.loads(socket.recv(timeout=5))["type"] == "hello"

        assert until(live_again, 10)
        assert "Traceback" not in server.said()


def test_a_reader_that_never_reads_is_cut_off():
    """Its answer to a ping cannot come before it has read what lies in front of it: what waits for it is bounded by time."""
    token = tokens.issue("t", "viewer")
    with web("--ping-interval", "1", "--ping-timeout", "2") as server, sockets_of_the_system.socket() as slow:
        publisher = live.Publisher()
        slow.setsockopt(sockets_of_the_system.SOL_SOCKET, sockets_of_the_system.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(
            f"GET /ws/live/ HTTP/1.1\r\nHost: {server.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        assert b" 101 " in slow.recv(300)
        until(listeners)
        for number in range(1000):
            publisher.frame("Main", {**FRAME, "time": number, "received": number, "padding": str(number % 10) * 12_000})
        until(lambda: not listeners(), 20, "the slow reader is cut off")


def listeners() -> int:
    return live.client().pubsub_numsub(live.group_channel(live.LIVE_GROUP))[0][1]


class Rechecking(LiveConsumer):
    recheck_s = 0.05


@asynccontextmanager
async def opened(cookie: str) -> AsyncIterator[ApplicationCommunicator]:
    """The consumer without daphne. Not channels.testing: that one keeps database connections from being given back."""
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"cookie", cookie.encode())]
    talk = ApplicationCommunicator(Rechecking.as_asgi(), {"type": "websocket", "path": "/ws/live/", "headers": headers})
    await talk.send_input({"type": "websocket.connect"})
    assert (await talk.receive_output(5))["type"] == "websocket.accept"
    assert json.loads((await talk.receive_output(5))["text"])["type"] == "hello"
    yield talk
    await talk.send_input({"type": "websocket.disconnect", "code": 1006})
    await talk.wait(5)


def a_session(role: str) -> tuple[Any, str]:
    user = get_user_model().objects.create_user("ann", password="long enough 1")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user, f"sessionid={client.cookies['sessionid'].value}"


async def rechecked(change: Callable[[Any], Any]) -> int:
    """The close code after something about the user changed."""
    user, cookie = await off_loop(a_session, "viewer")
    async with opened(cookie) as talk:
        await off_loop(change, user)
        while (message := await talk.receive_output(5))["type"] != "websocket.close":
            pass
    return message["code"]


async def test_a_socket_ends_when_its_session_does():
    assert await rechecked(lambda user: (user.set_password("another 1"), user.save())) == sockets.LOGIN


async def test_a_socket_ends_when_its_right_does():
    assert await rechecked(lambda user: user.groups.clear()) == sockets.FORBIDDEN


async def test_a_socket_ends_when_its_account_is_switched_off():
    assert await rechecked(lambda user: type(user).objects.filter(pk=user.pk).update(is_active=False)) == sockets.LOGIN
