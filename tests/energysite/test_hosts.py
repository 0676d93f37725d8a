"""Names, origins and what proxies say: the same rules for pages and sockets."""

import socket

import pytest

from energysite import hosts
from energysite.proxies import networks, visited

NAME = socket.gethostname().partition(".")[0]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", f"{NAME}:8000", f"{NAME}.local", "LOCALHOST"]
)
def test_this_machines_names_are_accepted(host):
    assert hosts.accepted(host, None)


def test_the_address_at_which_a_connection_came_in_is_accepted():
    assert hosts.accepted("192.168.1.5:8000", "192.168.1.5")
    assert hosts.accepted("192.168.1.5:8000", "::ffff:192.168.1.5")
    assert hosts.accepted("[fd00::5]:8000", "fd00::5")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.168.1.6:8000", "", "localhost:x", "127.0.0.1.evil.example", "a b"]
)
def test_any_other_name_is_refused(host):
    assert not hosts.accepted(host, "192.168.1.5")


def test_allowed_hosts_are_accepted_with_their_subdomains_where_asked_for(settings):
    settings.SITE_HOSTS = ["house.example", ".wide.example"]
    assert hosts.accepted("house.example", None)
    assert hosts.accepted("a.wide.example:1", None)
    assert not hosts.accepted("a.house.example", None)


def test_an_origin_is_the_very_site_with_its_port(settings):
    assert hosts.same_origin("http://localhost:8000", "localhost:8000")
    assert hosts.same_origin("https://house.example", "house.example")
    for foreign in ("http://localhost:9000", "http://evil.example", "null", "", "file://", "http://localhost:8000.evil.example"):
        assert not hosts.same_origin(foreign, "localhost:8000")
    assert not hosts.same_origin("https://house.example", "127.0.0.1:8000")
    settings.PUBLIC_URL = "https://house.example"
    assert hosts.same_origin("https://house.example", "127.0.0.1:8000")
    assert not hosts.same_origin("http://house.example", "127.0.0.1:8000")


TRUSTED = networks(["127.0.0.1", "172.16.0.0/12"])
SAID = [
    (b"host", b"inner"),
    (b"x-forwarded-for", b"6.6.6.6, 203.0.113.9, 172.17.0.1"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"house.example"),
]


def test_forwarded_headers_of_a_stranger_are_removed():
    scope = visited({"client": ("203.0.113.7", 5), "headers": [*SAID, (b"accept", b"*/*"), (b"forwarded", b"for=1.2.3.4")]}, TRUSTED)
    assert scope["client"] == ("203.0.113.7", 5)
    assert scope["headers"] == [(b"host", b"inner"), (b"accept", b"*/*")]


def test_no_visitor_moves_the_site_below_another_path():
    """daphne takes the prefix from a header; links and redirects would lead to what stands there."""
    assert visited({"client": ("127.0.0.1", 5), "headers": [], "root_path": "//evil.example"}, TRUSTED)["root_path"] == ""


@pytest.mark.parametrize("proxy", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_a_trusted_proxy_tells_visitor_scheme_and_host(proxy):
    scope = visited({"client": (proxy, 5), "headers": SAID}, TRUSTED)
    assert scope["client"][0] == "203.0.113.9", "what stands left of it, the visitor may have written"
    assert scope["headers"] == [(b"host", b"house.example"), (b"x-forwarded-proto", b"https")]


def test_nonsense_from_a_trusted_proxy_leaves_the_proxy_as_visitor():
    scope = visited({"client": ("127.0.0.1", 5), "headers": [(b"x-forwarded-for", b"unknown, x")]}, TRUSTED)
    assert scope["client"] == ("127.0.0.1", 5)
