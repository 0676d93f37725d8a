"""The import page and its process: who may, what is refused, one at a time, and what is said when it ends badly."""

import os
import re
import resource
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from energysite import children, confirm, uploads
from energysite.locks import Lock
from meters.exchange import child
from meters.exchange.child import Stage
from meters.models import ElectricityReading, Source
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The processes that are started use the tests' own database, and none is left behind."""
    database = connection.settings_dict
    monkeypatch.setenv("DATABASE_URL", f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}")
    yield
    child.cancel()
    until(lambda: not child.current().runs, 15, "the import ends")
    child.discard()


def somebody(role: str = "owner", **options: Any) -> Client:
    user = get_user_model().objects.create_user(f"a {role}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client(headers={"host": "localhost"}, **options)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def readings(rows: int) -> bytes:
    lines = (f"{(BEGIN + i * timedelta(seconds=10)):%Y-%m-%dT%H:%M:%SZ},{1_000_000 + i}" for i in range(rows))
    return ("time,import_t1_wh\n" + "\n".join(lines) + "\n").encode()


def begin(client: Client, size: int, name: str = "old.csv") -> Any:
    return client.post("/settings/import/begin/", {"name": name, "size": size}, headers={"accept": "application/json"})


def send(client: Client, identity: str, offset: int, part: bytes) -> Any:
    path = f"/settings/import/part/?upload={identity}&offset={offset}"
    return client.post(path, part, content_type="application/octet-stream", headers={"accept": "application/json"})


def uploaded(client: Client, content: bytes) -> None:
    identity = begin(client, len(content)).json()["id"]
    for offset in range(0, len(content), uploads.PART_BYTES):
        assert send(client, identity, offset, content[offset : offset + uploads.PART_BYTES]).status_code == 200


def waited(stage: Stage, timeout_s: float = 60) -> child.Import:
    return until(lambda: (now := child.current()).stage is stage and now, timeout_s, lambda: f"{stage}, not {child.current()}")  # type: ignore[return-value]


def runner() -> int:
    pid = child._holder()
    assert pid is not None
    return pid


# What is taken


def test_an_upload_larger_than_allowed_is_refused_before_any_of_it_is_sent():
    answer = begin(somebody(), uploads.MOST_BYTES + 1)
    assert answer.status_code == 400
    assert "200 MB" in answer.json()["error"]
    assert not child.upload().folder.exists()


def test_more_than_was_announced_is_not_kept():
    client = somebody()
    identity = begin(client, 10).json()["id"]
    assert send(client, identity, 0, b"x" * 11).status_code == 400
    assert child.upload().received() == 0


def test_a_part_that_does_not_fit_says_where_to_go_on():
    client = somebody()
    identity = begin(client, 10).json()["id"]
    assert send(client, identity, 0, b"12345").json() == {"received": 5}
    for offset in (0, 6):
        answer = send(client, identity, offset, b"12345")
        assert (answer.status_code, answer.json()) == (409, {"received": 5})
    assert send(client, identity, 5, b"67890").json() == {"received": 10}
    assert child.upload().file.read_bytes() == b"1234567890"
    assert child.current().stage is Stage.UPLOADED


def test_parts_of_an_upload_that_was_replaced_are_refused():
    client = somebody()
    old = begin(client, 10).json()["id"]
    begin(client, 10)
    assert send(client, old, 0, b"12345").status_code == 400
    assert send(client, "", 0, b"12345").status_code == 400
    assert child.upload().received() == 0


def test_a_full_disk_keeps_its_room_for_readings(monkeypatch):
    monkeypatch.setattr(uploads, "KEPT_FREE_BYTES", 1 << 60)
    assert "no room" in begin(somebody(), 10).json()["error"]


def test_nothing_is_readable_for_others():
    client = somebody()
    uploaded(client, b"time,import_t1_wh\n")
    assert child.upload().folder.stat().st_mode & 0o077 == 0
    assert child.upload().file.stat().st_mode & 0o077 == 0


def test_a_name_from_outside_is_shown_without_harm():
    client = somebody()
    begin(client, 10, "<img src=x onerror=alert(1)>\x00\x1b[31m.csv")
    page = client.get("/settings/import/").content.decode()
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    assert "\x1b" not in page


def test_without_scripts_a_small_file_comes_in_one_form(tmp_path):
    file = tmp_path / "old.csv"
    file.write_bytes(readings(10))
    with file.open("rb") as stream:
        assert somebody().post("/settings/import/begin/", {"file": stream}).status_code == 302
    assert child.upload().file.read_bytes() == readings(10)


def test_an_upload_that_nobody_touches_for_a_day_is_removed():
    client = somebody()
    uploaded(client, readings(10))
    newest = max(entry.stat().st_mtime for entry in child.upload().folder.iterdir())
    assert not child.sweep(newest + uploads.ABANDONED_S - 60)
    assert child.sweep(newest + uploads.ABANDONED_S + 60)
    assert child.current().stage is Stage.EMPTY


# Who may


@pytest.mark.parametrize("who", ["viewer", "member"])
def test_only_an_owner_imports(who):
    client = somebody(who)
    assert client.get("/settings/import/").status_code == 403
    assert begin(client, 10).status_code == 403
    assert not child.upload().folder.exists()
    owner = somebody()
    identity = begin(owner, 10).json()["id"]
    assert send(client, identity, 0, b"12345").status_code == 403
    assert client.post("/settings/import/start/").status_code == 403
    assert client.get("/settings/import/state/").status_code == 403
    assert child.upload().received() == 0


def test_a_stranger_sends_nothing():
    owner = somebody()
    identity = begin(owner, 10).json()["id"]
    stranger = Client(headers={"host": "localhost"})
    assert stranger.get("/settings/import/")["Location"].startswith("/login/?next=")
    assert begin(stranger, 10).status_code == 403
    assert send(stranger, identity, 0, b"12345").status_code == 403
    assert child.upload().received() == 0


def test_every_step_wants_the_token_of_the_page():
    client = somebody(enforce_csrf_checks=True)
    assert begin(client, 10).status_code == 403
    page = client.get("/settings/import/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    headers = {"accept": "application/json", "x-csrftoken": token[1]}
    identity = client.post("/settings/import/begin/", {"name": "x", "size": 5}, headers=headers).json()["id"]
    path = f"/settings/import/part/?upload={identity}&offset=0"
    assert client.post(path, b"12345", content_type="application/octet-stream").status_code == 403
    assert client.post(path, b"12345", content_type="application/octet-stream", headers=headers).status_code == 200
    for step in ("look", "start", "stop", "discard"):
        assert client.post(f"/settings/import/{step}/").status_code == 403


def test_a_session_left_open_is_asked_for_the_password():
    client = somebody()
    session = client.session
    session[confirm.KEY] = 0
    session.save()
    assert client.get("/settings/import/")["Location"] == "/login/confirm/?next=%2Fsettings%2Fimport%2F"
    answer = begin(client, 10)
    assert (answer.status_code, answer.json()) == (409, {"open": "/login/confirm/?next=%2Fsettings%2Fimport%2F"})
    assert client.post("/settings/import/start/")["Location"].startswith("/login/confirm/")


# The process


def test_a_finished_import_says_what_it_did():
    client = somebody()
    uploaded(client, readings(1000) + b"nonsense\n")
    child.start("import", source="Old", create="electricity")
    done = waited(Stage.DONE)
    assert (done.result["new"], done.result["bad_count"]) == (1000, 1)
    state = client.get("/settings/import/state/").json()
    assert (state["stage"], state["percent"]) == ("done", 100)
    page = client.get("/settings/import/").content.decode()
    assert "1,000" in page
    assert "1002" in page, "the line that could not be read"
    assert ElectricityReading.objects.filter(source_id=Source.objects.get(name="Old").pk).count() == 1000


def started(client: Client) -> int:
    """An import is on its way; returns its process."""
    uploaded(client, readings(20_000))
    child.start("import", source="Old", create="electricity")
    return until(lambda: children_of(runner()), 10, "the import's process")[0]


def running(client: Client) -> None:
    """An import that takes a while has begun to store."""
    uploaded(client, readings(400_000))
    Source.objects.create(kind="electricity", medium="electricity", name="Old")
    child.start("import", source="Old")
    until(lambda: ElectricityReading.objects.exists(), 60, lambda: f"rows, but {child.current()}")


def test_a_second_import_while_one_runs_is_refused_and_a_cancelled_one_goes_on_where_it_stopped():
    client = somebody()
    running(client)
    assert "runs already" in begin(client, 10).json()["error"]
    with pytest.raises(child.Busy):
        child.start("import", source="Old")
    with pytest.raises(child.Busy):
        child.discard()
    assert client.post("/settings/import/discard/", follow=True).context["stage"] == "importing"
    assert not child.sweep(2e10), "however long ago it was uploaded"
    importing = children_of(runner())
    assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in importing] == [10]
    assert resource.prlimit(importing[0], resource.RLIMIT_AS) == (child.MEMORY_BYTES, child.MEMORY_BYTES)
    client.post("/settings/import/stop/")
    job = waited(Stage.FAILED)
    assert (job.trouble, job.failed) == ("cancelled", "import")
    assert all(children.start_time(pid) is None for pid in importing)
    page = client.get("/settings/import/").content.decode()
    assert "You stopped it." in page
    assert "Go on with it" in page


def test_an_import_that_is_killed_is_told_in_words_and_leaves_nothing_running():
    client = somebody()
    importing = started(client)
    os.kill(importing, signal.SIGKILL)
    assert waited(Stage.FAILED).trouble == "killed"
    assert "killed from outside" in client.get("/settings/import/").content.decode()
    assert child._holder() is None


def test_a_watcher_that_is_killed_takes_the_import_with_it():
    importing = started(somebody())
    os.kill(runner(), signal.SIGKILL)
    assert waited(Stage.FAILED).trouble == "killed"
    until(lambda: children.start_time(importing) is None, 10, "the import is gone too")


def test_an_import_ends_with_the_site():
    """The pipe to its watcher closes when the web process ends, however that ends."""
    importing = started(somebody())
    pipe = child._started[-1].stdin
    assert pipe is not None
    pipe.close()
    assert waited(Stage.FAILED).trouble == "site"
    assert children.start_time(importing) is None


def test_too_little_memory_is_said_as_such(monkeypatch):
    monkeypatch.setattr(child, "MEMORY_BYTES", 150 << 20)
    client = somebody()
    uploaded(client, readings(1000))
    child.start("preview", source="", language="en")
    job = waited(Stage.FAILED)
    assert (job.trouble, job.failed) == ("memory", "preview"), (child.upload().folder / "ended.json").read_text()


def test_somebody_elses_lock_keeps_an_import_from_starting():
    client = somebody()
    uploaded(client, readings(10))
    lock = Lock(settings.MODE_DIR / "imports" / "lock")
    lock.take()
    try:
        with pytest.raises(child.Busy):
            child.start("preview", source="")
    finally:
        lock.release()


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
