"""Who may do what: the one table. Views, sockets, agents and the admin all ask `allows`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

OWNER, MEMBER, VIEWER = "owner", "member", "viewer"
ROLES = (OWNER, MEMBER, VIEWER)

PERMISSIONS: dict[str, frozenset[str]] = {
    "pages.view": frozenset({OWNER, MEMBER, VIEWER}),
    "readings.export": frozenset({OWNER, MEMBER, VIEWER}),
    "readings.import": frozenset({OWNER}),
    "agents.view": frozenset({OWNER, MEMBER, VIEWER}),
    "control.override": frozenset({OWNER, MEMBER}),
    "readings.decide": frozenset({OWNER}),
    "agents.configure": frozenset({OWNER}),
    "house.configure": frozenset({OWNER}),
    "admin.use": frozenset({OWNER}),
}


@dataclass(frozen=True)
class Actor:
    """Somebody or something that asks: `name` goes into the audit, `role` is None for a stranger.

    `stale`: a session whose password was given a while ago, so that anybody may sit before it.
    """

    name: str
    role: str | None
    stale: bool = field(default=False, compare=False)


STRANGER = Actor("", None)


def allows(actor: Actor, permission: str) -> bool:
    return actor.role in PERMISSIONS[permission]


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that anyone may open; the matrix test refuses views with neither mark."""
    view.permission = None  # type: ignore[attr-defined]
    return view


def requires(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A view for actors with this permission. Strangers go to the login page, others get a 403 with a way out."""
    if permission not in PERMISSIONS:
        raise KeyError(permission)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def checked(request: Any, *args: Any, **kwargs: Any) -> Any:
            from django.contrib.auth.views import redirect_to_login
            from django.core.exceptions import PermissionDenied

            from energysite.actors import actor_of

            actor = actor_of(request)
            if allows(actor, permission):
                request.actor = actor
                return view(request, *args, **kwargs)
            # Who is logged in and has no right gains nothing by logging in again.
            if actor == STRANGER and request.method in ("GET", "HEAD"):
                return redirect_to_login(request.get_full_path())
            raise PermissionDenied

        checked.permission = permission  # type: ignore[attr-defined]
        return checked

    return decorate
