"""Meters, their sources, and what could not be read: the admin's side. Changes go the way `agents.set_config` goes."""

import time
from typing import Any

import redis
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from energysite import agent_states, agents, audit, confirm, live
from energysite.actors import actor_of
from energysite.text import excerpt, plain
from meters import (  # noqa: F401 -- they register their models
    admin_blocks,
    admin_corrections,
    admin_managers,
    admin_sources,
    admin_test,
    admin_trust,
)
from meters.models import Meter, UndecodableTelegram

RAW_SHOWN = 4000
STATUS_SHOWN = 70


class MeterAdminForm(forms.ModelForm):
    """Carries the version that the person saw, so that nobody overwrites what somebody else has just changed."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Meter
        fields = ("name", "enabled", "connection", "baud", "dialect", "take", "slot_s", "clock", "share_port", "period_s", "requestable")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = self.instance.version

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk and cleaned.get("seen") != self.instance.version:
            raise ValidationError(gettext("Somebody changed this meter after you opened the page. Reload it, look, and change it again."))
        return cleaned


@admin.register(Meter)
class MeterAdmin(ModelAdmin):
    form = MeterAdminForm
    list_display = ("name", "connection", "enabled", "status", "said", "last_telegram", "take")
    list_filter = ("enabled", "dialect", "take")
    search_fields = ("name", "connection")
    list_select_related = ("state",)
    actions = ("enable", "disable")
    change_form_outer_before_template = "admin/meters/meter/test_button.html"
    fieldsets = (
        (None, {"fields": ("name", "enabled", "seen")}),
        (
            _("Connection"),
            {"fields": ("connection", "baud", "dialect"), "description": _("Where the P1 port arrives. Test listens there.")},
        ),
        (
            _("Readings"),
            {
                "fields": ("take", "slot_s", "clock"),
                "description": _("Every telegram is shown live. Here you choose which ones are kept for ever."),
            },
        ),
        (_("Sharing"), {"fields": ("share_port", "requestable", "period_s"), "classes": ("collapse",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Meter | None = None) -> tuple[str, ...]:
        return () if obj is None else ("name",)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("test/", wrap(admin_test.start), name="meters_meter_test"),
            path("test/<slug:look>/", wrap(admin_test.result), name="meters_meter_test_result"),
            *super().get_urls(),
        ]

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> HttpResponse:
        if not confirm.is_fresh(request):  # the form holds an address that this site connects to
            return confirm.asked_again(request)
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except agents.Refused as error:  # somebody saved between the form's check and ours
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Meter, form: Any, change: bool) -> None:
        actor = actor_of(request)
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data if name not in ("name", "seen")}
            agents.set_config(actor, obj.name, values, form.cleaned_data["seen"])
            return
        obj.save()
        audit.record(actor, "meter connected", obj.name, connection=obj.connection)

    def delete_model(self, request: HttpRequest, obj: Meter) -> None:
        audit.record(actor_of(request), "meter removed", obj.name, connection=obj.connection)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Meter]) -> None:
        for meter in queryset:
            self.delete_model(request, meter)

    @action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Meter]) -> None:
        self._set_enabled(request, queryset, True)

    @action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Meter]) -> None:
        self._set_enabled(request, queryset, False)

    def _set_enabled(self, request: HttpRequest, queryset: QuerySet[Meter], enabled: bool) -> None:
        changed = 0
        for meter in queryset.exclude(enabled=enabled):
            try:
                agents.set_config(actor_of(request), meter.name, {"enabled": enabled}, meter.version)
                changed += 1
            except agents.Refused as error:
                messages.error(request, f"{meter.name}: {error}")
        words = ngettext("%(count)s meter changed.", "%(count)s meters changed.", changed)
        messages.success(request, words % {"count": changed})

    @display(
        description=_("status"),
        label={
            "live": "success",
            "concern": "warning",
            "connecting": "info",
            "silent": "warning",
            "unreadable": "warning",
            "error": "danger",
            "disabled": "default",
            "unknown": "default",
        },
    )
    def status(self, obj: Meter) -> tuple[str, str]:
        state = _state(obj)
        code = str(state.get("status", "unknown")) if obj.enabled else "disabled"
        word = str(STATUS_WORDS.get(code, code))
        return ("concern" if code == "live" and state.get("error") else code), word

    @display(description=_("detail"))
    def said(self, obj: Meter) -> str:
        """The first sentence of what is wrong; the whole of it stands on the health page."""
        first = str(_state(obj).get("error") or "").partition("\n")[0] if obj.enabled else ""
        return plain(first, STATUS_SHOWN)

    @display(description=_("last telegram"))
    def last_telegram(self, obj: Meter) -> str:
        at = _state(obj).get("last_telegram")
        if at is None:
            return gettext("none yet")
        return gettext("%(seconds)s s ago") % {"seconds": f"{max(0, time.time() - at):.0f}"}


STATUS_WORDS = {
    "live": _("live"),
    "silent": _("silent"),
    "connecting": _("connecting"),
    "unreadable": _("unreadable"),
    "error": _("error"),
    "disabled": _("disabled"),
    "unknown": _("not started"),
}


def _state(meter: Meter) -> dict[str, Any]:
    """The live state, once for each row shown; while Redis is away the copy of the last minute."""
    known: dict[str, Any] | None = getattr(meter, "_shown_state", None)
    if known is None:
        try:
            known = agent_states.read(live.client(), meter.name)
            frame = live.last_frames().get(meter.name)
        except redis.RedisError:
            known, frame = {}, None
        known = known or dict(meter.state.state)
        if frame is not None:  # a state is up to 5 s old
            known["last_telegram"] = frame["received"]
        meter._shown_state = known  # type: ignore[attr-defined]
    return known


@admin.register(UndecodableTelegram)
class UndecodableTelegramAdmin(ModelAdmin):
    """Why telegrams were rejected, with what the port really sent. Only to be read."""

    list_display = ("received", "meter", "reason", "why")
    list_filter = ("meter", "reason")
    list_select_related = ("meter",)
    date_hierarchy = "received"
    fields = ("received", "meter", "reason", "why", "sent")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go with their meter, and only then."""
        match = request.resolver_match
        return match is not None and (match.url_name or "").startswith("meters_meter_")

    def get_queryset(self, request: HttpRequest) -> QuerySet[UndecodableTelegram]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        return rows.defer("raw") if match is not None and (match.url_name or "").endswith("_changelist") else rows

    @display(description=_("detail"))
    def why(self, obj: UndecodableTelegram) -> str:
        return plain(obj.detail)

    @display(description=_("what the port sent"))
    def sent(self, obj: UndecodableTelegram) -> str:
        return excerpt(bytes(obj.raw), RAW_SHOWN)
