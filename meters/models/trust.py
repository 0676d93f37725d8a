"""What is not taken at its word: suspicious readings, counters that began anew, and what people set right."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from meters.models.devices import Source
from meters.models.readings import BatteryColumns, ElectricityColumns, ProductionColumns, VolumeColumns


class CounterState(models.Model):  # noqa: DJ008 — the memory of a program, shown to nobody
    """What `energysite.counters.Counter` remembers of a source besides its stored readings; `version` grows with every change."""

    source = models.OneToOneField(Source, on_delete=models.PROTECT, primary_key=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    state = models.JSONField(default=dict)


class RejectEpisode(models.Model):
    """Readings in a row that broke the same rule. They lie aside, out of every total, until somebody decides."""

    class Rule(models.TextChoices):
        TIME = "time", _("a time that cannot be true")
        DROP = "drop", _("lower than before")
        RISE = "rise", _("a faster rise than the connection allows")
        CONFLICT = "conflict", _("another value at the same time")
        SERIAL = "serial", _("of another device")
        SEAM = "seam", _("between two counters")

    class Decision(models.TextChoices):
        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("left out")
        OVERRULED = "overruled", _("taken in")

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", verbose_name=_("source"))
    rule = models.CharField(_("rule"), max_length=10, choices=Rule)
    first = models.DateTimeField(_("first"))
    last = models.DateTimeField(_("last"))
    count = models.PositiveIntegerField(_("readings"), default=0)
    parameters = models.JSONField(_("figures"), default=dict)
    asks = models.BooleanField(_("asks"), default=False, help_text=_("The new level has held: somebody has to say whether it is real."))
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, default=Decision.OPEN)
    decided = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        ordering = ["-last"]
        verbose_name = _("readings set aside")
        verbose_name_plural = _("readings set aside")
        constraints = [models.UniqueConstraint(fields=["source", "rule", "first"], name="one_episode")]

    def __str__(self) -> str:
        return f"{self.source} {self.first:%Y-%m-%d %H:%M:%S} {self.get_rule_display()}"


class SuspectElectricity(ElectricityColumns):
    id = models.BigAutoField(primary_key=True)
    episode = models.ForeignKey(RejectEpisode, on_delete=models.CASCADE, related_name="+")


class SuspectVolume(VolumeColumns):
    id = models.BigAutoField(primary_key=True)
    episode = models.ForeignKey(RejectEpisode, on_delete=models.CASCADE, related_name="+")


class SuspectProduction(ProductionColumns):
    id = models.BigAutoField(primary_key=True)
    episode = models.ForeignKey(RejectEpisode, on_delete=models.CASCADE, related_name="+")


class SuspectBattery(BatteryColumns):
    id = models.BigAutoField(primary_key=True)
    episode = models.ForeignKey(RejectEpisode, on_delete=models.CASCADE, related_name="+")


class CounterCycle(models.Model):
    """From `since` on, `offset` is added to what the register shows, so that it goes on across a swap, a reset or a roll-over."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", verbose_name=_("source"))
    register = models.CharField(_("register"), max_length=16)
    since = models.DateTimeField(_("since"))
    offset = models.BigIntegerField(_("offset"))
    episode = models.ForeignKey(RejectEpisode, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["source", "register", "since"]
        verbose_name = _("counter cycle")
        verbose_name_plural = _("counter cycles")
        constraints = [models.UniqueConstraint(fields=["source", "register", "since"], name="one_cycle")]

    def __str__(self) -> str:
        return f"{self.source} {self.register} {self.since:%Y-%m-%d %H:%M} {self.offset:+}"


class Correction(models.Model):
    """A person's word on one quarter of one register: added to every total that holds the quarter. Never edited, only undone."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", verbose_name=_("source"))
    register = models.CharField(_("register"), max_length=16)
    start = models.DateTimeField(_("quarter"), help_text=_("Its begin."))
    delta = models.IntegerField(_("difference"), help_text=_("Wh or litres, with a sign; added to what was counted."))
    note = models.CharField(_("note"), max_length=200, help_text=_("Why: whoever looks in a year wants to know."))
    author = models.CharField(_("by"), max_length=150, editable=False)
    created = models.DateTimeField(_("made"), auto_now_add=True)
    undone = models.DateTimeField(_("undone"), null=True, blank=True, editable=False)
    undone_by = models.CharField(_("undone by"), max_length=150, blank=True, editable=False)

    class Meta:
        ordering = ["-start"]
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        indexes = [models.Index(fields=["source", "start"], name="corrections_of_a_range")]

    def __str__(self) -> str:
        return f"{self.source} {self.start:%Y-%m-%d %H:%M} {self.register} {self.delta:+}"
