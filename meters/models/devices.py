"""What is measured, and by what."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from energysite import agents
from energysite.models import Agent
from meters.addresses import validate_address


@agents.register
class Meter(Agent):
    """A P1 port. `read_meters` owns it; electricity, gas and water behind it are its sources."""

    kind = "meter"
    confirmed_fields = ("connection",)

    class Dialect(models.TextChoices):
        AUTO = "auto", _("Recognise")
        BELGIUM = "belgium", _("Belgium (e-MUCS)")
        V5 = "v5", _("DSMR 5")
        V4 = "v4", _("DSMR 4")
        V3 = "v3", _("DSMR 3")
        V2 = "v2", _("DSMR 2.2")

    class Take(models.TextChoices):
        ALL = "all", _("Every telegram")
        FIRST = "first", _("First of each slot")
        LAST = "last", _("Last of each slot")
        MEAN = "mean", _("Mean of each slot")

    class Clock(models.TextChoices):
        AUTO = "auto", _("Check the meter's clock")
        METER = "meter", _("Trust the meter")

    BAUD_RATES = [(0, _("Recognise")), (115200, "115200 8N1"), (9600, "9600 7E1")]
    SLOTS_S = [(s, format_lazy(_("{s} seconds"), s=s)) for s in (5, 10, 15, 20, 30, 60, 90, 180, 300, 450, 900)]

    connection = models.CharField(
        _("connection"),
        max_length=200,
        validators=[validate_address],
        help_text=_("/dev/serial/by-id/… for a cable, socket://host:port for a network port, http://host for a HomeWizard P1."),
    )
    baud = models.PositiveIntegerField(_("speed"), choices=BAUD_RATES, default=0, help_text=_("Of a serial cable only."))
    dialect = models.CharField(_("dialect"), max_length=10, choices=Dialect, default=Dialect.AUTO)
    take = models.CharField(
        _("keep"),
        max_length=5,
        choices=Take,
        default=Take.ALL,
        help_text=_("Which telegrams become readings. The live page always shows every one."),
    )
    slot_s = models.PositiveSmallIntegerField(_("slot"), choices=SLOTS_S, default=10, help_text=_("Not used with every telegram."))
    clock = models.CharField(
        _("clock"),
        max_length=5,
        choices=Clock,
        default=Clock.AUTO,
        help_text=_("Checked: a meter clock more than 2 minutes off is corrected by its learned offset, and you are told."),
    )
    share_port = models.PositiveIntegerField(
        _("share on port"),
        null=True,
        blank=True,
        help_text=_("Another program on this machine may read the raw telegrams at 127.0.0.1 on this TCP port. Empty: off."),
    )

    class Meta:
        verbose_name = _("meter")
        verbose_name_plural = _("meters")

    def clean(self) -> None:
        super().clean()
        if self.share_port is not None and not 1024 <= self.share_port <= 65535:
            raise ValidationError({"share_port": _("Choose a port between 1024 and 65535.")})


class Source(models.Model):
    """One counter with a serial number of its own. Retired when the device goes; never deleted with its data."""

    class Kind(models.TextChoices):
        ELECTRICITY = "electricity", _("electricity")
        VOLUME = "volume", _("volume")
        PRODUCTION = "production", _("production")
        BATTERY = "battery", _("battery")
        ANALOG = "analog", _("analog signal")

    class Medium(models.TextChoices):
        ELECTRICITY = "electricity", _("electricity")
        GAS = "gas", _("gas")
        WATER = "water", _("water")
        SOLAR = "solar", _("solar")
        BATTERY = "battery", _("battery")
        ANALOG = "analog", _("analog signal")

    id = models.SmallAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    medium = models.CharField(_("medium"), max_length=12, choices=Medium)
    name = models.CharField(_("name"), max_length=120, unique=True)
    serial = models.CharField(_("serial number"), max_length=64, blank=True)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, null=True, blank=True, related_name="sources")
    by_hand = models.BooleanField(_("read by hand"), default=False, help_text=_("A person types its values in; it has no port."))
    unit = models.CharField(_("unit"), max_length=12, blank=True, help_text=_("Of an analog signal, such as °C."))
    cadence_s = models.PositiveIntegerField(
        _("cadence (s)"), null=True, blank=True, help_text=_("How often it speaks. Empty: learned from its last 20 readings.")
    )
    per_hour = models.PositiveIntegerField(
        _("most per hour"),
        null=True,
        blank=True,
        help_text=_("More than this cannot be true: W for electricity and solar, litres an hour for gas and water. Empty: from the fuse."),
    )
    rolls_over_at = models.PositiveBigIntegerField(
        _("rolls over at"), null=True, blank=True, help_text=_("Where the counter begins at 0 again, in Wh or litres. Empty: never.")
    )
    retired = models.DateTimeField(_("retired"), null=True, blank=True)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        constraints = [
            # A device is known by its serial, not by the channel it happens to sit on.
            models.UniqueConstraint(fields=["meter", "medium", "serial"], name="one_source_per_device"),
        ]

    def __str__(self) -> str:
        return self.name


class UndecodableTelegram(models.Model):
    """What a port sent that could not become a reading: the newest 10,000, raw, for the person who asks why."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="+")
    received = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=200, blank=True)
    raw = models.BinaryField()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("undecodable telegram")
        verbose_name_plural = _("undecodable telegrams")

    def __str__(self) -> str:
        return f"{self.received:%Y-%m-%d %H:%M:%S} {self.reason}"
