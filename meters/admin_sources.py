"""Sources in the admin: their names and how they are judged; read by hand, replaced, retired, never deleted."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from energysite import audit
from energysite.actors import actor_of
from energysite.errors import BadReading
from energysite.permissions import allows
from meters import admin_by_hand, admin_replace
from meters.counting import replace
from meters.models import Source

JUDGED_BY = ("cadence_s", "per_hour", "rolls_over_at")


@admin.register(Source)
class SourceAdmin(ModelAdmin):
    """A source is renamed or retired; it is never deleted, its readings lean on it."""

    list_display = ("name", "medium", "serial", "meter", "by_hand", "in_use")
    list_filter = ("medium", "by_hand", "meter")
    search_fields = ("name", "serial")
    list_select_related = ("meter",)
    actions = ("retire", "use_again")
    readonly_fields = ("kind", "medium", "serial", "meter", "by_hand", "retired")
    change_form_outer_before_template = "admin/meters/source/actions.html"

    def get_fieldsets(self, request: HttpRequest, obj: Source | None = None) -> Any:
        known = ("name", "kind", "medium", "serial", "meter", "by_hand", "retired")
        if obj is not None and obj.kind == Source.Kind.ANALOG:
            return ((None, {"fields": (*known, "unit")}), (_("How its readings are judged"), {"fields": ("cadence_s",)}))
        words = _("Empty is right for nearly every meter. What cannot be true by these is set aside, and you are asked.")
        return ((None, {"fields": known}), (_("How its readings are judged"), {"fields": JUDGED_BY, "description": words}))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/readings/", wrap(admin_by_hand.readings), name="meters_source_readings"),
            path("<int:pk>/readings/remove/", wrap(admin_by_hand.remove), name="meters_source_readings_remove"),
            path("<int:pk>/replace/", wrap(admin_replace.replaced), name="meters_source_replace"),
            path("<int:pk>/retire/", wrap(admin_replace.retire), name="meters_source_retire"),
            path("<int:pk>/use-again/", wrap(admin_replace.use_again), name="meters_source_use_again"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only those read by hand: others are found by themselves."""
        return allows(actor_of(request), "readings.decide")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return admin_by_hand.add_source(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "show_save_and_add_another": False})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        stored = audit.values(Source.objects.get(pk=obj.pk))
        super().save_model(request, obj, form, change)
        changed = audit.differences(stored, audit.values(obj))
        if changed:
            what = "source renamed" if set(changed) == {"name"} else "source changed"
            audit.record(actor_of(request), what, obj.name, changed=changed)

    @display(description=_("in use"), boolean=True)
    def in_use(self, obj: Source) -> bool:
        return obj.retired is None

    @action(description=_("Retire: the device is gone, its history stays"), permissions=["change"])
    def retire(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        changed = 0
        for source in queryset.filter(retired=None):
            try:
                replace.retire(source, timezone.now(), actor_of(request))
                changed += 1
            except BadReading as error:
                messages.error(request, f"{source}: {error}")
        self._told(request, changed)

    @action(description=_("Use again"), permissions=["change"])
    def use_again(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        rows = list(queryset.exclude(retired=None))
        for source in rows:
            admin_replace.bring_back(source, actor_of(request))
        self._told(request, len(rows))

    def _told(self, request: HttpRequest, changed: int) -> None:
        messages.success(request, ngettext("%(count)s source changed.", "%(count)s sources changed.", changed) % {"count": changed})
