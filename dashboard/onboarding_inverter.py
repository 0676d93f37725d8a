"""Connecting an inverter: one form with its address and make, one Test, save. For owners."""

from typing import Any

import redis
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from dashboard.onboarding_inverter_forms import InverterForm, InverterNameForm
from energysite import audit, confirm, database
from energysite.actors import actor_of
from energysite.permissions import requires
from solar import looks
from solar.models import Inverter


def _form(request: HttpRequest, form: InverterForm, *, valkey_away: bool = False, **context: Any) -> HttpResponse:
    shown = {"form": form, "valkey_away": valkey_away, **context}
    return TemplateResponse(request, "setup/inverter.html", shown, status=503 if valkey_away else 200)


@sensitive_post_parameters()
@requires("agents.configure")
@never_cache
def choose(request: HttpRequest) -> HttpResponse:
    """Where is your inverter? Its answer is a page of its own, so that it can be reloaded and nothing is asked twice."""
    if not confirm.is_fresh(request):
        return confirm.asked_again(request)
    form = InverterForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _form(request, form)
    try:
        database.give_back()  # others use the connection while the device takes its time
        look = looks.take(form.cleaned_data["settings"], timezone.now())
    except redis.RedisError:
        return _form(request, form, valkey_away=True)
    return redirect("setup-inverter-look", look=look.id)


def _kept(look: str) -> looks.InverterLook | None:
    """None once it is older than half an hour or Valkey is away: either way one tests again."""
    try:
        return looks.get(look)
    except redis.RedisError:
        return None


@requires("agents.configure")
@never_cache
def result(request: HttpRequest, look: str) -> HttpResponse:
    """What the device said, and whether it is the right one."""
    kept = _kept(look)
    if kept is None:
        messages.warning(request, _("That test is no longer kept. Test again."))
        return redirect("setup-inverter")
    return _result(request, kept, InverterNameForm())


def _result(request: HttpRequest, kept: looks.InverterLook, names: InverterNameForm) -> HttpResponse:
    if kept.found.ok:
        known = Inverter.objects.filter(address=kept.settings["address"]).first()
        return TemplateResponse(request, "setup/inverter_found.html", {"look": kept, "form": names, "known": known})
    shown = {name: value for name, value in kept.settings.items() if name != "password"}
    return _form(request, InverterForm(initial=shown), look=kept)


@requires("agents.configure")
@never_cache
@require_POST
def again(request: HttpRequest, look: str) -> HttpResponse:
    """The same test once more."""
    kept = _kept(look)
    if kept is None:
        return redirect("setup-inverter-look", look=look)  # which says so
    if not confirm.is_fresh(request):
        return confirm.asked_again(request, back=reverse("setup-inverter-look", args=[look]))
    try:
        database.give_back()
        fresh = looks.again(kept, timezone.now())
    except redis.RedisError:
        return redirect("setup-inverter-look", look=look)
    return redirect("setup-inverter-look", look=fresh.id)


@requires("agents.configure")
@never_cache
@require_POST
def connect(request: HttpRequest, look: str) -> HttpResponse:
    """Save what answered as an inverter; the worker reads it from its next period on."""
    kept = _kept(look)
    if kept is None or not kept.found.ok:
        raise Http404
    if not confirm.is_fresh(request):
        return confirm.asked_again(request, back=reverse("setup-inverter-look", args=[look]))
    names = InverterNameForm(request.POST)
    if not names.is_valid() or Inverter.objects.filter(address=kept.settings["address"]).exists():
        return _result(request, kept, names)
    inverter = looks.device(kept.settings)
    inverter.name = names.cleaned_data["name"]
    inverter.full_clean(exclude=["state"])
    with transaction.atomic():
        inverter.save()
        told = {"family": inverter.family, "address": inverter.address}
        audit.record(actor_of(request), "inverter connected", inverter.name, **told)
    looks.forget(look)
    words = _("“%(name)s” is connected. Its numbers come in within %(seconds)s s.")
    messages.success(request, words % {"name": inverter.name, "seconds": inverter.period_s})
    return redirect("now")
