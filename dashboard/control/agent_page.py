"""One agent: its state, live, and its settings, which the owner changes: by the agent's socket, or by the form where no script runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.control import agent_rows
from energysite import agents, audit, house
from energysite.agents import NotAllowed, Refused, UnknownAgent
from energysite.database import DatabaseAway, asked
from energysite.models import Agent
from energysite.permissions import Actor, allows, requires


@require_http_methods(["GET", "HEAD", "POST"])
@requires("agents.view")
def agent(request: HttpRequest, name: str) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        with asked():
            found = agents.get(name)
            form = settings_form(found, request.POST if request.method == "POST" else None)
            if request.method == "POST" and _saved(actor, found, form, request):
                return redirect("control-agent", name=name)
            return render(request, "control/agent.html", _context(actor, found, form))
    except UnknownAgent as error:
        raise Http404(str(error)) from None
    except DatabaseAway:
        problem = _("The database is away. Settings and states return with it.")
        return render(request, "control/agent.html", {"database": "away", "name": name, "problems": [problem]}, status=503)


def _context(actor: Actor, found: Agent, form: forms.ModelForm) -> dict[str, Any]:
    zone = ZoneInfo(house.current().zone)
    row, state = agent_rows.one(found, timezone.now(), zone)
    may_configure = allows(actor, "agents.configure")
    return {
        "database": "ok",
        "name": found.name,
        "kind": found._meta.verbose_name,
        "agent": found,
        "row": row,
        "state": agent_rows.shown(state, zone),
        "labels_id": f"agent-labels-{found.kind}-{found.pk}",
        "labels": agent_rows.labels() | {"yes": _("yes"), "no": _("no")},
        "form": form if may_configure else None,
        "settings": _in_words(found, form),
        "admin_url": _admin_url(found) if may_configure else "",
    }


def _admin_url(found: Agent) -> str:
    try:
        return reverse(f"admin:{found._meta.app_label}_{found._meta.model_name}_change", args=[found.pk])
    except NoReverseMatch:
        return ""


def settings_form(found: Agent, data: Mapping[str, Any] | None) -> forms.ModelForm:
    """The form that rules the settings, each field marked with the type that the socket wants. The agent itself stays as it is."""
    form = agents.form_of(found)(data, instance=copy.copy(found), auto_id=f"agent-{found.kind}-{found.pk}-%s")
    for name, field in form.fields.items():
        column = found._meta.get_field(name)
        field.widget = _plain_widget(field)
        field.widget.attrs |= {"data-setting": name, "data-type": _type(column)}
        if name in found.secret_fields:
            field.widget.attrs |= {"autocomplete": "off"}
    return form


def _plain_widget(field: forms.Field) -> forms.Widget:
    """Times come as a browser's time field has them."""
    if isinstance(field, forms.TimeField):
        widget: forms.Widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
        widget.attrs["type"] = "time"
        return widget
    return field.widget


def _type(column: Any) -> str:
    """bool, int, float, text, or `reference`, which is text or nothing."""
    if isinstance(column, models.BooleanField):
        return "bool"
    if isinstance(column, models.ForeignKey):
        return "reference"
    if isinstance(column, models.IntegerField):
        return "int"
    if isinstance(column, (models.FloatField, models.DecimalField)):
        return "float"
    return "reference" if column.null else "text"


def _saved(actor: Actor, found: Agent, form: forms.ModelForm, request: HttpRequest) -> bool:
    """By the same door as the socket's; what it refuses stands in the form."""
    text = request.POST.get("version", "")
    try:
        if form.is_valid():
            values = {name: _sent(form.cleaned_data[name]) for name in form.changed_data if name in form.cleaned_data}
            kept = {name: value for name, value in values.items() if not (name in found.secret_fields and value in ("", audit.MASK))}
            agents.set_config(actor, found.name, kept, int(text))
            messages.success(request, _("Saved."))
            return True
    except Refused as refusal:
        for name, texts in (refusal.errors or {"__all__": [str(refusal)]}).items():
            for sentence in texts:
                form.add_error(name if name in form.fields else None, sentence)
    except NotAllowed as refusal:
        form.add_error(None, str(refusal))
    except ValueError:
        form.add_error(None, _("The form is incomplete. Reload the page."))
    return False


def _sent(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, (time, date, datetime)):
        return value.isoformat()
    return value


def _in_words(found: Agent, form: forms.ModelForm) -> list[tuple[str, str]]:
    """For those who may only look."""
    return [(str(field.label), _word(found, name)) for name, field in form.fields.items()]


def _word(found: Agent, name: str) -> str:
    value = getattr(found, name)
    if name in found.secret_fields:
        return audit.MASK if value else _("not set")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value == "":
        return _("not set")
    return str(getattr(found, f"get_{name}_display", lambda: value)())
