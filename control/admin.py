"""Outputs, controllers and what they did: the admin's side."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from control import admin_outputs, words  # noqa: F401 -- it registers its model
from control.models import Controller, Decision, Departure, Override, Switch
from control.rules.loads import KINDS
from control.ticking import overrides
from energysite import audit
from energysite.actors import actor_of
from energysite.admin import ReadOnlyAdmin
from energysite.agent_admin import STATUS_WORDS, AgentAdmin, SeenForm

STATES = {**STATUS_WORDS, "on": _("on"), "off": _("off"), "dry_run": _("dry-run")}
USUAL_PERIOD_S = 10
OF_LOAD = ("min_on_s", "min_off_s")
SUN = "strategy == 'budget' || strategy == 'plan'"
# When a field is shown, as an expression of the page's own script.
SHOWN = {
    **dict.fromkeys(("average_s", "upper_w", "deadband_w", "min_change_s"), "strategy == 'threshold'"),
    **dict.fromkeys(("start_wh", "borrow_wh", "sun_pct"), SUN),
    **dict.fromkeys(("window_from", "window_to", "window_days"), "strategy == 'window'"),
    **dict.fromkeys(("signal", "signal_above", "signal_value", "signal_hysteresis"), "strategy == 'signal'"),
    "without_meter": "strategy == 'window' || strategy == 'plan' || strategy == 'signal'",
    "peak_up_to_w": "peak == 'up_to'",
}


class ControllerForm(SeenForm):
    """Times that are left empty are those of the kind of load (rule 13)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in OF_LOAD:
            self.fields[name].required = False
            if self.instance.pk is None:
                self.fields[name].initial = None
                self.fields[name].help_text = gettext("Empty: of the load.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = KINDS.get(cleaned.get("load", ""), KINDS["other"])
        for name in OF_LOAD:
            if name in cleaned and cleaned[name] is None:
                cleaned[name] = getattr(kind, name)
        return cleaned


class DepartureInline(TabularInline):
    model = Departure
    extra = 0
    fields = ("day", "by", "kwh")


@admin.register(Controller)
class ControllerAdmin(AgentAdmin):
    form = ControllerForm
    list_display = ("name", "load", "output", "mode", "strategy", "enabled", "status", "said", "why")
    list_filter = ("enabled", "dry_run", "mode", "strategy", "load")
    list_select_related = ("state", "output")
    search_fields = ("name",)
    status_words = STATES
    audited = ("output_id", "load", "load_w", "dry_run")
    conditional_fields = SHOWN
    inlines = (DepartureInline,)
    fieldsets = (
        (None, {"fields": ("name", "enabled", "seen")}),
        (
            _("Load"),
            {
                "fields": ("output", "load", "load_w", "priority"),
                "description": _("Never control a freezer, a medical device or a cooker."),
            },
        ),
        (_("Decides"), {"fields": ("mode", "dry_run", "strategy", "battery_first", "without_meter")}),
        (
            _("Strategy"),
            {
                "fields": (
                    ("start_wh", "borrow_wh", "sun_pct"),
                    ("average_s", "upper_w", "deadband_w", "min_change_s"),
                    ("window_from", "window_to", "window_days"),
                    "signal",
                    ("signal_above", "signal_value", "signal_hysteresis"),
                ),
                "description": _("Only what the chosen strategy uses is shown."),
            },
        ),
        (_("Limits"), {"fields": (OF_LOAD, "switches_a_day", "peak", "peak_up_to_w")}),
        (_("Agent"), {"fields": ("period_s", "requestable")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"period_s": USUAL_PERIOD_S, **super().get_changeform_initial_data(request)}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Who changed the plan is written down like any other setting, and ticks hear of it."""
        before = _plan(form.instance)
        super().save_related(request, form, formsets, change)
        after = _plan(form.instance)
        if before != after:
            audit.record(actor_of(request), "controller plan", form.instance.name, changed={"departures": [before, after]})
            transaction.on_commit(lambda: overrides.announce(form.instance.name))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counted, not read: a year of decisions goes with a controller."""
        ids = [one.pk for one in objs]
        told = {
            gettext("controllers"): len(ids),
            gettext("departures"): Departure.objects.filter(controller__in=ids).count(),
            gettext("decisions"): Decision.objects.filter(controller__in=ids).count(),
            gettext("overrides"): Override.objects.filter(controller__in=ids).count(),
        }
        lines = [str(one) for one in objs] + [f"{what}: {number}" for what, number in list(told.items())[1:]]
        return lines, told, set(), []

    @display(description=_("why"))
    def why(self, obj: Any) -> str:
        state = obj.shown_state
        return words.sentence(state["code"], state.get("params", {})) if obj.enabled and state.get("code") else ""


def _plan(controller: Controller) -> list[str]:
    return [str(one) for one in Departure.objects.filter(controller=controller)]


class RecordAdmin(ReadOnlyAdmin):
    """What ticks and the holder wrote."""

    list_per_page = 50
    show_full_result_count = False

    @display(description=_("level"))
    def shown_level(self, obj: Any) -> str:
        return gettext("off") if obj.level == 0 else gettext("on") if obj.level == 1 else f"{obj.level:.0%}"


@admin.register(Decision)
class DecisionAdmin(RecordAdmin):
    list_display = ("time", "controller", "shown_level", "rule", "sentence", "dry_run")
    list_filter = ("controller", "rule", "dry_run")
    list_select_related = ("controller",)
    date_hierarchy = "time"

    @display(description=_("why"))
    def sentence(self, obj: Decision) -> str:
        return words.sentence(obj.code, obj.params)


@admin.register(Switch)
class SwitchAdmin(RecordAdmin):
    list_display = ("time", "output", "shown_level", "cause")
    list_filter = ("output", "cause")
    list_select_related = ("output",)
    date_hierarchy = "time"


@admin.register(Override)
class OverrideAdmin(RecordAdmin):
    list_display = ("began", "until", "controller", "shown_level", "by", "button", "blind", "ended", "ended_by")
    list_filter = ("controller", "button", "blind")
    list_select_related = ("controller",)
    date_hierarchy = "began"
