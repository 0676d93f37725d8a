"""Outputs in the admin: how a device is reached, Test, and its own settings made safe."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from control.models import Output
from control.outputs import check, checking, families, set_up
from energysite import audit, confirm, database
from energysite.actors import actor_of
from energysite.agent_admin import STATUS_WORDS
from energysite.agent_test import UNTESTED, TestedAdmin
from energysite.device_look import Look
from energysite.errors import EnergyError
from energysite.permissions import allows

STATES = {
    **STATUS_WORDS,
    "ok": _("answers"),
    "on": _("on"),
    "off": _("off"),
}


def fields_by_family() -> dict[str, str]:
    """{field: when it is shown}, as an expression of the page's own script: a make's page shows what that make uses."""
    users: dict[str, list[str]] = {}
    for family in families.FAMILIES:
        for name in family.shown:
            users.setdefault(name, []).append(family.name)
    return {name: " || ".join(f"family == '{user}'" for user in by) for name, by in users.items()}


@admin.register(Output)
class OutputAdmin(TestedAdmin):
    list_display = ("name", "family", "address", "enabled", "status", "said", "safety", "carries")
    list_filter = ("enabled", "family")
    search_fields = ("name", "address")
    status_words = STATES
    audited = ("family", "address", "pin")
    change_form_outer_before_template = "admin/control/output_buttons.html"
    conditional_fields = fields_by_family()
    settable = families.SETTABLE
    untested = (*UNTESTED, "period_s")
    test_words = _(
        "Test asks the device below once, by the settings as they stand in the form now, and shows what it says. Nothing is switched."
    )
    fieldsets = (
        (None, {"fields": ("name", "enabled", "seen")}),
        (
            _("Connection"),
            {
                "fields": (
                    *("family", "address", "username", "password", "channel"),
                    ("pin", "active_high"),
                    ("on_request", "off_request"),
                    ("state_request", "state_path", "power_path"),
                    ("topic", "state_topic"),
                    ("on_text", "off_text"),
                ),
                "description": _("Only what the chosen make uses is shown."),
            },
        ),
        (
            _("Safety"),
            {
                "fields": ("max_w", "rated_switches", "cannot_switch_off"),
                "description": _("Never switch a freezer, a medical device or a cooker, nor a wallbox through a relay's contacts."),
            },
        ),
        (_("Requests"), {"fields": ("requestable",)}),
    )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.device))
        return [path("<int:pk>/set-up/", view, name="control_output_set_up"), *super().get_urls()]

    def look_at(self, device: Any, *, live_ok: bool) -> Look:
        checking.settle(device)
        return check.look(device, timezone.now(), live_ok=live_ok)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Rule 11: a pin that is “on” while the machine starts is saved, with what to do about it."""
        super().save_model(request, obj, form, change)
        if advice := checking.advice(obj):
            messages.warning(request, advice)
        if families.safety_class(obj) == families.NOBODY:
            words = gettext("%(output)s cannot switch itself off if this machine dies.") % {"output": obj.name}
            messages.warning(request, words)

    def device(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST: what the stored device is set to beside what is safe; with `make_safe`, set it so, read it again and tell."""
        if not allows(actor_of(request), "agents.configure"):
            raise PermissionDenied
        back = reverse("admin:control_output_change", args=[pk])
        if not confirm.is_fresh(request):
            return confirm.asked_again(request, back=back)
        output = Output.objects.filter(pk=pk).first()
        if output is None or not set_up.has_settings(output):
            raise Http404
        database.give_back()  # others use the connection while the device takes its time
        try:
            if "make_safe" in request.POST:
                return self._made_safe(request, output, back)
            found = set_up.find(output)
        except EnergyError as error:
            return self._set_up_page(request, output, error=str(error))
        return self._set_up_page(request, output, found=found)

    def _made_safe(self, request: HttpRequest, output: Output, back: str) -> HttpResponse:
        """Raises EnergyError."""
        found = set_up.make_safe(output, timezone.now())
        audit.record(actor_of(request), "output set up", output.name, settings=dict(found.now) if found else {})
        messages.success(request, gettext("The device is set up safely."))
        return HttpResponseRedirect(back)

    def _set_up_page(self, request: HttpRequest, output: Output, *, found: set_up.SetUp | None = None, error: str = "") -> HttpResponse:
        context = {"title": gettext("Set up this device"), "opts": self.opts, "output": output, "found": found, "error": error}
        return TemplateResponse(request, "admin/control/set_up.html", {**admin.site.each_context(request), **context})

    @display(description=_("class"))
    def safety(self, obj: Any) -> str:
        """Rule 3: A, B or C."""
        return families.safety_class(obj)

    @display(description=_("carries"))
    def carries(self, obj: Any) -> str:
        return f"{obj.continuous_w} W"
