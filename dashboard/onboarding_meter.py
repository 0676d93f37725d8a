"""Connecting a meter: choose where it is, listen there, recognise it, save it. For owners, now or later."""

import time
from typing import Any

import redis
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dashboard.onboarding_forms import LookForm, NameForm
from energysite import agents, audit, confirm
from energysite.actors import actor_of
from energysite.permissions import requires
from meters import detect, looks
from meters.facts import dialect_name, facts
from meters.models import Meter

REFRESH_S = 2


def _ports() -> list[dict[str, Any]]:
    taken = dict(Meter.objects.values_list("connection", "name"))
    return [{"address": port.address, "name": port.name, "taken_by": taken.get(port.address)} for port in detect.ports()]


def _choose(request: HttpRequest, form: LookForm, *, valkey_away: bool = False) -> HttpResponse:
    context = {"form": form, "ports": _ports(), "first": not Meter.objects.exists(), "valkey_away": valkey_away}
    return TemplateResponse(request, "setup/meter.html", context, status=503 if valkey_away else 200)


@requires("agents.configure")
@never_cache
def choose(request: HttpRequest) -> HttpResponse:
    """One question: where is your meter?"""
    if not confirm.is_fresh(request):
        return confirm.asked_again(request)
    form = LookForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _choose(request, form)
    try:
        look = looks.start(form.cleaned_data["connection"])
    except redis.RedisError:
        return _choose(request, form, valkey_away=True)
    return redirect("setup-look", look=look.id)


def _look(look: str) -> looks.Look | None:
    """The look, or None once it is older than half an hour or Valkey is away: either way one looks again."""
    try:
        return looks.get(look)
    except redis.RedisError:
        return None


@requires("agents.configure")
@never_cache
def result(request: HttpRequest, look: str) -> HttpResponse:
    """What the look has found so far, and whether that is the meter."""
    found = _look(look)
    if found is None:
        messages.warning(request, _("That look is no longer kept. Look again."))
        return redirect("setup-meter")
    return _result(request, found, NameForm())


def _result(request: HttpRequest, found: looks.Look, form: NameForm) -> HttpResponse:
    context = {
        "look": found,
        "first": not Meter.objects.exists(),
        "facts": facts(found.values, found.dialect),
        "dialect": dialect_name(found.dialect),
        "form": form,
        "waited_s": found.waited_s(time.time()),
        "deadline_s": looks.DEADLINE_S,
        "refresh_s": REFRESH_S,
    }
    return TemplateResponse(request, f"setup/look_{found.state}.html", context)


@requires("agents.configure")
@never_cache
def state(request: HttpRequest, look: str) -> HttpResponse:
    """For the page's script: {"state": running | found | nothing | lost, "waited_s", "note"}."""
    found = _look(look)
    if found is None:
        return JsonResponse({"state": "lost", "waited_s": 0, "note": ""})
    return JsonResponse({"state": found.state, "waited_s": found.waited_s(time.time()), "note": found.note})


@requires("agents.configure")
@never_cache
@require_POST
def connect(request: HttpRequest, look: str) -> HttpResponse:
    """Save what was found as a meter, a cable with its speed; read_meters takes it up at once."""
    found = _look(look)
    if found is None or found.state != "found":
        raise Http404
    if not confirm.is_fresh(request):
        return confirm.asked_again(request, back=reverse("setup-look", args=[look]))
    form = NameForm(request.POST)
    if not form.is_valid():
        return _result(request, found, form)
    with transaction.atomic():
        meter = agents.create(Meter, name=form.cleaned_data["name"], connection=found.address, baud=found.baud)
        audit.record(actor_of(request), "meter connected", meter.name, connection=meter.connection, serial=found.values.get("serial", ""))
    messages.success(request, _("“%(name)s” is connected. Numbers come in with its next telegram.") % {"name": meter.name})
    return redirect("now")
