"""A moment as a person gives it: date and time of the house's clock, and which of two where that clock shows it twice."""

from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import INPUT_CLASSES, UnfoldAdminSelectWidget

from energysite import timegrid
from energysite.timegrid import Season

SEASONS = {Season.SUMMER: gettext_lazy("summer time"), Season.WINTER: gettext_lazy("winter time")}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(attrs={"class": " ".join(INPUT_CLASSES), "step": 60}, format="%H:%M")


def clock(at: datetime) -> str:
    """02:15, or 02:15 summer time where the house's clock shows it twice."""
    local = at.astimezone(timezone.get_current_timezone())
    season = timegrid.season(local)
    name = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    return name if season is None else _("%(time)s %(season)s") % {"time": name, "season": SEASONS[season]}


def day(which: date) -> str:
    return date_format(which, "j F Y")


def short_day(which: date) -> str:
    """10 Nov 2026: for tables."""
    return date_format(which, "j M Y")


def month(first: date) -> str:
    """October 2026."""
    return date_format(first, "F Y")


def stamp(at: datetime) -> str:
    """25 October 2026, 02:15 summer time."""
    return f"{day(at.astimezone(timezone.get_current_timezone()).date())}, {clock(at)}"


def now_initial() -> dict[str, Any]:
    """Of a MomentForm: this minute."""
    here = timezone.localtime()
    return {"date": here.date(), "time": here.time().replace(second=0, microsecond=0)}


class MomentForm(forms.Form):
    """Gives `at`, UTC; subclasses add what happened then. A time to come is refused."""

    date = forms.DateField(label=gettext_lazy("Date"), widget=DateInput)
    time = forms.TimeField(label=gettext_lazy("Time"), widget=TimeInput)
    fold = forms.TypedChoiceField(
        label=gettext_lazy("Which of the two"),
        help_text=gettext_lazy("In this hour the clock was set back: its times came twice."),
        choices=[(0, SEASONS[Season.SUMMER]), (1, SEASONS[Season.WINTER])],
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        if not self._comes_twice(timezone.get_current_timezone()):
            del self.fields["fold"]

    def _comes_twice(self, zone: tzinfo) -> bool:
        local = self._wall()
        return local is not None and timegrid.is_valid(local, zone) and timegrid.season(local.replace(tzinfo=zone)) is not None

    def _wall(self) -> datetime | None:
        """What was sent, as the clock on the wall; None where it is no time at all."""
        try:
            return datetime.combine(self._sent("date"), self._sent("time"))
        except (forms.ValidationError, TypeError):
            return None

    def _sent(self, name: str) -> Any:
        sent: date | time = self.fields[name].clean(self.data.get(self.add_prefix(name)))
        return sent

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "date" not in cleaned or "time" not in cleaned or ("fold" in self.fields and "fold" not in cleaned):
            return cleaned
        zone = timezone.get_current_timezone()
        local = datetime.combine(cleaned["date"], cleaned["time"])
        if not timegrid.is_valid(local, zone):
            raise forms.ValidationError({"time": _("That day the clock jumped over this time.")})
        at = local.replace(tzinfo=zone, fold=cleaned.get("fold", 0)).astimezone(UTC)
        if at > self.now:
            raise forms.ValidationError({"date": _("That is still to come.")})
        return cleaned | {"at": at}
