"""The meter was replaced: its last value, the first of the new one, and what totals make of it, before anything is written."""

from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from energysite import audit
from energysite.errors import BadReading
from energysite.permissions import Actor
from energysite.text import plain
from meters import amounts, moments
from meters.admin_by_hand import READINGS
from meters.admin_pages import SeenForm, decider, page
from meters.counting import replace
from meters.models import Source
from meters.rehearsal import rehearse
from meters.reject_answers import day_table

REACH_ROWS = 300  # a register that the newest so many readings lack is one that the meter does not have

Newest = dict[str, tuple[datetime, int]]


def newest(source: Source) -> Newest:
    """The newest stored value of each register that the source has, with its time."""
    found: Newest = {}
    names = amounts.registers(source)
    for time, *values in READINGS[source.kind].objects.filter(source=source).order_by("-time").values_list("time", *names)[:REACH_ROWS]:
        for name, value in zip(names, values, strict=True):
            if value is not None:
                found.setdefault(name, (time, value))
        if len(found) == len(names):
            break
    return found


class ReplaceForm(SeenForm, moments.MomentForm):
    """Gives `at`, `last` and `first` (Wh and l by register), and `serial`. `seen`: what the person was shown."""

    serial = forms.CharField(
        label=gettext_lazy("Serial number of the new meter"), max_length=64, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, source: Source, newest: Newest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.newest = newest
        self.registers = [name for name in amounts.registers(source) if name in newest] or list(amounts.registers(source))
        # The moment, the values as they are read off, the serial last.
        tail = {name: self.fields.pop(name) for name in ("serial", "seen")}
        for register in self.registers:
            words = {"register": amounts.register_words(register), "unit": amounts.unit(register)}
            self.fields[f"last_{register}"] = amounts.AmountField(label=_("%(register)s: last value of the old meter (%(unit)s)") % words)
            self.fields[f"first_{register}"] = amounts.AmountField(label=_("%(register)s: first value of the new meter (%(unit)s)") % words)
        self.fields |= tail

    def clean_serial(self) -> str:
        return plain(self.cleaned_data["serial"], 64)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for register in self.registers:
            last, known = cleaned.get(f"last_{register}"), self.newest.get(register)
            if last is not None and known is not None and last < known[1]:
                words = {"value": amounts.shown(register, known[1]), "time": moments.stamp(known[0])}
                self.add_error(f"last_{register}", _("The old meter showed %(value)s already, %(time)s.") % words)
        return cleaned

    def values(self, which: str) -> dict[str, int]:
        """`last` or `first`, of a valid form."""
        return {register: self.cleaned_data[f"{which}_{register}"] for register in self.registers}

    def fingerprint(self) -> str:
        """Of a valid form: the same only while the same values meet the same history."""
        stands = {register: value for register, (_time, value) in self.newest.items()}
        return f"{self.cleaned_data['at'].isoformat()} {self.values('last')} {self.values('first')} {stands}"

    def result(self) -> dict[str, list[Any]]:
        """Of each register: where it stood, what is still counted for the old meter, where the new one begins."""
        rows = []
        for register in self.registers:
            known, last, first = self.newest.get(register), self.values("last")[register], self.values("first")[register]
            figures = [
                (_("Last reading"), amounts.shown(register, known and known[1])),
                (_("Old meter's end"), amounts.shown(register, last)),
                (_("Still added"), amounts.shown(register, None if known is None else last - known[1], signed=True)),
                (_("New meter's begin"), amounts.shown(register, first)),
            ]
            name = f"{amounts.register_words(register)}: " if len(self.registers) > 1 else ""
            rows += [(name + words, figure) for words, figure in figures]
        return {"rows": rows}


@require_http_methods(["GET", "HEAD", "POST"])
def replaced(request: HttpRequest, pk: int) -> HttpResponse:
    """POST shows the result; with `save` it is kept, where it is the one that was shown."""
    actor = decider(request)
    source = get_object_or_404(Source, pk=pk)
    if source.kind not in READINGS:
        raise Http404
    title = _("%(source)s: the meter was replaced") % {"source": source.name}
    # A meter on a port is known by its serial number: the new one is another source.
    if source.meter_id is not None and source.serial:
        return page(request, "replace", Source, title, source=source, speaks_for_itself=True)
    form = ReplaceForm(request.POST or None, source=source, newest=newest(source), now=timezone.now(), initial=moments.now_initial())
    refusal, result = "", {}
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        deed = partial(replace.replaced, source, sent["at"], form.values("last"), form.values("first"), sent["serial"], actor)
        if "save" in request.POST and sent["seen"] == form.fingerprint():
            try:
                deed()
            except BadReading as error:
                refusal = str(error)
            else:
                messages.success(request, _("Noted. Totals of %(source)s go on with the new meter.") % {"source": source.name})
                return HttpResponseRedirect(reverse("admin:meters_source_change", args=[source.pk]))
        else:
            since = min([sent["at"], *(time for time, _value in form.newest.values())])
            rehearsed = rehearse(source, since, timezone.now(), deed)
            refusal = rehearsed.refusal
            result = {} if refusal else {"registers": form.result(), "days": day_table(source, rehearsed.days)}
            if "save" in request.POST:
                refusal = refusal or _("What you entered is not what was shown. Look at the result and save again.")
        form.show(form.fingerprint())
    return page(request, "replace", Source, title, source=source, form=form, result=result, refusal=refusal)


@require_POST
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    actor = decider(request)
    source = get_object_or_404(Source, pk=pk)
    if source.retired is None:
        try:
            replace.retire(source, timezone.now(), actor)
        except BadReading as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("%(source)s is retired. Its history stays.") % {"source": source.name})
    return HttpResponseRedirect(reverse("admin:meters_source_change", args=[source.pk]))


@require_POST
def use_again(request: HttpRequest, pk: int) -> HttpResponse:
    actor = decider(request)
    source = get_object_or_404(Source, pk=pk)
    if source.retired is not None:
        bring_back(source, actor)
        messages.success(request, _("%(source)s is in use again.") % {"source": source.name})
    return HttpResponseRedirect(reverse("admin:meters_source_change", args=[source.pk]))


def bring_back(source: Source, actor: Actor) -> None:
    with transaction.atomic():
        source.retired = None
        source.save(update_fields=["retired"])
        audit.record(actor, "source in use again", source.name)
