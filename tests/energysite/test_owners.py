"""The first owner: one, whatever happens at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from energysite import owners
from energysite.actors import actor_of_user
from energysite.models import AuditEntry, House
from energysite.permissions import OWNER

PASSWORD = "a quiet walk home"


@pytest.mark.django_db(transaction=True)
def test_of_two_creations_at_the_same_time_one_makes_the_owner() -> None:
    House.load()  # there already: making its row would itself put them in a queue
    start = threading.Barrier(4)

    def create(name: str) -> Any:
        start.wait(10)
        try:
            return owners.create(name, PASSWORD)
        except owners.OwnerExists:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = [user for user in pool.map(create, ["ann", "bob", "cis", "dan"]) if user is not None]

    assert len(made) == 1
    assert [user.username for user in owners.owners()] == [made[0].username]
    assert AuditEntry.objects.filter(action="owner created").count() == 1


@pytest.mark.django_db
def test_the_owner_password_is_kept_as_argon2_and_has_the_role() -> None:
    assert not owners.exists()
    user = owners.create("ann", PASSWORD)

    assert owners.exists()
    assert user.password.startswith("argon2$argon2id$")
    assert user.check_password(PASSWORD)
    assert actor_of_user(user).role == OWNER


@pytest.mark.django_db
def test_an_owner_who_was_switched_off_is_none() -> None:
    user = owners.create("ann", PASSWORD)
    user.is_active = False
    user.save()

    assert not owners.exists()


@pytest.mark.django_db
def test_a_new_password_is_audited_without_being_in_the_audit() -> None:
    user = owners.create("ann", PASSWORD)
    owners.set_password(user, "another quiet walk")

    assert get_user_model().objects.get().check_password("another quiet walk")
    entry = AuditEntry.objects.get(action="password reset")
    assert (entry.actor, entry.role, entry.target, entry.detail) == ("ann", OWNER, "ann", {})
