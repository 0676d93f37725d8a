"""Data managers in the admin: changes go the way `agents.set_config` goes. Those that a source has by itself cannot be removed."""

from datetime import UTC, datetime
from typing import Any

import redis
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from energysite import agent_states, agents, audit, broker, live
from energysite.actors import actor_of
from energysite.agent_admin import SeenForm
from energysite.broker import BrokerAway
from energysite.text import plain
from meters import manager_counts, reopening
from meters.admin_blocks import asked_to_reopen, broker_is_away, may_process
from meters.manager_counts import States
from meters.manager_form import IDENTITY, DataManagerForm, NewDataManagerForm
from meters.models import DataManager
from meters.models.blocks import DAY_S, QUARTER_S

LATE_PERIODS = 3
LATE_S = 120
STATUS_SHOWN = 90
STATUS_WORDS = {
    "fine": _("fine"),
    "faulty": _("faulty blocks"),
    "late": _("late"),
    "error": _("error"),
    "disabled": _("disabled"),
    "unknown": _("not started"),
}
COLOURS = {"fine": "success", "faulty": "warning", "late": "warning", "error": "danger", "disabled": "default", "unknown": "default"}


class SeenManagerForm(SeenForm, DataManagerForm):
    """The settings of one that exists."""


@admin.register(DataManager)
class DataManagerAdmin(ModelAdmin):
    list_display = ("name", "source", "algorithm", "length", "todo", "faulty", "done", "closed", "last_run", "status", "said")
    list_filter = ("source", "algorithm", "length_s", "enabled", "builtin")
    search_fields = ("name",)
    list_select_related = ("source", "state")
    ordering = ("source", "algorithm", "length_s")
    actions = ("process_now", "back_to_do")

    def get_form(self, request: HttpRequest, obj: DataManager | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = NewDataManagerForm if obj is None else SeenManagerForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: DataManager | None = None) -> Any:
        seen = () if obj is None else ("seen",)
        return (
            (None, {"fields": (*IDENTITY, "enabled", *seen)}),
            (_("Work"), {"fields": ("period_s", "blocks_per_run", "requestable")}),
            (_("Span"), {"fields": ("since", "until", "keep_days")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: DataManager | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return (*IDENTITY, "enabled", "since", "until", "keep_days") if _is_foundation(obj) else IDENTITY

    def has_process_permission(self, request: HttpRequest) -> bool:
        return may_process(request)

    def has_delete_permission(self, request: HttpRequest, obj: DataManager | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.builtin)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The list's own deletion stops where one of them belongs to its source."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        builtin = [gettext("%(manager)s belongs to its source and stays.") % {"manager": manager} for manager in objs if manager.builtin]
        if builtin:  # not for want of a permission
            lacking = set(lacking) - {self.opts.verbose_name}
        return deleted, counts, lacking, [*protected, *builtin]

    def delete_model(self, request: HttpRequest, obj: DataManager) -> None:
        audit.record(actor_of(request), "data manager removed", obj.name, **_identity(obj))
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[DataManager]) -> None:
        for manager in queryset.filter(builtin=False):
            self.delete_model(request, manager)

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except agents.Refused as error:  # somebody saved between the form's check and ours
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: DataManager, form: Any, change: bool) -> None:
        actor = actor_of(request)
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data if name != "seen"}
            told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
            agents.set_config(actor, obj.name, told, form.cleaned_data["seen"])
            return
        obj.save()
        audit.record(actor, "data manager added", obj.name, **_identity(obj))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The counts of all rows of the page in one query, their states in one question to Valkey."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        counts = manager_counts.of(rows)
        try:
            states = agent_states.read_all(live.client(), [row.name for row in rows])
        except redis.RedisError:
            states = {}
        for row in rows:
            row.shown_counts = counts.get(row.pk)
            row.shown_state = states.get(row.name) or dict(row.state.state)
        changelist.result_list = rows
        return changelist

    # Columns

    @display(description=_("length"))
    def length(self, obj: DataManager) -> str:
        return str(obj.get_length_s_display())

    @display(description=_("to do"))
    def todo(self, obj: Any) -> str:
        return _link(obj, "todo")

    @display(description=_("faulty"))
    def faulty(self, obj: Any) -> str:
        return _link(obj, "faulty")

    @display(description=_("done"))
    def done(self, obj: Any) -> str:
        return _link(obj, "done")

    @display(description=_("closed"))
    def closed(self, obj: Any) -> str:
        return _link(obj, "closed")

    @display(description=_("last run"))
    def last_run(self, obj: Any) -> str:
        at = obj.shown_state.get("last_run")
        if at is None:
            return gettext("none yet")
        return timezone.localtime(datetime.fromtimestamp(at, UTC)).strftime("%Y-%m-%d %H:%M:%S")

    @display(description=_("status"), label=COLOURS)
    def status(self, obj: Any) -> tuple[str, str]:
        code = _status(obj, timezone.now())
        return code, str(STATUS_WORDS[code])

    @display(description=_("detail"))
    def said(self, obj: Any) -> str:
        state = obj.shown_state
        if state.get("error"):
            return plain(str(state["error"]), STATUS_SHOWN)
        skipped = state.get("skipped")
        return ngettext("%(n)s run skipped", "%(n)s runs skipped", skipped) % {"n": skipped} if skipped else ""

    # Actions

    @action(description=_("Process now"), permissions=["process"])
    def process_now(self, request: HttpRequest, queryset: QuerySet[DataManager]) -> None:
        chosen = list(queryset.filter(enabled=True))
        try:
            for manager in chosen:
                reopening.process_now(manager)
                audit.record(actor_of(request), "data manager run", manager.name)
        except BrokerAway:
            broker_is_away(request)
            return
        messages.success(
            request, ngettext("%(count)s data manager runs now.", "%(count)s data managers run now.", len(chosen)) % {"count": len(chosen)}
        )

    @action(description=_("Back to to-do"), permissions=["process"])
    def back_to_do(self, request: HttpRequest, queryset: QuerySet[DataManager]) -> HttpResponse | None:
        chosen = list(queryset.exclude(algorithm=DataManager.Algorithm.ARCHIVE).select_related("source"))
        counts = [reopening.count(manager) for manager in chosen]
        if "confirmed" not in request.POST:
            question = ngettext("Put %(count)s block back to to-do?", "Put %(count)s blocks back to to-do?", sum(counts)) % {
                "count": sum(counts)
            }
            lines = [f"{manager.name}: {number}" for manager, number in zip(chosen, counts, strict=True)]
            return asked_to_reopen(request, self.opts, question, lines, [manager.pk for manager in chosen])
        try:
            for manager, number in zip(chosen, counts, strict=True):
                broker.send(reopening.TASK, manager.pk)
                audit.record(actor_of(request), "blocks back to to-do", manager.name, blocks=number)
        except BrokerAway:
            broker_is_away(request)
            return None
        words = ngettext("%(count)s block goes back to to-do.", "%(count)s blocks go back to to-do.", sum(counts))
        messages.success(request, words % {"count": sum(counts)})
        return None


def _is_foundation(manager: DataManager) -> bool:
    return manager.builtin and manager.length_s in (QUARTER_S, DAY_S) and manager.algorithm != DataManager.Algorithm.ARCHIVE


def _identity(manager: DataManager) -> dict[str, Any]:
    return {"source": manager.source.name, "algorithm": manager.algorithm, "length_s": manager.length_s}


def _status(manager: Any, now: datetime) -> str:
    state, counts = manager.shown_state, manager.shown_counts or States()
    if not manager.enabled:
        return "disabled"
    if state.get("error"):
        return "error"
    if state.get("last_run") is None:
        return "unknown"
    if now.timestamp() - state["last_run"] > max(LATE_PERIODS * manager.period_s, LATE_S):
        return "late"
    return "faulty" if counts.faulty else "fine"


def _link(manager: Any, state: str) -> str:
    """The number of blocks in this state, leading to them; nothing for an archive."""
    counts: States | None = manager.shown_counts
    if counts is None:
        return ""
    number = getattr(counts, state)
    if not number:
        return "0"
    words = gettext("more than %(number)s") % {"number": number} if state == "closed" and counts.capped else str(number)
    query = f"source__id__exact={manager.source_id}&length_s__exact={manager.length_s}&state__exact={state}"
    return format_html('<a href="{}?{}">{}</a>', reverse("admin:meters_block_changelist"), query, words)
