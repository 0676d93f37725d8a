"""Whether the house has an owner, and how it gets its first one."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet

from energysite import audit
from energysite.models import House
from energysite.permissions import OWNER, ROLES, Actor


class OwnerExists(Exception):
    """Somebody was first."""


def make_roles(**_signal: Any) -> None:
    """The groups of the permission table, after every migration and in a database that was emptied."""
    for role in ROLES:
        Group.objects.get_or_create(name=role)


def owners() -> QuerySet[Any]:
    """Accounts that can log in as the owner."""
    return get_user_model()._default_manager.filter(Q(is_superuser=True) | Q(groups__name=OWNER), is_active=True).distinct()


def exists() -> bool:
    return owners().exists()


def create(username: str, password: str) -> Any:
    """The first owner. Under the lock of the house's row, so that of two at once one raises OwnerExists."""
    with transaction.atomic():
        House.load()
        House.objects.select_for_update().get(pk=1)
        if exists():
            raise OwnerExists
        user = get_user_model()._default_manager.create_superuser(username=username, password=password)
        user.groups.add(Group.objects.get_or_create(name=OWNER)[0])
        audit.record(Actor(username, OWNER), "owner created", username)
    return user


def set_password(user: Any, password: str) -> None:
    """By a reset token: every session of this account ends, since its hash no longer fits."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record(Actor(user.get_username(), OWNER), "password reset", user.get_username())
