"""Analog inputs in the admin: where a signal is, and what makes its unit of the raw value."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from energysite.agent_admin import STATUS_WORDS
from energysite.agent_test import TestedAdmin
from energysite.device_look import Look
from meters.analog import check
from meters.models import AnalogInput

USUAL_PERIOD_S = 10


@admin.register(AnalogInput)
class AnalogInputAdmin(TestedAdmin):
    list_display = ("name", "device", "channel", "unit", "enabled", "status", "said", "value")
    list_filter = ("enabled", "device")
    search_fields = ("name",)
    list_select_related = ("state",)
    status_words = {**STATUS_WORDS, "ok": _("answers")}
    audited = ("device", "channel")
    test_words = _("Test reads the channel once, by the settings as they stand in the form now, and shows raw value and signal.")
    fieldsets = (
        (None, {"fields": ("name", "enabled", "seen")}),
        (
            _("Connection"),
            {"fields": ("device", "channel"), "description": _("SPI has to be switched on: raspi-config, Interface Options.")},
        ),
        (
            _("Calibration"),
            {
                "fields": ("offset", "factor", "unit"),
                "description": _("Signal = factor x (raw value - offset), raw values being 0 to 1023."),
            },
        ),
        (_("Readings"), {"fields": ("period_s", "requestable")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"period_s": USUAL_PERIOD_S, **super().get_changeform_initial_data(request)}

    def look_at(self, device: Any, *, live_ok: bool) -> Look:
        return check.look(device, live_ok=live_ok)

    @display(description=_("value"))
    def value(self, obj: Any) -> str:
        value = obj.shown_state.get("value")
        return "–" if value is None else f"{value} {obj.unit}"
