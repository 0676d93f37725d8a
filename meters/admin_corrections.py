"""Corrections in the admin: made in two steps that show what they do, undone, never edited or removed."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from energysite.actors import actor_of
from energysite.errors import BadReading
from energysite.permissions import allows
from meters import amounts, moments
from meters.admin_pages import decider, page
from meters.correction_forms import ChooseForm, CorrectionForm, Quarters
from meters.counting import correct
from meters.models import Correction, Source
from meters.rehearsal import rehearse


@admin.register(Correction)
class CorrectionAdmin(ModelAdmin):
    list_display = ("quarter", "source", "register_words", "difference", "note", "state")
    list_filter = ("source", ("undone", admin.EmptyFieldListFilter))
    list_select_related = ("source",)
    search_fields = ("note",)
    date_hierarchy = "start"
    actions = ("undo_selected",)
    fields = ("source", "register_words", "quarter", "difference", "note", "author", "created", "state")
    readonly_fields = fields
    change_form_outer_before_template = "admin/meters/trust/undo_correction.html"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_decide_permission(request)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return allows(actor_of(request), "readings.decide")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/undo/", wrap(undo), name="meters_correction_undo"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return add(request)

    @action(description=_("Undo"), permissions=["decide"])
    def undo_selected(self, request: HttpRequest, queryset: QuerySet[Correction]) -> None:
        actor, undone = decider(request), 0
        for correction in queryset.filter(undone=None):
            try:
                correct.undo(correction, actor)
                undone += 1
            except BadReading as error:
                messages.error(request, f"{correction}: {error}")
        messages.success(request, ngettext("%(count)s correction undone.", "%(count)s corrections undone.", undone) % {"count": undone})

    @display(description=_("quarter"), ordering="start")
    def quarter(self, obj: Correction) -> str:
        return moments.stamp(obj.start)

    @display(description=_("register"), ordering="register")
    def register_words(self, obj: Correction) -> str:
        return amounts.register_words(obj.register)

    @display(description=_("difference"), ordering="delta")
    def difference(self, obj: Correction) -> str:
        return amounts.shown(obj.register, obj.delta, signed=True)

    @display(description=_("state"), ordering="undone")
    def state(self, obj: Correction) -> str:
        if obj.undone is None:
            return gettext("counts, by %(who)s") % {"who": obj.author}
        return gettext("undone by %(who)s, %(time)s") % {"who": obj.undone_by, "time": moments.stamp(obj.undone)}


def add(request: HttpRequest) -> HttpResponse:
    """GET without a register or a date asks for them; POST shows the result, and with `save` keeps what was shown."""
    actor = decider(request)
    title = gettext("Correct a quarter")
    start = {"register": request.GET.get("register", ""), "date": timezone.localdate()}
    choose = ChooseForm(request.GET if "date" in request.GET else None, initial=start)
    if not choose.is_valid():
        return page(request, "correct_choose", Correction, title, form=choose)
    source, register = choose.source_and_register()
    quarters = Quarters(source, register, choose.cleaned_data["date"])
    form = CorrectionForm(request.POST or None, quarters=quarters)
    refusal, result = "", None
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        deed = partial(correct.correct, source, register, sent["start"], sent["delta"], sent["note"], actor)
        if "save" in request.POST and sent["seen"] == form.fingerprint():
            try:
                saved = deed()
            except BadReading as error:
                refusal = str(error)
            else:
                messages.success(request, gettext("Corrected: %(what)s.") % {"what": _said(saved)})
                return HttpResponseRedirect(reverse("admin:meters_correction_changelist"))
        else:
            refusal = rehearse(source, sent["start"], sent["start"], deed).refusal
            result = None if refusal else form.result()
            if "save" in request.POST:
                refusal = refusal or gettext("What you entered is not what was shown. Look at the result and save again.")
        form.show(form.fingerprint())
    return page(
        request,
        "correct",
        Correction,
        title,
        form=form,
        source=source,
        register=amounts.register_words(register),
        chosen=choose.cleaned_data["register"],
        day=moments.day(choose.cleaned_data["date"]),
        result=result,
        refusal=refusal,
    )


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    actor = decider(request)
    correction = get_object_or_404(Correction, pk=pk)
    try:
        correct.undo(correction, actor)
        messages.success(request, gettext("Undone: %(what)s.") % {"what": _said(correction)})
    except BadReading as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin:meters_correction_changelist"))


def _said(correction: Correction) -> str:
    source = Source.objects.get(pk=correction.source_id)
    return f"{source.name}, {moments.stamp(correction.start)}, {amounts.shown(correction.register, correction.delta, signed=True)}"
