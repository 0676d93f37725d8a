"""Readings and blocks as CSV: whole, exact, for everybody who may look, and at the pace of who reads them."""

import csv
import socket
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from dashboard import downloads
from energysite import addresses
from meters.models import Block, Source
from tests.meters.rows import electricity, make_meter, make_source, volume
from tests.waiting import until
from tests.web_server import WebServer

BEGIN = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Brussels, of the day with 23 hours


def client(role: str = "viewer") -> Client:
    user = get_user_model().objects.create_user(role)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    made = Client(headers={"host": "localhost"})
    made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return made


def asked(source: Source, what: str, start: str = "2026-03-29", end: str = "2026-03-29") -> dict[str, str]:
    return {"source": str(source.pk), "what": what, "start": start, "end": end}


def rows(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"

    async def whole() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return list(csv.DictReader(async_to_sync(whole)().decode().splitlines()))


@pytest.mark.django_db
def test_every_reading_of_the_local_days_and_no_other(monkeypatch):
    monkeypatch.setattr(downloads, "PAGE_ROWS", 7)
    source = make_source(make_meter())
    every = timedelta(minutes=30)
    electricity(source, [(BEGIN + i * every, {"import_t1_wh": 100 + i, "power_w": 50 - i, "l1_dv": 2307}) for i in range(-3, 50)])
    response = client().get("/data/download/", asked(source, "readings"))
    assert response["Content-Disposition"] == 'attachment; filename="main-electricity-1-readings-2026-03-29-2026-03-29.csv"'
    found = rows(response)
    assert [row["time"] for row in found] == [f"{BEGIN + i * every:%Y-%m-%dT%H:%M:%SZ}" for i in range(46)], "23 hours"
    assert [row["import_t1_wh"] for row in found] == [str(100 + i) for i in range(46)]
    assert (found[10]["import_w"], found[10]["export_w"], found[10]["l1_v"], found[10]["export_t1_wh"]) == ("40", "0", "230.7", "")


@pytest.mark.django_db
def test_volumes_carry_the_name_of_their_medium():
    source = make_source(make_meter(), "gas")
    volume(source, [(BEGIN, 5)])
    assert rows(client().get("/data/download/", asked(source, "readings"))) == [{"time": "2026-03-28T23:00:00Z", "gas_l": "5"}]


@pytest.mark.django_db
def test_quarters_and_days_with_energy_power_and_coverage():
    source = make_source(make_meter())
    fields = {"energy1": 250, "min1": 1, "mean1": 1000, "max1": 2000, "state": "closed", "recovered": False}
    Block.objects.create(source=source, length_s=900, start=BEGIN, end=BEGIN + timedelta(minutes=15), covered_s=450, **fields)
    Block.objects.create(
        source=source,
        length_s=86_400,
        start=BEGIN,
        end=BEGIN + timedelta(hours=23),
        covered_s=82_800,
        local_date=date(2026, 3, 29),
        **fields,
    )
    who = client()
    (quarter,) = rows(who.get("/data/download/", asked(source, "quarters")))
    assert (quarter["start"], quarter["until"]) == ("2026-03-28T23:00:00Z", "2026-03-28T23:15:00Z")
    assert (quarter["import_t1_wh"], quarter["power_w_max"], quarter["coverage"]) == ("250", "2000", "0.5000")
    (day,) = rows(who.get("/data/download/", asked(source, "days")))
    assert (day["day"], day["coverage"], day["state"]) == ("2026-03-29", "1.0000", "closed")


@pytest.mark.django_db
def test_what_was_asked_wrongly_shows_the_form_again():
    source = make_source(make_meter())
    who = client()
    assert who.get("/data/download/").status_code == 200
    for wrong in ({"end": "2026-03-28"}, {"source": "77"}, {"what": "secrets"}, {"start": "yesterday"}):
        response = who.get("/data/download/", {**asked(source, "readings"), **wrong})
        assert response.status_code == 400
        assert b"field__errors" in response.content


@pytest.mark.django_db
def test_a_stranger_downloads_nothing():
    source = make_source(make_meter())
    response = Client(headers={"host": "localhost"}).get("/data/download/", asked(source, "readings"))
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


@pytest.mark.django_db(transaction=True)
def test_a_download_that_nobody_reads_on_is_made_no_further_and_holds_up_no_page():
    source = make_source(make_meter())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO meters_electricityreading (source_id, time, import_t1_wh, flags)"
            " SELECT %s, %s::timestamptz + i * interval '1 s', i, 0 FROM generate_series(0, 399999) AS i",
            [source.pk, BEGIN],
        )
    session = client().cookies["sessionid"].value
    server = WebServer()
    try:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(30)
            slow.connect(("127.0.0.1", server.port))
            path = f"/data/download/?source={source.pk}&what=readings&start=2026-03-29&end=2026-04-10"
            slow.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid={session}\r\nConnection: close\r\n\r\n".encode())
            assert slow.recv(1000).startswith(b"HTTP/1.1 200")
            until(lambda: settled(server), 30, "it makes no more of the answer")
            assert addresses.answers("127.0.0.1", server.port, "/setup/") == 200
            with connection.cursor() as cursor:  # what it has not read by now it does not find any more
                cursor.execute("DELETE FROM meters_electricityreading WHERE time >= %s", [BEGIN + timedelta(seconds=350_000)])
            lines = b"".join(iter(lambda: slow.recv(1 << 20), b"")).count(b"Z,")
        assert 300_000 < lines <= 350_000, "all that was there when it was asked for"
        assert "Traceback" not in server.said()
    finally:
        server.stop()


def settled(server: WebServer) -> bool:
    """For a second neither the server nor the database did anything for it."""
    pid, pause = server.process.pid, threading.Event()
    used, idle = cpu(pid), True
    for _look in range(10):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
            )
            idle = idle and cursor.fetchone()[0] == 0
        pause.wait(0.1)
    return idle and cpu(pid) - used <= 2


def cpu(pid: int) -> int:
    """Hundredths of a second."""
    return sum(int(word) for word in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])
