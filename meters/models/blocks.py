"""Blocks of time and the agents that fill them, month peaks, and the outbox of what changed."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from energysite import agents
from energysite.block_states import DAY_S, State
from energysite.models import Agent
from meters.models.devices import Source

QUARTER_S = 900


@agents.register
class DataManager(Agent):
    """Condenses the readings of a source into blocks of one length, or thins the readings out."""

    kind = "manager"
    task = "meters.tasks.run_manager"

    class Algorithm(models.TextChoices):
        DIFFERENCE = "difference", _("difference (summarise): what the counters counted, with lowest, mean and highest power")
        MEAN = "mean", _("mean (compress): lowest, mean and highest value")
        ARCHIVE = "archive", _("archive: thin out raw readings behind closed blocks")

    LENGTHS_S = [
        (0, _("no reading stays (archive)")),
        (60, _("1 minute")),
        (300, _("5 minutes")),
        (600, _("10 minutes")),
        (QUARTER_S, _("quarter of an hour")),
        (1800, _("half an hour")),
        (3600, _("1 hour")),
        (DAY_S, _("day")),
    ]

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="managers", verbose_name=_("source"))
    algorithm = models.CharField(_("algorithm"), max_length=10, choices=Algorithm, default=Algorithm.DIFFERENCE)
    length_s = models.PositiveIntegerField(
        _("length"), choices=LENGTHS_S, default=QUARTER_S, help_text=_("Of a block. An archive keeps the last raw reading of each.")
    )
    blocks_per_run = models.PositiveIntegerField(_("blocks per run"), default=3000, help_text=_("Taken at once by one worker."))
    since = models.DateTimeField(_("from"), null=True, blank=True, help_text=_("Empty: from the first reading."))
    until = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: for ever."))
    keep_days = models.PositiveIntegerField(
        _("keep days"), null=True, blank=True, help_text=_("Raw readings (archive) or blocks older than this go. Empty: kept for ever.")
    )
    builtin = models.BooleanField(_("built in"), default=False, editable=False)

    class Meta:
        verbose_name = _("data manager")
        verbose_name_plural = _("data managers")
        constraints = [models.UniqueConstraint(fields=["source", "algorithm", "length_s"], name="one_manager_a_length")]

    def clean(self) -> None:
        super().clean()
        archive = self.algorithm == self.Algorithm.ARCHIVE
        if not archive and not self.length_s:
            raise ValidationError({"length_s": _("Choose a length.")})
        if self.since and self.until and self.until <= self.since:
            raise ValidationError({"until": _("It ends before it begins.")})
        if self.builtin and self.length_s in (QUARTER_S, DAY_S) and not archive:
            self._clean_foundation()

    def _clean_foundation(self) -> None:
        """Quarters and days are what totals, costs and peaks are made of: complete, and kept for ever."""
        if not self.enabled:
            raise ValidationError({"enabled": _("Quarters and days are what every total is made of: they cannot be switched off.")})
        for name in ("since", "until", "keep_days"):
            if getattr(self, name) is not None:
                raise ValidationError({name: _("Quarters and days are kept for all time. Leave this empty.")})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if self.builtin:
            raise ValidationError(_("This data manager belongs to its source and cannot be removed."))
        return super().delete(*args, **kwargs)


class Block(models.Model):
    """[start, end) of a source. Registers are in the order of `meters.kinds`: energies (Wh, l), and the continuous counters at `end`.

    Powers (W; thousandths of an analog unit) are the kind's channels in their order. `covered_s`: seconds within the cadence of
    a reading. `proof`: the reading that proves the counters. `meter_w`: the meter's own 1-0:1.4.0 at the end of a quarter.
    `local_date`: of a day. `reason`: {"code", parameters} of a faulty one.
    """

    STATES = [
        (State.TO_DO.value, _("to do")),
        (State.FAULTY.value, _("faulty")),
        (State.DONE.value, _("done")),
        (State.CLOSED.value, _("closed")),
    ]

    id = models.BigAutoField(primary_key=True)
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    done_at = models.DateTimeField(_("done"), null=True)
    proof = models.DateTimeField(null=True)
    busy_until = models.DateTimeField(null=True)
    retry_after = models.DateTimeField(_("tried again"), null=True)
    end1 = models.BigIntegerField(null=True)
    end2 = models.BigIntegerField(null=True)
    end3 = models.BigIntegerField(null=True)
    end4 = models.BigIntegerField(null=True)
    length_s = models.IntegerField(_("length"), choices=DataManager.LENGTHS_S[1:])
    local_date = models.DateField(_("day"), null=True)
    energy1 = models.IntegerField(null=True)
    energy2 = models.IntegerField(null=True)
    energy3 = models.IntegerField(null=True)
    energy4 = models.IntegerField(null=True)
    min1 = models.IntegerField(null=True)
    mean1 = models.IntegerField(null=True)
    max1 = models.IntegerField(null=True)
    min2 = models.IntegerField(null=True)
    mean2 = models.IntegerField(null=True)
    max2 = models.IntegerField(null=True)
    min3 = models.IntegerField(null=True)
    mean3 = models.IntegerField(null=True)
    max3 = models.IntegerField(null=True)
    min4 = models.IntegerField(null=True)
    mean4 = models.IntegerField(null=True)
    max4 = models.IntegerField(null=True)
    covered_s = models.IntegerField(_("covered (s)"), null=True)
    meter_w = models.IntegerField(null=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+", verbose_name=_("source"))
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    recovered = models.BooleanField(_("recovered"), default=False)
    state = models.CharField(_("state"), max_length=6, choices=STATES, default=State.TO_DO.value)
    reason = models.JSONField(null=True)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        constraints = [models.UniqueConstraint(fields=["source", "length_s", "start"], name="one_block")]
        indexes = [
            models.Index(fields=["source", "length_s", "start"], condition=~models.Q(state="closed"), name="blocks_not_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.start:%Y-%m-%d %H:%M} {self.length_s} s"


class Dirty(models.Model):  # noqa: DJ008 — an outbox, shown to nobody
    """What a consumer has to look at again: marked in the transaction that changed it.

    A consumer removes a mark only where `generation` is still the one that it read.
    """

    id = models.BigAutoField(primary_key=True)
    consumer = models.CharField(max_length=20)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+")
    local_date = models.DateField()
    generation = models.BigIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "source", "local_date"], name="one_mark")]


class MeterPeak(models.Model):
    """The month peak as the meter itself tells it: 1-0:1.6.0 of the running month, 0-0:98.1.0 of the 13 before. W of import."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", verbose_name=_("source"))
    month = models.DateField(_("month"), help_text=_("Its first day."))
    w = models.IntegerField(_("peak (W)"))
    time = models.DateTimeField(_("stamp"), null=True)
    told = models.DateTimeField(_("told"))

    class Meta:
        ordering = ["-month"]
        verbose_name = _("month peak of the meter")
        verbose_name_plural = _("month peaks of the meter")
        constraints = [models.UniqueConstraint(fields=["source", "month"], name="one_peak_a_month")]

    def __str__(self) -> str:
        return f"{self.source} {self.month:%Y-%m} {self.w} W"
