"""The admin: for owners only, entered through the site's own login page."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from unfold.sites import UnfoldAdminSite

from energysite.actors import actor_of
from energysite.permissions import STRANGER, allows


class OwnerSite(UnfoldAdminSite):
    permission = "admin.use"

    def has_permission(self, request: HttpRequest) -> bool:
        return allows(actor_of(request), self.permission)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        actor = actor_of(request)
        if allows(actor, self.permission) or (actor == STRANGER and request.method in ("GET", "HEAD")):
            return redirect_to_login(request.GET.get("next") or "/admin/")
        raise PermissionDenied
