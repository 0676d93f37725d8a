"""Test in the admin: what does the device at this address say now? Nothing is saved.

A port that read_meters holds is answered from live; another is listened to in the background, and the page renews itself.
"""

import time
from typing import Any

import redis
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from energysite import live
from energysite.actors import actor_of
from energysite.permissions import allows
from meters import check, looks
from meters.facts import dialect_name, facts
from meters.models import Meter

REFRESH_S = 1


class TestForm(forms.ModelForm):
    """What the person has in the form just now, saved or not."""

    class Meta:
        model = Meter
        fields = ("connection", "baud", "dialect")


def _owner_only(request: HttpRequest) -> None:
    if not allows(actor_of(request), "agents.configure"):
        raise PermissionDenied


def _page(request: HttpRequest, **context: Any) -> TemplateResponse:
    title = {"title": _("Test"), "opts": Meter._meta}
    return TemplateResponse(request, "admin/meters/meter/test.html", {**admin.site.each_context(request), **title, **context})


def _answer(request: HttpRequest, found: check.Check, address: str) -> TemplateResponse:
    return _page(
        request, found=found, address=address, facts=facts(found.values, found.dialect), dialect=dialect_name(found.dialect), state="done"
    )


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """POST connection, baud and dialect."""
    _owner_only(request)
    form = TestForm(request.POST)
    address = str(request.POST.get("connection", ""))[:200]
    if not form.is_valid():
        errors = [str(text) for texts in form.errors.values() for text in texts]
        return _page(request, state="refused", errors=errors, address=address)
    wanted = form.cleaned_data
    meter = Meter.objects.filter(connection=wanted["connection"]).first()
    try:
        known = check.from_live(meter, live.client(), time.time()) if meter is not None else None
        if known is not None:
            return _answer(request, known, address)
        look = looks.start(wanted["connection"], baud=wanted["baud"], dialect=wanted["dialect"])
    except redis.RedisError:
        return _page(
            request, state="refused", errors=[_("Valkey is away, so no test could begin. Try again in some seconds.")], address=address
        )
    return redirect("admin:meters_meter_test_result", look=look.id)


@require_GET
def result(request: HttpRequest, look: str) -> HttpResponse:
    _owner_only(request)
    try:
        found = looks.get(look)
    except redis.RedisError:
        found = None
    if found is None:
        return _page(request, state="refused", errors=[_("This test is no longer kept. Test again.")], address="")
    if found.state == "running":
        response = _page(request, state="running", look=found, waited_s=found.waited_s(time.time()), address=found.address)
        response.headers["Refresh"] = str(REFRESH_S)
        return response
    answer = check.Check(
        found.address,
        ok=found.state == "found",
        live=False,
        age_s=0.0,
        error=found.hint,
        dialect=found.dialect,
        values=found.values,
        raw=found.raw,
    )
    return _answer(request, answer, found.address)
