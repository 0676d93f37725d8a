"""A signal on an analog input of this machine."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from energysite import agents
from energysite.models import Agent
from meters.analog.chip import FULL_SCALE
from meters.models.devices import Source

MOST = 2_000_000  # of the unit: thousandths of it are kept in 32 bits


@agents.register
class AnalogInput(Agent):
    """A channel of an MCP3008 on the SPI bus. value = factor x (raw - offset), raw being 0 to 1023, in `unit`."""

    kind = "analog"
    task = "meters.tasks.read_analog"
    confirmed_fields = ("device", "channel")

    device = models.CharField(
        _("SPI device"),
        max_length=20,
        default="0.0",
        validators=[RegexValidator(r"^([0-9]\.[0-9]|demo)\Z", _("Write bus and chip select with a dot between, such as 0.0."))],
        help_text=_("Bus and chip select of the MCP3008: 0.0 is /dev/spidev0.0."),
    )
    channel = models.PositiveSmallIntegerField(_("channel"), default=0, validators=[MaxValueValidator(7)], help_text=_("0 to 7."))
    offset = models.FloatField(_("offset"), default=0.0, help_text=_("The raw value, 0 to 1023, at which the signal is nought."))
    factor = models.FloatField(_("factor"), default=1.0, help_text=_("How much of the unit one step of the raw value is."))
    unit = models.CharField(_("unit"), max_length=12, blank=True, help_text=_("Such as °C, bar or %."))
    source = models.OneToOneField(Source, on_delete=models.PROTECT, editable=False, related_name="analog_input")

    class Meta:
        verbose_name = _("analog input")
        verbose_name_plural = _("analog inputs")

    def clean(self) -> None:
        super().clean()
        if self.factor == 0:
            raise ValidationError({"factor": _("With a factor of 0 every value would be 0.")})
        if None not in (self.factor, self.offset) and not max(abs(self.value_of(raw)) for raw in (0, FULL_SCALE)) <= MOST:
            raise ValidationError({"factor": _("With these values would pass two million. Choose a larger unit.")})

    def value_of(self, raw: int) -> float:
        """In the input's unit, of a raw value of 0 to 1023."""
        return self.factor * (raw - self.offset)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Makes the source of a new input, and keeps that of an old one in step."""
        from meters.analog import source  # which needs this model

        with transaction.atomic():
            if made := self._state.adding:
                self.source = source.make(self)
            super().save(*args, **kwargs)
            if not made:
                source.follow(self)
