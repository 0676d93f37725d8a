"""The database goes away under a running web server: who is logged in stays so, live values go on, the rest says why it waits."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import requests
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from psycopg import sql
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from energysite import live, sockets, tokens
from tests.waiting import until
from tests.web_server import WebServer

pytestmark = pytest.mark.django_db(transaction=True)

FRAME = {"source": "Main", "time": 1700000000, "received": 1700000000.25, "import_w": 512, "export_w": 0}


@contextmanager
def nobody_connects() -> Iterator[None]:
    """PostgreSQL ends every connection to the tests' database and refuses new ones."""
    database = connection.settings_dict
    connection.close()
    with psycopg.connect(host=database["HOST"], user=database["USER"], dbname="postgres", autocommit=True) as admin:
        name = sql.Identifier(database["NAME"])
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        try:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database["NAME"]])
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


def test_who_was_logged_in_keeps_the_live_page_and_its_socket_while_the_database_is_away():
    owner = get_user_model().objects.create_superuser("ann the owner")
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    cookies = {"sessionid": client.cookies["sessionid"].value}
    token = tokens.issue("t", "viewer")
    server = WebServer()
    url, origin = f"ws://{server.host}/ws/live/", Origin(server.origin)
    live.client().flushdb()  # other tests' meters would be told of first
    publisher = live.Publisher()
    publisher.frame("Main", FRAME)

    def page(path: str) -> requests.Response:
        return requests.get(server.origin + path, cookies=cookies, timeout=20, allow_redirects=False)

    def headers() -> dict[str, str]:
        return {"Cookie": f"sessionid={cookies['sessionid']}"}

    try:
        assert "ann the owner" in page("/").text
        with connect(url, origin=origin, additional_headers=headers(), proxy=None) as before:
            assert json.loads(before.recv(timeout=5))["type"] == "hello"
            assert json.loads(before.recv(timeout=5))["full"]
            with nobody_connects():
                until(lambda: page("/healthz").status_code == 503, 20)
                now = page("/")
                assert now.status_code == 200
                assert "ann the owner" in now.text
                with connect(url, origin=origin, additional_headers=headers(), proxy=None) as during:
                    assert json.loads(during.recv(timeout=10))["type"] == "hello"
                    assert json.loads(during.recv(timeout=5))["import_w"] == 512
                    publisher.frame("Main", {**FRAME, "import_w": 600})
                    assert json.loads(before.recv(timeout=5))["import_w"] == 600
                with connect(url, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None) as unknown:
                    with pytest.raises(ConnectionClosed):
                        unknown.recv(timeout=10)
                    assert unknown.close_code == sockets.DATABASE_AWAY
                admin = page("/admin/auth/user/")
                assert (admin.status_code, "database does not answer" in admin.text) == (503, True)
                stranger = requests.get(server.origin + "/", timeout=20, allow_redirects=False, cookies={"sessionid": "never seen before"})
                assert stranger.status_code == 503
            until(lambda: page("/healthz").status_code == 200, 20)
            assert page("/admin/auth/user/").status_code == 200
    finally:
        server.stop()
    assert "Traceback" not in server.said(), server.said()
