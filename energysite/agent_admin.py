"""What the admin's pages of all agents have in common: changes go the way `agents.set_config` goes, and states are shown in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import INPUT_CLASSES

from energysite import agent_states, agents, audit, confirm, live
from energysite.actors import actor_of
from energysite.models import Agent
from energysite.secret_field import SecretField
from energysite.text import plain

STATUS_SHOWN = 70
STATUS_WORDS: Mapping[str, Any] = {"error": _("error"), "disabled": _("disabled"), "unknown": _("not started")}
COLOURS = {
    "live": "success",
    "ok": "success",
    "asleep": "info",
    "standby": "info",
    "connecting": "info",
    "concern": "warning",
    "silent": "warning",
    "unreadable": "warning",
    "error": "danger",
    "disabled": "default",
    "unknown": "default",
}


class SeenForm(forms.ModelForm):
    """Carries the version that the person saw, so that nobody overwrites what somebody else has just changed."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = self.instance.version

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk and cleaned.get("seen") != self.instance.version:
            raise ValidationError(
                gettext("Somebody changed these settings after you opened the page. Reload it, look, and change it again.")
            )
        return cleaned


class AgentAdmin(ModelAdmin):
    """`audited`: the settings that the audit names when one is connected or removed."""

    form = SeenForm
    list_select_related: Any = ("state",)
    actions: Any = ("enable", "disable")
    status_words: Mapping[str, Any] = STATUS_WORDS
    audited: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("name",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(db_field, SecretField):
            field.widget.attrs["class"] = " ".join(INPUT_CLASSES)
        return field

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.model.confirmed_fields and not confirm.is_fresh(request):  # the form holds an address that this site connects to
            return confirm.asked_again(request)
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except agents.Refused as error:  # somebody saved between the form's check and ours
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor = actor_of(request)
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data if name not in ("name", "seen")}
            agents.set_config(actor, obj.name, values, form.cleaned_data["seen"])
            return
        obj.save()
        audit.record(actor, f"{obj.kind} connected", obj.name, **self._told(obj))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        audit.record(actor_of(request), f"{obj.kind} removed", obj.name, **self._told(obj))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for agent in queryset:
            self.delete_model(request, agent)

    def _told(self, obj: Any) -> dict[str, Any]:
        return {name: getattr(obj, name) for name in self.audited}

    @action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._set_enabled(request, queryset, True)

    @action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._set_enabled(request, queryset, False)

    def _set_enabled(self, request: HttpRequest, queryset: QuerySet[Any], enabled: bool) -> None:
        changed = 0
        for agent in queryset.exclude(enabled=enabled):
            try:
                agents.set_config(actor_of(request), agent.name, {"enabled": enabled}, agent.version)
                changed += 1
            except agents.Refused as error:
                messages.error(request, f"{agent.name}: {error}")
        words = ngettext("%(count)s device changed.", "%(count)s devices changed.", changed)
        messages.success(request, words % {"count": changed})

    # States

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The states of all rows of the page in one question to Valkey; while it is away the copies of the last minute."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        try:
            states = self.states_of(rows)
        except redis.RedisError:
            states = {}
        for row in rows:
            row.shown_state = states.get(row.name) or dict(row.state.state)
        changelist.result_list = rows
        return changelist

    def states_of(self, rows: Sequence[Agent]) -> dict[str, dict[str, Any]]:
        """Raises redis.RedisError."""
        return agent_states.read_all(live.client(), [row.name for row in rows])

    @display(description=_("status"), label=COLOURS)
    def status(self, obj: Any) -> tuple[str, str]:
        state = obj.shown_state
        code = str(state.get("status", "unknown")) if obj.enabled else "disabled"
        word = str(self.status_words.get(code, code))
        return ("concern" if code in ("live", "ok") and state.get("error") else code), word

    @display(description=_("detail"))
    def said(self, obj: Any) -> str:
        """The first sentence of what is wrong; the whole of it stands on the device's page and on the health page."""
        first = str(obj.shown_state.get("error") or "").partition("\n")[0] if obj.enabled else ""
        return plain(first, STATUS_SHOWN)
