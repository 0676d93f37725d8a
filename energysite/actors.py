"""From a request, a socket's scope or a token to an Actor."""

from typing import Any

from django.conf import settings

from energysite.permissions import MEMBER, OWNER, ROLES, STRANGER, Actor


def actor_of_user(user: Any) -> Actor:
    """The role is the strongest of the user's groups; a superuser is the owner. Demo visitors are members."""
    if user is not None and user.is_authenticated:
        if user.is_superuser:
            return Actor(user.get_username(), OWNER)
        groups = set(user.groups.values_list("name", flat=True))
        for role in ROLES:
            if role in groups:
                return Actor(user.get_username(), role)
        return Actor(user.get_username(), None)
    if settings.MODE == "demo":
        return Actor("visitor", MEMBER)
    return STRANGER


def actor_of(request: Any) -> Actor:
    return actor_of_user(request.user)
