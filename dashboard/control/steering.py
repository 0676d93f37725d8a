"""A person's word by forms: override, mode, plan, release; and the answer to a copied installation. All by POST, all permitted and audited
by what they call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from control.models import Controller
from control.ticking import copied, overrides
from dashboard.control import plan
from dashboard.control.views import LENGTHS
from energysite.agents import NotAllowed, Refused, UnknownAgent
from energysite.permissions import Actor, requires

LEVELS = {"on": 1.0, "off": 0.0}


def _steering(act: Callable[[HttpRequest, Actor, Controller], str]) -> Callable[..., HttpResponse]:
    """`act` does it and returns the sentence that says so; what it refuses is said instead, and nothing has changed then."""

    @require_POST
    @requires("control.override")
    @wraps(act)
    def view(request: HttpRequest, name: str) -> HttpResponse:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        controller = Controller.objects.select_related("output").filter(name=name.replace("\0", "")).first()
        if controller is None:
            raise Http404(_("There is no controller of this name."))
        try:
            messages.success(request, act(request, actor, controller))
        except (Refused, UnknownAgent, NotAllowed) as refusal:
            messages.error(request, str(refusal))
        return redirect(_back(request))

    return view


def _back(request: HttpRequest) -> str:
    """The page that the form stood on, if that is one of ours."""
    asked = request.POST.get("next", "")
    if asked.startswith("/control/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return "/control/"


@_steering
def override(request: HttpRequest, actor: Actor, controller: Controller) -> str:
    level = LEVELS.get(request.POST.get("level", ""))
    minutes = request.POST.get("minutes", "")
    if level is None or minutes not in map(str, LENGTHS):
        raise Refused(_("Choose on or off, and how long."))
    now = timezone.now()
    begun = overrides.begin(actor, controller, level, now + timedelta(minutes=int(minutes)), now, blind="blind" in request.POST)
    words = {"name": controller.name, "time": f"{timezone.localtime(begun.until):%H:%M}"}
    return (_("%(name)s is to be on until %(time)s.") if level > 0 else _("%(name)s is to be off until %(time)s.")) % words


@_steering
def end(request: HttpRequest, actor: Actor, controller: Controller) -> str:
    if overrides.end(actor, controller, timezone.now()):
        return _("%(name)s decides by itself again.") % {"name": controller.name}
    return _("That override was over already.")


@_steering
def mode(request: HttpRequest, actor: Actor, controller: Controller) -> str:
    chosen = overrides.set_mode(actor, controller.name, request.POST.get("mode", ""), _version(request))
    return _("%(name)s: %(mode)s.") % {"name": controller.name, "mode": chosen.get_mode_display()}


@_steering
def departures(request: HttpRequest, actor: Actor, controller: Controller) -> str:
    overrides.set_departures(actor, controller.name, plan.asked(request.POST), _version(request))
    return _("The plan of %(name)s is saved.") % {"name": controller.name}


@_steering
def release(request: HttpRequest, actor: Actor, controller: Controller) -> str:
    overrides.release(actor, controller.output)
    return _("%(output)s may switch again.") % {"output": controller.output.name}


@require_POST
@requires("agents.configure")
def machine(request: HttpRequest) -> HttpResponse:
    """The owner's answer for a copied installation (rule 12): this machine commands now, or its controllers stay in dry-run."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    commands = request.POST.get("commands") == "yes"
    copied.answer(actor, commands=commands)
    text = (
        _("This machine commands the house now. Make sure that the other one does not.")
        if commands
        else _("All controllers here are in dry-run.")
    )
    messages.success(request, text)
    return redirect("control")


def _version(request: HttpRequest) -> int:
    text: Any = request.POST.get("version", "")
    try:
        return int(text)
    except ValueError:
        raise Refused(_("The form is incomplete. Reload the page.")) from None
