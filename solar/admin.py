"""Inverters, the roof and weather services: the admin's side."""

import time
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from energysite.admin import AuditedAdmin
from energysite.agent_admin import STATUS_WORDS
from energysite.agent_test import TestedAdmin
from energysite.device_look import Look
from solar import check
from solar.models import Inverter, RoofPlane, Weather, WeatherForecast, WeatherObservation
from solar.readers import families
from solar.weather import check as weather_check

USUAL_PERIOD_S = 10
USUAL_WEATHER_PERIOD_S = 900
STATES = {
    **STATUS_WORDS,
    "ok": _("answers"),
    "asleep": _("asleep"),
    "standby": _("on standby"),
}


def fields_by_family() -> dict[str, str]:
    """{field: when it is shown}, as an expression of the page's own script: a make's page shows what that make uses."""
    users: dict[str, list[str]] = {}
    for family in families.FAMILIES:
        for name in (*family.needs, *family.uses):
            users.setdefault(name, []).append(family.name)
    return {name: " || ".join(f"family == '{user}'" for user in by) for name, by in users.items()}


class AskedAdmin(TestedAdmin):
    """Over the network, so that it matters how long an answer takes."""

    status_words = STATES

    @display(description=_("last answer"))
    def last_success(self, obj: Any) -> str:
        at = obj.shown_state.get("last_success")
        if at is None:
            return gettext("none yet")
        return gettext("%(seconds)s s ago") % {"seconds": f"{max(0, time.time() - at):.0f}"}

    @display(description=_("response time"))
    def response_ms(self, obj: Any) -> str:
        took = obj.shown_state.get("response_ms")
        return "–" if took is None else f"{took} ms"


@admin.register(Inverter)
class InverterAdmin(AskedAdmin):
    list_display = ("name", "family", "address", "enabled", "status", "said", "last_success", "response_ms")
    list_filter = ("enabled", "family")
    search_fields = ("name", "address")
    audited = ("family", "address")
    conditional_fields = fields_by_family()
    test_words = _("Test asks the device below once, by the settings as they stand in the form now, and shows what it says.")
    fieldsets = (
        (None, {"fields": ("name", "enabled", "seen")}),
        (
            _("Connection"),
            {
                "fields": (
                    *("family", "address", "password", "units"),
                    "page",
                    ("power_path", "power_factor"),
                    ("day_path", "day_factor"),
                    ("total_path", "total_factor"),
                    ("battery_path", "battery_factor"),
                    "charge_path",
                ),
                "description": _("Only what the chosen make uses is shown."),
            },
        ),
        (_("Readings"), {"fields": ("period_s", "peak_w", "requestable")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"period_s": USUAL_PERIOD_S, **super().get_changeform_initial_data(request)}

    def look_at(self, device: Any, *, live_ok: bool) -> Look:
        return check.look(device, timezone.now(), live_ok=live_ok)


@admin.register(RoofPlane)
class RoofPlaneAdmin(AuditedAdmin):
    list_display = ("name", "tilt_deg", "azimuth_deg", "peak_w", "inverter")
    list_filter = ("inverter",)
    list_select_related = ("inverter",)
    fieldsets = ((None, {"fields": ("name", "tilt_deg", "azimuth_deg", "peak_w")}), (_("Inverter"), {"fields": ("inverter", "limit_w")}))


@admin.register(Weather)
class WeatherAdmin(AskedAdmin):
    list_display = ("name", "provider", "enabled", "status", "said", "last_success", "response_ms")
    list_filter = ("enabled", "provider")
    search_fields = ("name",)
    audited = ("provider", "address")
    conditional_fields = {"key": f"provider == '{Weather.Provider.OPENWEATHERMAP}'"}
    test_words = _("Test asks the service below once, by the settings as they stand in the form now, and shows what it says.")
    fieldsets = (
        (None, {"fields": ("name", "enabled", "seen")}),
        (
            _("Service"),
            {
                "fields": ("provider", "key", "address"),
                "description": _("It is asked for the place of the house: set latitude and longitude there."),
            },
        ),
        (_("Readings"), {"fields": ("period_s", "requestable")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"name": gettext("Weather"), "period_s": USUAL_WEATHER_PERIOD_S, **super().get_changeform_initial_data(request)}

    def look_at(self, device: Any, *, live_ok: bool) -> Look:
        return weather_check.look(device, timezone.now(), live_ok=live_ok)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counted, not read: a year of observations and forecasts goes with a service."""
        told = {
            gettext("weather services"): len(objs),
            gettext("observations"): WeatherObservation.objects.filter(weather__in=objs).count(),
            gettext("forecasts"): WeatherForecast.objects.filter(weather__in=objs).count(),
        }
        lines = [str(weather) for weather in objs] + [f"{what}: {number}" for what, number in list(told.items())[1:]]
        return lines, told, set(), []
