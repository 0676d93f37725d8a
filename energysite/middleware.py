"""Hosts, headers, the house's zone and language for each request."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from energysite import hosts, house
from energysite.actors import actor_of, anonymous
from energysite.database import DatabaseAway
from energysite.permissions import STRANGER

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
# django-unfold runs Alpine and writes style attributes.
ADMIN_POLICY = f"{POLICY}; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class HostMiddleware:
    """What came by a foreign name gets nothing but an explanation."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.META.get("HTTP_HOST", "")
        if hosts.accepted(host, request.META.get("SERVER_NAME")):
            return self.get_response(request)
        name = "".join(letter for letter in host if letter.isprintable())[:100]
        return HttpResponse(render_to_string("wrong_host.html", {"host": name}), status=400)


class SecurityHeadersMiddleware:
    """What Django does not set itself. Only /admin/ may run inline scripts."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = ADMIN_POLICY if request.path.startswith("/admin/") else POLICY
        response.setdefault("Content-Security-Policy", policy)
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # The house's numbers stay out of every cache, also out of "back" after logging out; static files say otherwise themselves.
        response.setdefault("Cache-Control", "private, no-store")
        return response


class HouseMiddleware:
    """The zone of the house; the language the visitor chose, else the house's, in the demo the browser's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.house = here = house.current()  # type: ignore[attr-defined]
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in dict(settings.LANGUAGES) else self._unasked(request, here.language)
        with timezone.override(here.zone), translation.override(language):
            response = self.get_response(request)
            response.setdefault("Content-Language", translation.get_language() or language)
            return response

    @staticmethod
    def _unasked(request: HttpRequest, spoken_here: str) -> str:
        """Nobody lives in the demo: whoever looks at it is met in a language of their own."""
        return translation.get_language_from_request(request) if settings.MODE == "demo" else spoken_here

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A page that cannot do without the database says so; it is no failure of the page."""
        if not isinstance(exception, (DatabaseAway, OperationalError, InterfaceError)):
            return None
        logger.warning("no database for %s: %s", request.path, exception or type(exception).__name__)
        return HttpResponse(render_to_string("database_away.html"), status=503, headers={"Retry-After": "10"})


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What each page may show: house, actor, account (the name of who is logged in), mode, version, language and languages."""
    actor = SimpleLazyObject(lambda: getattr(request, "actor", None) or actor_of(request))
    return {
        "house": getattr(request, "house", None) or house.current(),
        "actor": actor,
        # Not `user`: that one asks the database each time, and pages must do without.
        "account": SimpleLazyObject(lambda: "" if actor in (STRANGER, anonymous()) else actor.name),
        "mode": settings.MODE,
        "version": settings.VERSION,
        "languages": [(code, translation.get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES],
        "language": translation.get_language(),
    }
