"""Inverters, the roof, the weather and what was foretold of the sun."""

from typing import Any

import structlog
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from energysite import agents, broker
from energysite.models import Agent
from energysite.secret_field import SecretField
from meters.models import Source
from solar.readers import families
from solar.weather import services

log = structlog.get_logger(__name__)


def family_choices() -> list[tuple[str, Any]]:
    return [(family.name, family.title) for family in families.FAMILIES]


@agents.register
class Inverter(Agent):
    """One address that tells what the sun makes: an inverter, several behind one logger, or a meter in their circuit."""

    kind = "inverter"
    task = "solar.tasks.read_inverter"
    secret_fields = ("password",)
    confirmed_fields = ("address", "page")

    family = models.CharField(_("make"), max_length=20, choices=family_choices)
    address = models.CharField(
        _("address"),
        max_length=200,
        help_text=_("Of the device on the home network: http://192.168.1.20, or socket://192.168.1.20:502 for Modbus."),
    )
    password = SecretField(
        _("password"), help_text=_("Of the device's user group, where it asks for one. Never shown again. Empty: the stored one stays.")
    )
    units = models.CharField(
        _("units"),
        max_length=60,
        blank=True,
        help_text=_("Numbers of the inverters behind this address, such as 1, 2. Empty: what the device names, or 1 for Modbus."),
    )
    peak_w = models.PositiveIntegerField(
        _("most power (W)"),
        null=True,
        blank=True,
        help_text=_("Of the inverter, as on its label. Readings that tell of more are set aside. Empty: 69 kW."),
    )
    page = models.CharField(
        _("page"), max_length=200, blank=True, help_text=_("Of a device with JSON: the path after the address, such as /status.")
    )
    power_path = models.CharField(_("power at"), max_length=100, blank=True, help_text=_("Names joined by dots, such as data.0.power."))
    power_factor = models.FloatField(_("power x"), default=1.0, help_text=_("What makes W of it: 1000 for kW."))
    day_path = models.CharField(_("energy of the day at"), max_length=100, blank=True)
    day_factor = models.FloatField(_("energy of the day x"), default=1.0, help_text=_("What makes Wh of it: 1000 for kWh."))
    total_path = models.CharField(_("total energy at"), max_length=100, blank=True)
    total_factor = models.FloatField(_("total energy x"), default=1.0, help_text=_("What makes Wh of it: 1000 for kWh."))
    battery_path = models.CharField(_("battery power at"), max_length=100, blank=True, help_text=_("Positive while the battery gives."))
    battery_factor = models.FloatField(_("battery power x"), default=1.0, help_text=_("What makes W of it; negative to turn its sign."))
    charge_path = models.CharField(_("battery charge at"), max_length=100, blank=True, help_text=_("In percent."))

    class Meta:
        verbose_name = _("inverter")
        verbose_name_plural = _("inverters")

    def clean(self) -> None:
        super().clean()
        family = families.known().get(self.family)
        if family is not None:
            families.check(family, self)  # raises ValidationError
            if self.period_s is not None and self.period_s < family.shortest_period_s:
                raise ValidationError(
                    {"period_s": _("This make may be asked every %(seconds)s s at most.") % {"seconds": family.shortest_period_s}}
                )


class InverterSource(models.Model):  # noqa: DJ008 — a joint, shown to nobody
    """Which counter of which unit behind the address is which source. `base_wh`: what days before counted, where only a counter
    of the day is told; `day`: the local day that it counts."""

    inverter = models.ForeignKey(Inverter, on_delete=models.CASCADE, related_name="counters")
    unit = models.CharField(max_length=80, blank=True)
    source = models.OneToOneField(Source, on_delete=models.PROTECT, related_name="inverter_source")
    base_wh = models.BigIntegerField(default=0)
    day = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["inverter", "unit", "source"], name="one_counter_of_a_unit")]


class RoofPlane(models.Model):
    """Panels that look the same way: what the forecast is made of."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    tilt_deg = models.FloatField(
        _("tilt (°)"), default=35, validators=[MinValueValidator(0), MaxValueValidator(90)], help_text=_("0 lies flat, 90 stands upright.")
    )
    azimuth_deg = models.FloatField(
        _("direction (°)"),
        default=180,
        validators=[MinValueValidator(0), MaxValueValidator(360)],
        help_text=_("As on a compass: 90 is east, 180 south, 270 west."),
    )
    peak_w = models.PositiveIntegerField(
        _("peak power (Wp)"), validators=[MinValueValidator(1)], help_text=_("Number of panels times their Wp.")
    )
    inverter = models.ForeignKey(
        Inverter, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("inverter"), related_name="planes"
    )
    limit_w = models.PositiveIntegerField(
        _("inverter's limit (W)"), null=True, blank=True, help_text=_("The most that its inverter lets through. Empty: no limit.")
    )

    class Meta:
        verbose_name = _("roof plane")
        verbose_name_plural = _("roof planes")

    def __str__(self) -> str:
        return self.name


@agents.register
class Weather(Agent):
    """A service that tells the weather now and to come."""

    kind = "weather"
    task = "solar.tasks.ask_weather"
    secret_fields = ("key",)
    confirmed_fields = ("address",)

    class Provider(models.TextChoices):
        OPEN_METEO = "open_meteo", _("Open-Meteo (no key)")
        OPENWEATHERMAP = "openweathermap", _("OpenWeatherMap (key)")

    provider = models.CharField(_("service"), max_length=20, choices=Provider, default=Provider.OPEN_METEO)
    key = SecretField(_("key"), help_text=_("OpenWeatherMap gives one for free. Never shown again. Empty: the stored one stays."))
    address = models.CharField(_("address"), max_length=200, blank=True, help_text=_("Empty: the service's own."))

    class Meta:
        verbose_name = _("weather service")
        verbose_name_plural = _("weather services")

    def clean(self) -> None:
        super().clean()
        services.check(self, self.period_s)  # raises ValidationError

    def _tell_processes(self) -> None:
        """Asked at once: beat would let the first period go by, which here is a quarter of an hour."""
        super()._tell_processes()
        if self.enabled:
            try:
                broker.send(self.task, self.pk)
            except broker.BrokerAway as error:
                log.warning("the weather is asked after its period: Valkey is away", weather=self.name, error=str(error))


class WeatherObservation(models.Model):  # noqa: DJ008 — written by the program, shown on the solar page
    """Tenths of a degree, percent, tenths of m/s, W/m2 (global, horizontal)."""

    pk = models.CompositePrimaryKey("weather_id", "time")
    time = models.DateTimeField()
    weather = models.ForeignKey(Weather, on_delete=models.CASCADE, db_index=False, related_name="+")
    temperature_dc = models.SmallIntegerField(null=True)
    cloud_pct = models.SmallIntegerField(null=True)
    humidity_pct = models.SmallIntegerField(null=True)
    wind_dms = models.SmallIntegerField(null=True)
    global_w_m2 = models.SmallIntegerField(null=True)


def _series(**kwargs: Any) -> Any:
    return ArrayField(models.IntegerField(null=True), **kwargs)


class WeatherForecast(models.Model):  # noqa: DJ008
    """What the service foretold at `issued`: one value for each interval of `step_s` from `start` on (means of the interval)."""

    weather = models.ForeignKey(Weather, on_delete=models.CASCADE, related_name="forecasts")
    issued = models.DateTimeField()
    start = models.DateTimeField()
    step_s = models.IntegerField()
    temperature_dc = _series()
    cloud_pct = _series(default=list)
    global_w_m2 = _series(default=list)
    direct_w_m2 = _series(default=list)  # normal to the sun
    diffuse_w_m2 = _series(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["weather", "issued"], name="one_weather_forecast")]


class SolarForecast(models.Model):  # noqa: DJ008
    """Mean W of all roof planes in each interval of `step_s` from `start` on. `raw_w`: of the weather and the roof alone; `mean_w`:
    set right by what was made before; p10 and p90 from the errors of earlier forecasts (empty while there are too few)."""

    issued = models.DateTimeField(unique=True)
    start = models.DateTimeField()
    step_s = models.IntegerField(default=900)
    raw_w = _series()
    mean_w = _series()
    p10_w = _series(default=list)
    p90_w = _series(default=list)
    learned_days = models.PositiveSmallIntegerField(default=0)


class ForecastScore(models.Model):  # noqa: DJ008
    """How good the forecasts made before a local day were of that day: mean absolute error and bias (forecast - made), W over
    `steps` quarters of daylight, beside the uncorrected forecast and persistence (the day before as it was)."""

    day = models.DateField(unique=True)
    steps = models.PositiveSmallIntegerField()
    made_wh = models.IntegerField()
    forecast_wh = models.IntegerField()
    mae_w = models.FloatField()
    bias_w = models.FloatField()
    raw_mae_w = models.FloatField()
    raw_bias_w = models.FloatField()
    persistence_mae_w = models.FloatField(null=True)
    persistence_bias_w = models.FloatField(null=True)
    within_pct = models.FloatField(null=True)  # quarters between p10 and p90

    class Meta:
        ordering = ["-day"]
