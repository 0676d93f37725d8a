"""From a request, a socket's session or a token to an Actor; also while the database is away, for who was here before."""

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from energysite import confirm
from energysite.database import DatabaseAway, asked
from energysite.permissions import MEMBER, OWNER, ROLES, STRANGER, Actor

REMEMBERED_S = 3600.0
REMEMBERED = 200


class _Memory:
    """Who a session belonged to when the database last said so. Rights cannot change while it is away, and not for longer than an hour."""

    def __init__(self) -> None:
        self._actors: OrderedDict[str, tuple[float, Actor]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, session_key: str, actor: Actor) -> None:
        with self._lock:
            self._actors[_digest(session_key)] = (time.monotonic(), actor)
            self._actors.move_to_end(_digest(session_key))
            while len(self._actors) > REMEMBERED:
                self._actors.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._actors.clear()

    def recall(self, session_key: str) -> Actor | None:
        with self._lock:
            at, actor = self._actors.get(_digest(session_key), (0.0, STRANGER))
        return actor if actor.role is not None and time.monotonic() - at < REMEMBERED_S else None


def _digest(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()


_memory = _Memory()


@receiver([user_logged_out, m2m_changed], dispatch_uid="rights changed")
@receiver([post_save, post_delete], sender=settings.AUTH_USER_MODEL, dispatch_uid="person changed")
def _rights_changed(sender: Any, update_fields: Any = None, **kwargs: Any) -> None:
    """Who logged out, or lost a role, is not remembered when the database goes away after that. Logging in changes no rights."""
    if update_fields != frozenset({"last_login"}):
        _memory.clear()


def anonymous() -> Actor:
    """Demo visitors are members; the real house knows no strangers."""
    return Actor("visitor", MEMBER) if settings.MODE == "demo" else STRANGER


def actor_of_user(user: Any) -> Actor:
    """The role is the strongest of the user's groups; a superuser is the owner."""
    if user is None or not user.is_authenticated:
        return anonymous()
    if user.is_superuser:
        return Actor(user.get_username(), OWNER)
    groups = set(user.groups.values_list("name", flat=True))
    return Actor(user.get_username(), next((role for role in ROLES if role in groups), None))


def actor_of(request: HttpRequest) -> Actor:
    """Found once for each request and kept as `request.actor`. Raises DatabaseAway where only the database could tell."""
    if not hasattr(request, "actor"):
        request.actor = _found(request)  # type: ignore[attr-defined]
    return request.actor  # type: ignore[attr-defined]


def _found(request: HttpRequest) -> Actor:
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not session_key:
        return actor_of_user(request.user)  # asks no database: without a session nobody is logged in
    try:
        with asked():
            actor = actor_of_user(request.user)
            if request.user.is_authenticated:
                actor = replace(actor, stale=not confirm.is_fresh(request))
    except DatabaseAway:
        remembered = _memory.recall(session_key) or anonymous()
        if remembered.role is None:
            raise
        return remembered
    _memory.keep(session_key, actor)
    return actor


def actor_of_session(session_key: str) -> Actor:
    """The same for a socket, whose cookie holds this session. Blocking; raises DatabaseAway."""
    request = HttpRequest()
    if session_key:
        request.COOKIES[settings.SESSION_COOKIE_NAME] = session_key
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key or None)
    request.user = SimpleLazyObject(lambda: get_user(request))  # type: ignore[assignment]
    return actor_of(request)
