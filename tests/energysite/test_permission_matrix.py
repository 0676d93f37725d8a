"""Role x address x socket, made from the routes themselves: a view without a mark, or one that lets somebody else in, fails here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from dashboard.routing import websocket_urlpatterns
from energysite.permissions import PERMISSIONS, ROLES, VIEWER, Actor, allows

# What stands in an address for a part that varies.
SAMPLES = {"look": "nothing-here", "path": "x", "url": "x", "object_id": "1", "app_label": "energysite", "content_type_id": "1", "id": "1"}
WHO = [*ROLES, "none", "stranger"]


def routes(patterns: Any = None, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        address = prefix + str(pattern.pattern).replace("^", "").replace("$", "")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern):
            yield address, pattern


SITE = [(address, pattern) for address, pattern in routes() if not address.startswith("/admin/")]
ADMIN = [(address, pattern) for address, pattern in routes() if address.startswith("/admin/")]


def sample(address: str, pattern: URLPattern) -> str:
    for name, converter in pattern.pattern.converters.items():
        for written in (f"<{type(converter).__name__.removesuffix('Converter').lower()}:{name}>", f"<{name}>"):
            address = address.replace(written, SAMPLES.get(name, "1"))
    return address


@pytest.fixture
def client_of(db: None) -> Any:
    def make(who: str) -> Client:
        client = Client(raise_request_exception=False, headers={"host": "localhost"})
        if who != "stranger":
            user = get_user_model().objects.create(username=who)
            if who != "none":
                user.groups.add(Group.objects.get(name=who))
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


def test_the_roles_are_groups_after_the_migrations(db):
    assert set(Group.objects.values_list("name", flat=True)) >= set(ROLES)


@pytest.mark.parametrize(("address", "pattern"), SITE, ids=[address for address, _pattern in SITE])
def test_every_view_says_who_may_open_it(address, pattern):
    assert hasattr(pattern.callback, "permission"), f"{address} has neither @requires nor @public"
    assert pattern.callback.permission is None or pattern.callback.permission in PERMISSIONS


def sent_to_login(response: Any) -> bool:
    return response.status_code == 302 and response.url.startswith(("/login/", "/admin/login/"))


def refused(response: Any) -> bool:
    return response.status_code == 403 or sent_to_login(response)


@pytest.mark.parametrize("who", WHO)
def test_each_role_opens_what_the_table_lets_it_and_nothing_else(client_of, who):
    get_user_model().objects.create_superuser("the owner")  # a house without one sends everybody to its set-up
    client = client_of(who)
    actor = Actor(who, who if who in ROLES else None)
    for address, pattern in SITE:
        permission = pattern.callback.permission
        if permission is None:
            continue
        looked, sent = client.get(sample(address, pattern)), client.post(sample(address, pattern))
        if allows(actor, permission):
            assert not refused(looked), f"{address}: {looked.status_code}"
        else:
            assert refused(looked) or looked.status_code == 405, f"{address}: {looked.status_code}"
            assert refused(sent) or sent.status_code == 405, f"POST {address}: {sent.status_code}"


@pytest.mark.parametrize("who", WHO)
def test_only_owners_get_into_the_admin(client_of, who):
    client = client_of(who)
    looked = 0
    for address, pattern in ADMIN:
        if address == "/admin/jsi18n/" or pattern.name in ("login", "logout"):
            continue  # texts for scripts; the ways in and out
        response = client.get(sample(address, pattern))
        looked += 1
        if who == "owner":  # some pages are closed to everybody: what the site writes itself is only read
            assert not sent_to_login(response), address
            assert response.status_code < 500, f"{address}: {response.status_code}"
        else:
            assert refused(response), f"{address}: {response.status_code}"
    assert looked > 20


def test_an_owner_sees_every_list_of_the_admin(client_of):
    client = client_of("owner")
    for model in admin.site._registry:
        response = client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/", follow=True)
        assert response.status_code == 200, model


def test_the_way_into_the_admin_is_the_sites_own_login(client_of):
    assert client_of("stranger").get("/admin/login/?next=/admin/auth/").url == "/login/?next=/admin/auth/"
    assert client_of("viewer").get("/admin/login/").status_code == 403


def test_every_socket_asks_the_table_and_every_role_may_look():
    guarded = [route.callback.consumer_class for route in websocket_urlpatterns[:-1]]
    assert len(guarded) == 2
    for consumer in guarded:
        assert all(allows(Actor("x", role), consumer.permission) for role in ROLES)
        assert not allows(Actor("x", None), consumer.permission)
    assert not allows(Actor("x", VIEWER), "agents.configure")


def test_a_demo_visitor_looks_and_steers_but_changes_nothing(settings, client_of):
    settings.MODE = "demo"
    client = client_of("stranger")
    assert client.get("/settings/").status_code == 200
    assert client.get("/admin/", follow=True).status_code == 403


def test_logging_out_takes_a_post(client_of):
    client = client_of("owner")
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert settings.SESSION_COOKIE_NAME not in client.cookies or not client.cookies[settings.SESSION_COOKIE_NAME].value
