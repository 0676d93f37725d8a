"""Headers, hosts, login, healthz and the checks between settings, through the site's own middleware and ASGI application."""

import json
import subprocess
import sys
import time

import pytest
from asgiref.testing import ApplicationCommunicator
from axes.models import AccessAttempt
from django.conf import settings as site_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.test import Client

from energysite import healthz as health
from energysite import house as houses
from energysite.models import ApiToken, AuditEntry, House
from energysite.permissions import OWNER
from energysite.tokens import actor_of_token
from tests.running_site import environment

LOCAL = {"host": "localhost"}
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"


@pytest.fixture
def client(db):
    get_user_model().objects.create_superuser("the owner", password="long enough 1")
    return Client(headers=LOCAL)


@pytest.fixture
def owner(client):
    client.force_login(get_user_model().objects.get(username="the owner"), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("path", ["/login/", "/healthz", "/nothing-here", "/settings/"])
def test_every_page_has_the_security_headers(client, path):
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/", "/settings/", "/health/", "/login/", "/nothing-here", "/admin/", "/healthz"])
def test_no_cache_keeps_a_page_of_the_house(owner, path):
    assert "no-store" in owner.get(path, follow=path == "/login/").headers["Cache-Control"]


def test_only_the_admin_may_run_inline_scripts(owner):
    policy = owner.get("/admin/").headers["Content-Security-Policy"]
    assert policy == f"{POLICY}; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"
    assert "unsafe" not in owner.get("/settings/").headers["Content-Security-Policy"]


def test_a_page_asked_for_by_a_foreign_name_explains_itself_and_shows_nothing_else(client):
    response = client.get("/login/", headers={"host": "<b>evil.example:8000"})
    assert response.status_code == 400
    assert "ALLOWED_HOSTS" in response.text
    assert "&lt;b&gt;evil.example" in response.text
    assert "<form" not in response.text
    assert client.get("/login/", headers={"host": "192.168.7.7"}).status_code == 400
    assert client.get("/login/", headers={"host": "192.168.7.7"}, SERVER_NAME="192.168.7.7").status_code == 200


async def served(headers, client_address):
    from energysite.proxies import behind_proxies, networks

    seen = {}

    async def page(scope, receive, send):
        seen.update(scope)

    talk = ApplicationCommunicator(
        behind_proxies(page, networks(["127.0.0.1"])), {"type": "http", "headers": headers, "client": (client_address, 1), "path": "/"}
    )
    await talk.wait()
    return seen


async def test_forwarded_headers_count_from_a_trusted_proxy_only():
    said = [(b"host", b"x"), (b"x-forwarded-for", b"203.0.113.9")]
    assert (await served(said, "127.0.0.1"))["client"][0] == "203.0.113.9"
    stranger = await served(said, "203.0.113.7")
    assert stranger["client"][0] == "203.0.113.7"
    assert stranger["headers"] == [(b"host", b"x")]


def test_five_wrong_passwords_lock_the_name_out(client):
    for _ in range(site_settings.AXES_FAILURE_LIMIT - 1):
        assert client.post("/login/", {"username": "the owner", "password": "wrong"}).status_code == 200
    response = client.post("/login/", {"username": "the owner", "password": "wrong"})
    assert response.status_code == 429
    assert client.post("/login/", {"username": "the owner", "password": "long enough 1"}).status_code == 429
    assert AccessAttempt.objects.count() == 1


def test_the_right_password_leads_to_the_page_that_was_asked_for_and_never_to_another_site(client):
    user = {"username": "the owner", "password": "long enough 1"}
    assert client.post("/login/", {**user, "next": "/settings/"})["Location"] == "/settings/"
    assert Client(headers=LOCAL).post("/login/", {**user, "next": "https://evil.example/"})["Location"] == "/"
    assert get_user_model().objects.get(username="the owner").password.startswith("argon2")


def test_a_post_without_its_csrf_token_is_refused(client):
    strict = Client(enforce_csrf_checks=True, headers=LOCAL)
    assert strict.post("/login/", {"username": "a", "password": "b"}).status_code == 403


def test_healthz_says_ok_and_the_mode_and_no_more(client):
    health.forget()
    response = client.get("/healthz")
    assert (response.status_code, json.loads(response.content)) == (200, {"ok": True, "mode": site_settings.MODE})
    assert response.headers["Cache-Control"] == "no-store"


def test_the_language_is_the_visitors_else_the_houses(client):
    House.objects.update_or_create(pk=1, defaults={"language": "nl"})
    houses.forget()
    assert client.get("/login/").headers["Content-Language"] == "nl"
    client.cookies["django_language"] = "fr"
    assert client.get("/login/").headers["Content-Language"] == "fr"
    client.cookies["django_language"] = "xx"
    assert client.get("/login/").headers["Content-Language"] == "nl"


def test_the_demo_meets_a_visitor_in_the_language_of_the_browser(client, settings):
    settings.MODE = "demo"
    asked = {"Accept-Language": "nl-BE,nl;q=0.9,en;q=0.8"}
    assert client.get("/login/", headers=asked).headers["Content-Language"] == "nl"
    assert client.get("/login/", headers={"Accept-Language": "sv"}).headers["Content-Language"] == "en"
    client.cookies["django_language"] = "fr"
    assert client.get("/login/", headers=asked).headers["Content-Language"] == "fr"


def test_the_house_is_one_row_with_its_form(owner):
    assert owner.get("/admin/energysite/house/").url == "/admin/energysite/house/1/change/"
    values = {"name": "Ours", "zone": "Europe/Brussels", "place": "", "language": "nl", "currency": "EUR", "grid": "1x230", "fuse_a": "40"}
    assert owner.post("/admin/energysite/house/1/change/", values).status_code == 302
    entry = AuditEntry.objects.get(action="house changed")
    assert entry.detail["changed"]["fuse_a"] == [None, 40]
    assert houses.current().name == "Ours"
    assert owner.post("/admin/energysite/house/1/change/", {**values, "zone": "Mars/Base"}).status_code == 200
    assert owner.get("/admin/energysite/house/add/").status_code == 403
    houses.forget()


@pytest.mark.parametrize("model", ["energysite/auditentry", "energysite/agentstate", "django_celery_beat/periodictask"])
def test_what_the_site_writes_itself_is_only_read(owner, model):
    assert owner.get(f"/admin/{model}/").status_code == 200
    assert owner.get(f"/admin/{model}/add/").status_code == 403


def test_a_key_is_shown_once_and_kept_as_a_hash(owner):
    page = owner.post("/admin/energysite/apitoken/add/", {"name": "graph", "role": "viewer", "expires_0": "", "expires_1": ""}, follow=True)
    row = ApiToken.objects.get(name="graph")
    token = next(word for word in page.text.replace("<", " ").split() if len(word) == 32 and actor_of_token(word).role)
    assert actor_of_token(token).role == "viewer"
    assert token not in owner.get("/admin/energysite/apitoken/").text
    assert row.digest not in json.dumps(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_a_person_gets_a_role_and_that_is_audited(owner):
    person = get_user_model().objects.create_user("bob", password="long enough 1")
    member = Group.objects.get(name="member")
    values = {"username": "bob", "groups": [member.pk], "is_active": "on", "first_name": "", "last_name": "", "email": ""}
    response = owner.post(f"/admin/auth/user/{person.pk}/change/", values)
    assert response.status_code == 302, response.context["errors"]
    assert person.groups.get() == member
    assert AuditEntry.objects.get(action="user roles changed").detail == {"roles": [[], ["member"]]}


@pytest.fixture
def owner_of_an_hour(owner):
    """Logged in an hour ago."""
    session = owner.session
    session["confirmed_at"] = time.time() - 3600
    session.save()
    return owner


@pytest.mark.parametrize(
    "path", ["auth/user/add/", "auth/user/{}/change/", "auth/user/{}/password/", "auth/user/{}/delete/", "energysite/apitoken/add/"]
)
def test_people_and_keys_are_changed_only_with_the_password_given_lately(owner_of_an_hour, path):
    me = get_user_model().objects.get(username="the owner")
    path = "/admin/" + path.format(me.pk)
    for ask in (owner_of_an_hour.get, owner_of_an_hour.post):
        response = ask(path)
        assert (response.status_code, response.url.split("?")[0]) == (302, "/login/confirm/")
    question = response.url
    assert b"not your password" in owner_of_an_hour.post(question, {"password": "wrong"}).content
    assert owner_of_an_hour.get(path).status_code == 302
    assert owner_of_an_hour.post(question, {"password": "long enough 1"}).url == path
    assert owner_of_an_hour.get(path).status_code in (200, 403)


def test_the_question_leads_to_this_site_only_and_the_house_is_changed_without_it(owner_of_an_hour):
    answer = {"password": "long enough 1"}
    House.load()
    assert owner_of_an_hour.get("/admin/energysite/house/1/change/").status_code == 200
    assert owner_of_an_hour.post("/login/confirm/?next=https://evil.example/", answer).url == "/admin/"


def test_a_password_set_for_somebody_is_audited_without_the_password(owner):
    person = get_user_model().objects.create_user("bob", password="long enough 1")
    path = f"/admin/auth/user/{person.pk}/password/"
    assert owner.post(path, {"password1": "quite different 2", "password2": "quite different 2"}).status_code == 302
    person.refresh_from_db()
    assert person.check_password("quite different 2")
    entry = AuditEntry.objects.get(action="user password set")
    assert entry.target == "bob"
    assert "quite" not in json.dumps(entry.detail)


def test_the_only_owner_cannot_be_removed(owner):
    me = get_user_model().objects.get(username="the owner")
    values = {"username": "the owner", "groups": [], "first_name": "", "last_name": "", "email": ""}
    assert b"only owner" in owner.post(f"/admin/auth/user/{me.pk}/change/", values).content
    assert owner.post(f"/admin/auth/user/{me.pk}/delete/", {"post": "yes"}).status_code == 403
    assert get_user_model().objects.get(pk=me.pk).is_active


def test_an_owner_by_group_may_do_what_a_superuser_may(client):
    ann = get_user_model().objects.create_user("ann", password="long enough 1")
    ann.groups.add(Group.objects.get(name=OWNER))
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/energysite/house/1/change/", follow=True).status_code == 200
    assert client.get("/admin/auth/user/add/").status_code == 200


def ids(**changes):
    return {message.id for message in run_checks() if (message.id or "").startswith("energysite")}


def test_the_checks_find_nothing_in_the_settings_as_they_are():
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TRUSTED_PROXIES", ["nginx"], "energysite.E001"),
        ("PUBLIC_URL", "https://house.example/energy", "energysite.E002"),
        ("EXTRA_HOSTS", ["*"], "energysite.W004"),
        ("MIDDLEWARE", ["django.middleware.common.CommonMiddleware"], "energysite.E005"),
    ],
)
def test_a_setting_that_breaks_a_rule_is_named(settings, name, value, expected):
    setattr(settings, name, value)
    assert ids() == {expected}


def test_debug_and_a_public_address_do_not_go_together(settings):
    settings.PUBLIC_URL, settings.DEBUG = "https://house.example", True
    assert ids() == {"energysite.E003"}


def test_a_deployment_behind_https_passes_djangos_own_checks(data_dir):
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=site_settings.BASE_DIR,
        env=environment(data_dir, PUBLIC_URL="https://house.example", MODE="house"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert "AXES" not in done.stderr
