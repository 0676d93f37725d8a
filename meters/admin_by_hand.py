"""Meters without a port: a new one in one short form, and their readings, typed in and removed."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from energysite import audit
from energysite.errors import BadReading
from energysite.text import plain
from meters import amounts, moments, storage
from meters.admin_pages import decider, page
from meters.blocks import managers
from meters.counting import by_hand
from meters.models import ElectricityReading, ProductionReading, Source, VolumeReading

PAGE_ROWS = 50
READINGS: dict[str, Any] = {
    Source.Kind.ELECTRICITY: ElectricityReading,
    Source.Kind.VOLUME: VolumeReading,
    Source.Kind.PRODUCTION: ProductionReading,
}
MEDIA = [medium for medium in Source.Medium.choices if medium[0] not in (Source.Medium.ANALOG, Source.Medium.BATTERY)]


class SourceForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        help_text=gettext_lazy("As pages call it, such as Water of the cellar."),
        widget=UnfoldAdminTextInputWidget,
    )
    medium = forms.ChoiceField(
        label=gettext_lazy("What it counts"),
        choices=MEDIA,
        help_text=gettext_lazy("Gas and water in m³, electricity and solar in kWh."),
        widget=UnfoldAdminSelectWidget,
    )
    serial = forms.CharField(
        label=gettext_lazy("Serial number"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("Printed on the meter. It helps to recognise it later; it may stay empty."),
        widget=UnfoldAdminTextInputWidget,
    )

    def clean_name(self) -> str:
        name = plain(self.cleaned_data["name"], 120)
        if Source.objects.filter(name=name).exists():
            raise forms.ValidationError(_("Another source has this name."))
        return name

    def clean_serial(self) -> str:
        return plain(self.cleaned_data["serial"], 64)


class ReadingForm(moments.MomentForm):
    """Date, time, and what each register showed; one at least. `values`: Wh and l by register."""

    def __init__(self, *args: Any, source: Source, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.registers = amounts.registers(source)
        for register in self.registers:
            label = f"{amounts.register_words(register)} ({amounts.unit(register)})"
            self.fields[register] = amounts.AmountField(label=label, required=len(self.registers) == 1)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        values = {name: cleaned[name] for name in self.registers if cleaned.get(name) is not None}
        if not values and not self.errors:
            raise forms.ValidationError(_("Write down at least one counter."))
        return cleaned | {"values": values}


def add_source(request: HttpRequest) -> HttpResponse:
    actor = decider(request)
    form = SourceForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return page(request, "new_by_hand", Source, _("New meter read by hand"), form=form)
    wanted = form.cleaned_data
    kind = storage.KIND_OF[Source.Medium(wanted["medium"])]
    with transaction.atomic():
        source = Source.objects.create(kind=kind, medium=wanted["medium"], name=wanted["name"], serial=wanted["serial"], by_hand=True)
        managers.ensure_defaults(source)
        audit.record(actor, "source added", source.name, medium=source.medium, by_hand=True)
    messages.success(request, _("Added. Write down its first reading."))
    return HttpResponseRedirect(reverse("admin:meters_source_readings", args=[source.pk]))


@require_http_methods(["GET", "HEAD", "POST"])
def readings(request: HttpRequest, pk: int) -> HttpResponse:
    """What was typed in, newest first, and a form for the next one."""
    actor = decider(request)
    source = _by_hand(pk)
    form = ReadingForm(request.POST or None, source=source, now=timezone.now(), initial=moments.now_initial())
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            by_hand.add(source, form.cleaned_data["at"], form.cleaned_data["values"], actor)
        except BadReading as error:
            refusal = str(error)
        else:
            messages.success(request, _("Taken in: %(what)s.") % {"what": _said(form)})
            return HttpResponseRedirect(request.path)
    rows = READINGS[source.kind].objects.filter(source=source).order_by("-time")
    shown = Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))
    return page(
        request,
        "readings",
        Source,
        _("Readings of %(source)s") % {"source": source.name},
        form=form,
        source=source,
        headers=[amounts.register_words(register) for register in form.registers],
        shown=shown,
        rows=[_row(form.registers, row) for row in shown],
        refusal=refusal,
    )


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """POST `at`: the reading's time, UTC."""
    actor = decider(request)
    source = _by_hand(pk)
    try:
        at = datetime.strptime(request.POST.get("at", ""), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Http404 from error
    try:
        by_hand.remove(source, at, actor)
        messages.success(request, _("Removed: the reading of %(time)s.") % {"time": moments.stamp(at)})
    except BadReading as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("admin:meters_source_readings", args=[source.pk]))


def _by_hand(pk: int) -> Source:
    """Raises Http404 for a source with a port, whose readings are its own, and for one without counters."""
    source = get_object_or_404(Source, pk=pk, by_hand=True)
    if source.kind not in READINGS:
        raise Http404
    return source


def _said(form: ReadingForm) -> str:
    figures = ", ".join(amounts.shown(register, value) for register, value in form.cleaned_data["values"].items())
    return f"{moments.stamp(form.cleaned_data['at'])}, {figures}"


def _row(registers: tuple[str, ...], reading: Any) -> dict[str, Any]:
    return {
        "at": f"{reading.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "stamp": moments.stamp(reading.time),
        "figures": [amounts.shown(register, getattr(reading, register)) for register in registers],
    }
