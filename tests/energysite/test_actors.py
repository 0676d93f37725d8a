"""Who is remembered for when the database is away: only who still had that right when it was last there."""

import time

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from energysite import actors
from energysite.permissions import VIEWER
from energysite.sockets import Visitor

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def ann(db):
    person = get_user_model().objects.create_user("ann", password="long enough 1")
    person.groups.add(Group.objects.get(name=VIEWER))
    return person


@pytest.fixture
def session(ann):
    """A browser of hers that has just shown a page."""
    client = Client(headers={"host": "localhost"})
    client.force_login(ann, backend=BACKEND)
    assert client.get("/settings/").status_code == 200
    assert actors._memory.recall(key_of(client)) is not None
    return client


def key_of(client):
    return client.cookies["sessionid"].value


@pytest.mark.parametrize(
    "change",
    [
        lambda ann, client: client.logout(),
        lambda ann, client: ann.groups.clear(),
        lambda ann, client: ann.delete(),
        lambda ann, client: get_user_model().objects.get(pk=ann.pk).save(),
    ],
    ids=["logged out", "without a role", "removed", "changed"],
)
def test_who_may_no_longer_enter_is_not_remembered(ann, session, change):
    key = key_of(session)
    change(ann, session)
    assert actors._memory.recall(key) is None


def test_somebody_elses_login_makes_nobody_forgotten(session, ann):
    Client(headers={"host": "localhost"}).force_login(ann, backend=BACKEND)
    assert actors._memory.recall(key_of(session)) is not None


def test_a_session_says_when_its_password_was_given_a_while_ago(session):
    key = key_of(session)
    assert not actors.actor_of_session(key).stale
    stored = session.session
    stored["confirmed_at"] = time.time() - 3600
    stored.save()
    assert actors.actor_of_session(key).stale
    assert actors.actor_of_session(key).name == "ann"


def test_visitors_of_the_demo_share_a_name_but_not_their_sockets(settings):
    """Each address has its own twenty, whatever cookie it brings."""
    settings.MODE = "demo"
    seats = {
        Visitor(address, token="", session_key=key, language="").seat(actors.anonymous())
        for address in ("192.0.2.1", "192.0.2.2")
        for key in ("", "made up")
    }
    assert seats == {"visitor 192.0.2.1", "visitor 192.0.2.2"}
