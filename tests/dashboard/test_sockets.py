"""The websockets through a real daphne, real PostgreSQL and a real Valkey: who gets in, what is said, what ends a connection."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import execute_from_command_line
from django.test import Client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from energysite import agents, live, sockets, tokens
from energysite.models import AuditEntry
from meters.models import Meter
from tests.waiting import until
from tests.web_server import WebServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

FRAME = {"source": "Main", "time": 1700000000, "received": 1700000000.25, "power_w": 512, "tariff": 1}


@pytest.fixture(scope="module")
def web(django_db_setup: None, django_db_blocker: Any) -> Iterator[WebServer]:
    with django_db_blocker.unblock():
        server = WebServer()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def empty_bus() -> None:
    live.client().flushdb()


def login(role: str | None, name: str = "") -> str:
    """The cookie of a session of somebody with this role."""
    user = get_user_model().objects.create_user(name or f"a {role}", password="long enough 1")
    if role:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return f"sessionid={client.cookies['sessionid'].value}"


def opened(
    web: WebServer, path: str = "/ws/live/", *, token: str = "", cookie: str = "", origin: str | None = None, **options: Any
) -> ClientConnection:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if cookie:
        headers["Cookie"] = cookie
        origin = web.origin if origin is None else origin
    return connect(f"ws://{web.host}{path}", origin=origin, additional_headers=headers, proxy=None, **options)  # type: ignore[arg-type]


def received(socket: ClientConnection, timeout: float = 5) -> dict[str, Any]:
    return json.loads(socket.recv(timeout=timeout))


def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed):
        while True:
            socket.recv(timeout=5)
    assert socket.close_code is not None
    return socket.close_code


def asked(socket: ClientConnection, message: Any) -> dict[str, Any]:
    socket.send(message if isinstance(message, str) else json.dumps(message))
    return next(reply for reply in iter(lambda: received(socket), None) if "ok" in reply)


@pytest.mark.parametrize(
    "options",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {},
        {"origin": "http://evil.example", "token": True},
    ],
)
def test_a_foreign_origin_and_none_without_a_token_are_refused_even_with_a_session(web, options):
    if options.get("token"):
        options = {**options, "token": tokens.issue("t", "owner")}
    with pytest.raises(InvalidStatus) as refusal:
        connect(
            f"ws://{web.host}/ws/live/",
            origin=options.get("origin"),
            additional_headers={
                "Cookie": login("owner"),
                **({"Authorization": f"Bearer {options['token']}"} if "token" in options else {}),
            },
            proxy=None,
        )
    assert refusal.value.response.status_code == 403


def test_an_unknown_path_is_refused_without_a_traceback(web):
    with pytest.raises(InvalidStatus):
        opened(web, "/ws/nothing/", token=tokens.issue("t", "owner"))
    assert "Traceback" not in web.said()


def test_who_is_nobody_or_has_no_role_learns_why_and_nothing_else(web):
    live.Publisher().frame("Main", FRAME)
    for options, code in [
        ({"origin": web.origin}, sockets.LOGIN),
        ({"cookie": "sessionid=forged"}, sockets.LOGIN),
        ({"token": "forged"}, sockets.LOGIN),
        ({"cookie": login(None)}, sockets.FORBIDDEN),
    ]:
        with opened(web, **options) as socket:
            assert close_code(socket) == code


@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
def test_a_page_gets_hello_the_last_frames_and_then_what_changes(web, role):
    publisher = live.Publisher()
    publisher.frame("Main", FRAME)
    publisher.frame("Cellar", {**FRAME, "source": "Cellar"})
    with opened(web, cookie=login(role)) as socket:
        hello = received(socket)
        assert hello["type"] == "hello"
        assert abs(hello["now"] - time.time()) < 5
        assert received(socket) == {"type": "frame", "full": True, **FRAME, "source": "Cellar"}
        assert received(socket) == {"type": "frame", "full": True, **FRAME}
        publisher.frame("Main", {"source": "Main", "time": 1700000001, "received": 1700000001.25, "power_w": 513})
        assert received(socket) == {
            "type": "frame",
            "source": "Main",
            "time": 1700000001,
            "received": 1700000001.25,
            "power_w": 513,
            "tariff": None,
        }
        publisher.frame("New", {**FRAME, "source": "New"})
        assert received(socket)["full"] is True


def test_a_program_gets_in_with_a_token_and_without_an_origin(web):
    with opened(web, token=tokens.issue("t", "viewer")) as socket:
        assert received(socket)["type"] == "hello"


def test_a_socket_that_was_idle_for_longer_than_every_time_out_gets_its_next_frame(web):
    publisher = live.Publisher()
    with opened(web, token=tokens.issue("t", "viewer")) as socket:
        assert received(socket)["type"] == "hello"
        with pytest.raises(TimeoutError):
            socket.recv(timeout=17)
        publisher.frame("Main", FRAME)
        assert received(socket, 1)["power_w"] == 512


def test_ten_frames_a_second_are_taken_and_the_eleventh_ends_it(web):
    agents.create(Meter, name="Main", connection="socket://127.0.0.1:4001")
    with opened(web, "/ws/agents/Main/", token=tokens.issue("t", "viewer")) as socket:
        for _ in range(10):
            assert asked(socket, {"command": "get_states"})["ok"]
        socket.send("{}")
        assert close_code(socket) == sockets.TOO_FAST


@pytest.mark.parametrize(("size", "code"), [(4097, sockets.TOO_BIG), (100_000, sockets.TOO_BIG)])
def test_a_frame_above_4_kb_ends_it(web, size, code):
    with opened(web, token=tokens.issue("t", "viewer")) as socket:
        socket.send("x" * sockets.LARGEST_FRAME)
        socket.send("é" * (size // 2) + "x" * (size % 2))
        assert close_code(socket) == code


def test_the_twenty_first_socket_of_a_user_is_refused_and_a_closed_one_makes_room(web):
    token, other = tokens.issue("t", "viewer"), tokens.issue("other", "viewer")
    with ExitStack() as held:
        sockets_held = [held.enter_context(opened(web, token=token)) for _ in range(sockets.SOCKETS_A_USER)]
        assert all(received(socket)["type"] == "hello" for socket in sockets_held)
        with opened(web, token=token) as socket:
            assert close_code(socket) == sockets.TOO_MANY
        with opened(web, token=other) as socket:
            assert received(socket)["type"] == "hello"
        sockets_held[0].close()
        until(lambda: _fits(web, token))


def _fits(web: WebServer, token: str) -> bool:
    with opened(web, token=token) as socket:
        try:
            return received(socket)["type"] == "hello"
        except ConnectionClosed:
            return False


def test_settings_are_asked_for_and_changed_by_whom_the_table_lets(web):
    agents.create(Meter, name="Main meter ½", connection="socket://127.0.0.1:4001")
    path = "/ws/agents/Main%20meter%20%C2%BD/"
    with opened(web, path, token=tokens.issue("t", "viewer")) as socket:
        assert asked(socket, {"command": "get_config"})["values"]["take"] == "all"
        refusal = asked(socket, {"command": "set_config", "values": {"take": "mean"}, "version": 1})
        assert (refusal["ok"], "Ask the owner" in refusal["error"]) == (False, True)
    with opened(web, path, cookie=login("owner", "ann")) as socket:
        assert asked(socket, {"command": "set_config", "values": {"take": "mean"}, "version": 1})["version"] == 2
        assert "version 2" in asked(socket, {"command": "set_config", "values": {"take": "all"}, "version": 1})["error"]
        assert asked(socket, {"command": "set_config", "values": {"colour": 1}, "version": 2})["errors"].keys() == {"colour"}
        assert asked(socket, "nonsense")["ok"] is False
        assert asked(socket, {"command": "get_config"})["ok"], "a mistake ends nothing"
    assert AuditEntry.objects.get().actor == "ann"


def test_an_agents_states_arrive_by_themselves(web):
    agents.create(Meter, name="Main", connection="socket://127.0.0.1:4001")
    with opened(web, "/ws/agents/Main/", token=tokens.issue("t", "viewer")) as socket:
        assert received(socket)["type"] == "state"
        agents.report("Main", status="live", telegrams=7)
        message = received(socket)
        assert (message["type"], message["name"], message["state"]["telegrams"]) == ("state", "Main", 7)


def test_an_agent_nobody_knows_is_said_before_the_end(web):
    with opened(web, "/ws/agents/Nobody/", token=tokens.issue("t", "viewer")) as socket:
        assert "Nobody" in received(socket)["error"]
        assert close_code(socket) == sockets.UNKNOWN


@pytest.fixture
def agent(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> Any:
    """`manage.py agent` with these words: what it prints as JSON, or its sentence when it ends with an error."""

    def run(*words: str) -> Any:
        try:
            execute_from_command_line(["manage.py", "agent", *words])
        except SystemExit as end:
            assert end.code == 1
            return capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def here(web: WebServer, tmp_path: Any) -> list[str]:
    """The options that lead to this test's site, with the owner's token."""
    agents.create(Meter, name="Main meter", connection="socket://127.0.0.1:4001")
    tokens.ensure_cli_token(tmp_path / "cli.token")
    return ["--url", f"ws://{web.host}", "--token", str(tmp_path / "cli.token")]


def test_the_agent_command_asks_and_changes(agent, here):
    assert agent("Main meter", "get_states", *here)["kind"] == "meter"
    changed = agent("Main meter", "set_config", "take=mean", "slot_s=60", "enabled=false", *here)
    assert (changed["version"], changed["values"]["enabled"]) == (2, False)
    assert agent("Main meter", "get_config", *here)["values"]["slot_s"] == 60
    assert AuditEntry.objects.get().actor == "token cli"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Main meter", "set_config", "slot_s=7"], "slot_s"),
        (["Main meter", "set_config", "slot_s"], "not KEY=VALUE"),
        (["Main meter", "set_config"], "takes KEY=VALUE"),
        (["Main meter", "get_states", "a=b"], "the others take none"),
        (["Nobody", "get_states"], "no agent called"),
        (["Main meter", "get_states", "--url", "ftp://x"], "no address of a site"),
        (["Main meter", "get_states", "--url", "ws://127.0.0.1:1"], "Is the site running"),
        (["Main meter", "get_states", "--token", "/nonexistent"], "No token in /nonexistent"),
    ],
)
def test_the_agent_command_says_what_is_wrong(agent, here, words, sentence):
    assert sentence in agent(*here, *words)


def test_the_agent_command_with_a_token_that_is_unknown_or_too_small_says_so(agent, here, tmp_path):
    (tmp_path / "cli.token").write_text("forged")
    assert "not known" in agent("Main meter", "get_states", *here)
    (tmp_path / "cli.token").write_text(tokens.issue("v", "viewer"))
    assert "Ask the owner" in agent("Main meter", "set_config", "slot_s=60", *here)


def test_the_agent_command_finds_the_site_that_runs_on_its_data_folder(agent, here, web, settings):
    settings.MODE_DIR.mkdir(parents=True, exist_ok=True)
    (settings.MODE_DIR / "processes.json").write_text(json.dumps([{"name": "web", "url": web.origin}]))
    assert agent("Main meter", "get_states", *here[2:])["name"] == "Main meter"
    (settings.MODE_DIR / "processes.json").unlink()
