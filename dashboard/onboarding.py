"""First start: from the demo to the owner's account. `dashboard.onboarding_meter` goes on with the first meter.

The one-time token comes in the printed link or is typed; it then travels in a cookie that no script can read and
only these pages get, never in the address.
"""

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from dashboard.onboarding_forms import NewPasswordForm, OwnerForm
from energysite import control_socket, owners, setup_token
from energysite.actors import actor_of
from energysite.database import DatabaseAway, asked
from energysite.models import House
from energysite.permissions import OWNER, STRANGER, public

log = structlog.get_logger(__name__)

COOKIE = "setup"
COOKIE_LIVES_S = 3600
BACKEND = "django.contrib.auth.backends.ModelBackend"


def is_over() -> bool:
    """The house has its owner, and nobody at the machine asked for a new password."""
    if settings.MODE == "demo" or not owners.exists():
        return False
    token = setup_token.read(settings.DATA_DIR)
    return token is None or token.user is None


def _leave(request: HttpRequest) -> HttpResponse:
    """Where somebody goes for whom there is nothing to set up here."""
    return redirect("setup-meter" if actor_of(request).role == OWNER else "now")


def _has_token(request: HttpRequest) -> bool:
    given = request.COOKIES.get(COOKIE, "")
    return bool(given) and setup_token.check(settings.DATA_DIR, given)


def _with_token(request: HttpRequest, given: str) -> HttpResponse:
    """To the same page without the token in its address."""
    response = redirect("setup")
    response.set_cookie(
        COOKIE,
        given.strip(),
        max_age=COOKIE_LIVES_S,
        path=reverse("setup"),
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _ask_for_token(request: HttpRequest, *, wrong: bool) -> HttpResponse:
    left = setup_token.tries_left(settings.DATA_DIR)
    token = setup_token.read(settings.DATA_DIR)
    context = {
        "wrong": wrong,
        "left": left,
        "locked": left == 0,
        "file": setup_token.path(settings.DATA_DIR),
        "reset": token is not None and token.user is not None,
        "beside": token is None,  # a demo run beside a house that is set up
    }
    response = TemplateResponse(request, "setup/token.html", context, status=403 if wrong or left == 0 else 200)
    response.delete_cookie(COOKIE, path=reverse("setup"))
    return response


@public
@never_cache
@sensitive_post_parameters("token")
def welcome(request: HttpRequest) -> HttpResponse:
    """One question: is this your house? The token proves it."""
    if is_over():
        return _leave(request)
    if settings.MODE == "house" and not setup_token.path(settings.DATA_DIR).exists():
        setup_token.ensure(settings.DATA_DIR)
    given = request.POST.get("token") or request.GET.get("token")
    if given is not None:
        if setup_token.check(settings.DATA_DIR, given):
            return _with_token(request, given)
        return _ask_for_token(request, wrong=True)
    if COOKIE not in request.COOKIES:
        return _ask_for_token(request, wrong=False)
    if not _has_token(request):
        return _ask_for_token(request, wrong=True)
    if settings.MODE == "house":
        return redirect("setup-owner")
    return TemplateResponse(request, "setup/begin.html")


@public
@never_cache
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Ends the demo: everything stops and starts again on the house's own data; the page waits for it."""
    if is_over():
        return _leave(request)
    if not _has_token(request):
        return redirect("setup")
    if settings.MODE == "house":
        return redirect("setup-owner")
    # The supervisor stops this process a second after its answer: the waiting page is out by then.
    answer = control_socket.ask(settings.DATA_DIR, "switch house")
    if not answer.get("ok"):
        log.warning("the demo was not left", answer=answer)
        return TemplateResponse(request, "setup/begin.html", {"refused": answer.get("error", "")}, status=503)
    response = TemplateResponse(request, "setup/switching.html")
    # The house does not know yet what is spoken in it: it goes on in the words of the demo.
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, get_language() or settings.LANGUAGE_CODE, samesite="Lax")
    return response


@public
@never_cache
@sensitive_post_parameters()
def owner(request: HttpRequest) -> HttpResponse:
    """The owner's name and password; with a reset token only the new password."""
    if is_over():
        return _leave(request)
    if settings.MODE != "house" or not _has_token(request):
        return redirect("setup")
    token = setup_token.read(settings.DATA_DIR)
    user = owners.owners().filter(username=token.user).first() if token and token.user else None
    data = request.POST if request.method == "POST" else None
    form: Any = OwnerForm(data) if user is None else NewPasswordForm(user, data)
    if not form.is_valid():
        return TemplateResponse(request, "setup/owner.html", {"form": form, "user_name": user and user.get_username()})
    try:
        user = form.save()
    except owners.OwnerExists:
        messages.error(request, _("Somebody was first: this house has an owner now. If that was not you, run manage.py owner --reset."))
        return redirect("login")
    if isinstance(form, OwnerForm):
        House.objects.update_or_create(pk=1, defaults={"language": get_language() or settings.LANGUAGE_CODE})
    setup_token.remove(settings.DATA_DIR)
    login(request, user, backend=BACKEND)
    response = redirect("setup-meter" if isinstance(form, OwnerForm) else "now")
    response.delete_cookie(COOKIE, path=reverse("setup"))
    return response


class WelcomeMiddleware:
    """A house without an owner shows the welcome page instead of a login nobody can pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.MODE == "house" and request.path in (reverse("now"), reverse("login")) and self._nobody(request):
            return HttpResponseRedirect(reverse("setup"))
        return self.get_response(request)

    @staticmethod
    def _nobody(request: HttpRequest) -> bool:
        try:
            if actor_of(request) != STRANGER:
                return False
            with asked():
                return not owners.exists()
        except DatabaseAway:  # the page itself says so
            return False
