"""What a stranger may send, through the real web process."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from energysite.web import LARGEST_BODY
from tests.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def web(django_db_setup: None, django_db_blocker: Any) -> Iterator[WebServer]:
    with django_db_blocker.unblock():
        server = WebServer()
    yield server
    server.stop()


def answer(web: WebServer, head: bytes, *body: bytes) -> bytes:
    """The whole answer to a POST of /logout/ with these further headers, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(b"POST /logout/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + b"\r\n\r\n")
        try:
            for part in body:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while it was still being sent
        with connection.makefile("rb") as stream:
            return stream.read()


def test_a_body_announced_as_too_large_is_refused_before_any_of_it_is_sent(web):
    assert answer(web, b"Content-Length: %d" % (LARGEST_BODY + 1)).startswith(b"HTTP/1.1 413 ")
    assert "Traceback" not in web.said()


def test_a_body_in_chunks_ends_where_it_becomes_too_large(web):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    parts = [chunk] * (LARGEST_BODY // 0x10000)
    assert answer(web, b"Transfer-Encoding: chunked", *parts, b"1\r\n", b"xx").startswith(b"HTTP/1.1 413 ")
    assert "Traceback" not in web.said()


def test_a_body_as_large_as_a_form_may_be_is_read_and_judged_by_the_page(web):
    for head, body in (
        (b"Content-Length: %d" % LARGEST_BODY, [b"x" * LARGEST_BODY]),
        (b"Transfer-Encoding: chunked", [b"186a0\r\n" + b"x" * 100_000 + b"\r\n0\r\n\r\n"]),
    ):
        assert answer(web, head, *body).startswith(b"HTTP/1.1 403 "), "it has no CSRF token"
