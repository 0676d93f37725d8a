"""Which quarter of which register, and by how much: the two steps of a correction."""

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from django import forms
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from energysite import timegrid
from meters import amounts, moments
from meters.admin_pages import SeenForm
from meters.boundaries import boundaries
from meters.counting import correct
from meters.models import Correction, Source

FIRST_DAY = date(2008, 1, 1)
DIFFERENCE, VALUE = "difference", "value"


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every register of every source, by source; the key is source:register."""
    found = []
    for source in Source.objects.order_by("retired", "name"):
        names = amounts.registers(source)
        if names:
            found.append((source.name, [(f"{source.pk}:{name}", f"{source.name}: {amounts.register_words(name)}") for name in names]))
    return found


class ChooseForm(forms.Form):
    """Sent with GET, so that a link can lead to a day of a register."""

    register = forms.ChoiceField(label=gettext_lazy("Register"), choices=choices, widget=UnfoldAdminSelectWidget)
    date = forms.DateField(label=gettext_lazy("Date"), widget=moments.DateInput)

    def clean_date(self) -> Any:
        if not FIRST_DAY <= self.cleaned_data["date"] <= timezone.localdate():
            raise forms.ValidationError(_("Choose a day from 2008 to today."))
        return self.cleaned_data["date"]

    def source_and_register(self) -> tuple[Source, str]:
        """Of a valid form."""
        pk, _colon, register = self.cleaned_data["register"].partition(":")
        return Source.objects.get(pk=int(pk)), register


class Quarters:
    """What the quarters of a local day of one register hold: counted, and corrected before."""

    def __init__(self, source: Source, register: str, day: date) -> None:
        self.source, self.register = source, register
        zone = timezone.get_current_timezone()
        self.starts = timegrid.quarters(day, zone)
        place = amounts.registers(source).index(register)
        start, end = timegrid.day_bounds(day, zone)
        edges = [boundary.value(place) for boundary in boundaries([(source, at) for at in (*self.starts, end)])]
        pairs = zip(self.starts, pairwise(edges), strict=True)
        self._counted = {at: high - low for at, (low, high) in pairs if low is not None and high is not None}
        rows = Correction.objects.filter(source=source, register=register, undone=None, start__gte=start, start__lt=end)
        self.corrected: dict[datetime, int] = dict(rows.order_by().values_list("start").annotate(sum=Sum("delta")))

    def counted(self, start: datetime) -> int | None:
        """By its readings, without corrections."""
        if start not in self._counted and (found := correct.counted(self.source, self.register, start)) is not None:
            self._counted[start] = found
        return self._counted.get(start)

    def stands(self, start: datetime) -> int | None:
        """What totals say of it; None where nothing is known and nothing was corrected."""
        counted = self._counted.get(start)
        return None if counted is None and start not in self.corrected else (counted or 0) + self.corrected.get(start, 0)

    def options(self) -> list[tuple[str, str]]:
        return [
            (f"{start:%Y-%m-%dT%H:%MZ}", f"{moments.clock(start)} – {amounts.shown(self.register, self.stands(start))}")
            for start in self.starts
        ]


class CorrectionForm(SeenForm):
    """Gives `start` and `delta`. `seen`: what the person was shown, so that nothing else is saved."""

    quarter = forms.ChoiceField(label=gettext_lazy("Quarter"), widget=UnfoldAdminSelectWidget)
    way = forms.ChoiceField(
        label=gettext_lazy("What you know"),
        choices=[(DIFFERENCE, gettext_lazy("The difference, with its sign")), (VALUE, gettext_lazy("The right value of the quarter"))],
        initial=DIFFERENCE,
        widget=UnfoldAdminRadioSelectWidget,
    )
    amount = forms.CharField(label=gettext_lazy("Amount"), max_length=24, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))
    unit = forms.ChoiceField(label=gettext_lazy("Unit"), widget=UnfoldAdminSelectWidget)
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=200,
        help_text=gettext_lazy("Why: whoever looks in a year wants to know."),
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, quarters: Quarters, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quarters = quarters
        volume = quarters.register.endswith("_l")
        self.fields["quarter"].choices = quarters.options()  # type: ignore[attr-defined]
        self.fields["unit"].choices = [("1000", "m³"), ("1", _("litres"))] if volume else [("1000", "kWh"), ("1", "Wh")]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not {"quarter", "way", "amount", "unit"} <= cleaned.keys():
            return cleaned
        try:
            amount = amounts.AmountField(scale=int(cleaned["unit"]), signed=cleaned["way"] == DIFFERENCE).clean(cleaned["amount"])
        except forms.ValidationError as error:
            raise forms.ValidationError({"amount": error}) from error
        start = datetime.strptime(cleaned["quarter"], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
        self.quarters.counted(start)
        stands = self.quarters.stands(start)
        delta = amount if cleaned["way"] == DIFFERENCE else amount - (stands or 0)
        if delta == 0:
            raise forms.ValidationError({"amount": _("That changes nothing.")})
        return cleaned | {"start": start, "delta": delta}

    def fingerprint(self) -> str:
        """Of a valid form: the same only while the same difference meets the same value."""
        start, delta = self.cleaned_data["start"], self.cleaned_data["delta"]
        return f"{start:%Y-%m-%dT%H:%MZ} {delta:+} {self.quarters.stands(start)}"

    def result(self) -> dict[str, list[Any]]:
        """Rows of the table that says what it does."""
        start, delta, register = self.cleaned_data["start"], self.cleaned_data["delta"], self.quarters.register
        stands = self.quarters.stands(start)
        corrected = self.quarters.corrected.get(start)
        rows = [(_("Counted by the meter"), amounts.shown(register, self.quarters.counted(start)))]
        if corrected:
            rows.append((_("Corrected before"), amounts.shown(register, corrected, signed=True)))
        rows += [
            (_("Stands now"), amounts.shown(register, stands)),
            (_("Difference"), amounts.shown(register, delta, signed=True)),
            (_("Will be"), amounts.shown(register, (stands or 0) + delta)),
        ]
        return {"rows": rows}
