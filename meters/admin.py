"""Meters, their sources, and what could not be read: the admin's side."""

import time
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from energysite import live
from energysite.agent_admin import STATUS_WORDS, AgentAdmin
from energysite.models import Agent
from energysite.text import excerpt, plain
from meters import (  # noqa: F401 -- they register their models
    admin_analog,
    admin_blocks,
    admin_corrections,
    admin_managers,
    admin_sources,
    admin_test,
    admin_trust,
)
from meters.models import Meter, UndecodableTelegram

RAW_SHOWN = 4000
METER_WORDS = {
    **STATUS_WORDS,
    "live": _("live"),
    "silent": _("silent"),
    "connecting": _("connecting"),
    "unreadable": _("unreadable"),
}


@admin.register(Meter)
class MeterAdmin(AgentAdmin):
    list_display = ("name", "connection", "enabled", "status", "said", "last_telegram", "take")
    list_filter = ("enabled", "dialect", "take")
    search_fields = ("name", "connection")
    change_form_outer_before_template = "admin/meters/meter/test_button.html"
    status_words = METER_WORDS
    audited = ("connection",)
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

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("test/", wrap(admin_test.start), name="meters_meter_test"),
            path("test/<slug:look>/", wrap(admin_test.result), name="meters_meter_test_result"),
            *super().get_urls(),
        ]

    def states_of(self, rows: Sequence[Agent]) -> dict[str, dict[str, Any]]:
        """A state is up to 5 s old, the last frame is not."""
        states, frames = super().states_of(rows), live.last_frames()
        for row in rows:
            if row.name in frames:
                states[row.name] = {**states[row.name], "last_telegram": frames[row.name]["received"]}
        return states

    @display(description=_("last telegram"))
    def last_telegram(self, obj: Any) -> str:
        at = obj.shown_state.get("last_telegram")
        if at is None:
            return gettext("none yet")
        return gettext("%(seconds)s s ago") % {"seconds": f"{max(0, time.time() - at):.0f}"}


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
