"""What may be set of a data manager, checked in words: over the websocket, by `manage.py agent` and in the admin alike."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from meters.blocks import managers
from meters.kinds import KINDS
from meters.models import DataManager, Source

MOST_BLOCKS = 100_000
LONGEST_DAYS = 36_500
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
SETTINGS: tuple[str, ...] = ("enabled", "period_s", "requestable", "blocks_per_run", "since", "until", "keep_days")
IDENTITY: tuple[str, ...] = ("name", "source", "algorithm", "length_s")


class DataManagerForm(forms.ModelForm):
    """The settings of one that exists. What it makes of which source cannot be changed: its blocks would be another's."""

    class Meta:
        model = DataManager
        fields = SETTINGS

    def clean_blocks_per_run(self) -> int:
        number = int(self.cleaned_data["blocks_per_run"])
        if not 1 <= number <= MOST_BLOCKS:
            raise forms.ValidationError(_("Choose a number from 1 to %(most)s.") % {"most": MOST_BLOCKS})
        return number

    def clean_keep_days(self) -> int | None:
        days: int | None = self.cleaned_data["keep_days"]
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise forms.ValidationError(_("Choose from 1 to %(most)s days, or leave it empty to keep everything.") % {"most": LONGEST_DAYS})
        return days

    def clean_since(self) -> datetime | None:
        return _possible(self.cleaned_data["since"])

    def clean_until(self) -> datetime | None:
        return _possible(self.cleaned_data["until"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        manager = self.instance
        if manager.pk and cleaned.get("enabled") and "enabled" in self.changed_data:
            _check_speed(manager.source, manager.algorithm, manager.length_s)
        return cleaned


class NewDataManagerForm(DataManagerForm):
    class Meta(DataManagerForm.Meta):
        fields = (*IDENTITY, *SETTINGS)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        source, algorithm, length_s = (cleaned.get(name) for name in ("source", "algorithm", "length_s"))
        if source is None or algorithm is None or length_s is None:
            return cleaned
        if algorithm == DataManager.Algorithm.ARCHIVE:
            return cleaned
        kind = KINDS[source.kind]
        if algorithm == DataManager.Algorithm.DIFFERENCE and not kind.registers:
            self.add_error("algorithm", _("This source has no counter. Choose mean."))
        if algorithm == DataManager.Algorithm.MEAN and not kind.channels:
            self.add_error("algorithm", _("This source only counts. Choose difference."))
        if source.managers.exclude(algorithm=DataManager.Algorithm.ARCHIVE).filter(length_s=length_s).exists():
            self.add_error("length_s", _("This source has a data manager for this length already."))
        try:
            _check_speed(source, algorithm, length_s)
        except forms.ValidationError as error:
            self.add_error("length_s", error)
        return cleaned


def _check_speed(source: Source, algorithm: str, length_s: int) -> None:
    """Raises ValidationError: blocks shorter than the time between two readings would be empty or invented."""
    if algorithm == DataManager.Algorithm.ARCHIVE or not 0 < length_s < managers.QUARTER_S:
        return
    every = managers.cadence_s(source)
    if every is not None and every > length_s:
        words = {"source": source.name, "every": every, "length": length_s}
        raise forms.ValidationError(
            _("%(source)s speaks every %(every)s s: blocks of %(length)s s would be empty or invented. Choose a longer one.") % words
        )


def _possible(time: datetime | None) -> datetime | None:
    if time is not None and not EARLIEST <= time < LATEST:
        raise forms.ValidationError(_("Choose a time from 2000 to 2199."))
    return time
