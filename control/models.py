"""Outputs, the controllers that command them, and what was decided, overridden and switched."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from energysite import agents
from energysite.models import Agent
from energysite.secret_field import SecretField
from meters.models import AnalogInput

UNKNOWN_W = 1800
FULL_PCT = 100


@agents.register
class Output(Agent):
    """Something that switches: `hold_outputs` owns it. Its state is what the holder tells of it."""

    kind = "output"
    secret_fields = ("password",)
    confirmed_fields = ("address", "family", "pin", "on_request", "off_request", "state_request")

    class Family(models.TextChoices):
        SHELLY1 = "shelly1", _("Shelly, first generation")
        SHELLY2 = "shelly2", _("Shelly Plus, Pro, Gen3, Gen4")
        TASMOTA = "tasmota", "Tasmota"
        HOMEWIZARD = "homewizard", _("HomeWizard socket")
        GPIO = "gpio", _("Relay on a pin of this machine")
        HTTP = "http", _("Another device with HTTP")
        MQTT = "mqtt", _("MQTT topic")
        DRY_RUN = "dry_run", _("Nothing (dry-run)")

    family = models.CharField(_("make"), max_length=12, choices=Family)
    address = models.CharField(
        _("address"),
        max_length=200,
        blank=True,
        help_text=_("Of the device on the home network: http://192.168.1.30, or socket://192.168.1.5:1883 for an MQTT broker."),
    )
    username = models.CharField(_("user"), max_length=60, blank=True)
    password = SecretField(_("password"), help_text=_("Where the device asks for one. Never shown again. Empty: the stored one stays."))
    channel = models.PositiveSmallIntegerField(
        _("channel"), default=0, validators=[MaxValueValidator(15)], help_text=_("Of a device with several relays; the first one is 0.")
    )
    pin = models.PositiveSmallIntegerField(
        _("pin (GPIO)"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(27)],
        help_text=_("Number of the GPIO, not of the header's pin."),
    )
    active_high = models.BooleanField(_("high is on"), default=True, help_text=_("Many relay boards switch on with a low level: then off."))
    on_request = models.CharField(_("request for on"), max_length=200, blank=True, help_text=_("The path after the address, such as /on."))
    off_request = models.CharField(_("request for off"), max_length=200, blank=True)
    state_request = models.CharField(_("request for the state"), max_length=200, blank=True)
    state_path = models.CharField(_("state at"), max_length=100, blank=True, help_text=_("Names joined by dots, such as relay.0.ison."))
    power_path = models.CharField(_("power at"), max_length=100, blank=True)
    topic = models.CharField(_("topic for commands"), max_length=200, blank=True)
    state_topic = models.CharField(_("topic of the state"), max_length=200, blank=True)
    on_text = models.CharField(_("text for on"), max_length=60, blank=True, default="ON")
    off_text = models.CharField(_("text for off"), max_length=60, blank=True, default="OFF")
    max_w = models.PositiveIntegerField(
        _("most continuous power (W)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text=_("As printed on the device. Empty: 1,800 W. Loads that run for hours may take less: 80 %."),
    )
    rated_switches = models.PositiveIntegerField(
        _("switches for life"), default=100_000, validators=[MinValueValidator(1)], help_text=_("Of its relay. You are warned at 80 %.")
    )
    cannot_switch_off = models.BooleanField(
        _("cannot switch itself off if this machine dies"),
        default=False,
        help_text=_("Tick it for a device without a timer of its own that should carry more than 1 kW or a heater all the same."),
    )
    release = models.PositiveIntegerField(default=0, editable=False)  # grows when a person releases what was locked
    set_up = models.JSONField(default=dict, editable=False)  # what was found and set in the device, and when

    class Meta:
        verbose_name = _("output")
        verbose_name_plural = _("outputs")
        constraints = [
            models.UniqueConstraint(
                fields=["address", "channel", "topic", "on_request"],
                condition=~models.Q(address=""),
                name="one_output_of_a_channel",
                violation_error_message=_("Another output commands this device and channel already."),
            ),
            models.UniqueConstraint(
                fields=["pin"], name="one_output_of_a_pin", violation_error_message=_("Another output has this pin already.")
            ),
        ]

    @property
    def continuous_w(self) -> int:
        return self.max_w or UNKNOWN_W

    @property
    def folder(self) -> str:
        """Where the site keeps its files; in the demo house, its relay board among them."""
        return str(settings.MODE_DIR)

    @property
    def demo_pins(self) -> bool:
        return bool(settings.MODE == "demo")

    def clean(self) -> None:
        from control.outputs import checking  # late: it asks for rows of this module

        super().clean()
        checking.settle(self)
        checking.check(self)  # raises ValidationError


@agents.register
class Controller(Agent):
    """Decides about one output. `period_s` says how often it thinks, never how long a lease lives."""

    kind = "controller"
    task = "control.tasks.tick"

    class Load(models.TextChoices):
        EV = "ev", _("electric car")
        BOILER = "boiler", _("boiler")
        HEAT_PUMP = "heat_pump", _("heat pump (enable contact)")
        PUMP = "pump", _("pump")
        OTHER = "other", _("other")

    class Strategy(models.TextChoices):
        BUDGET = "budget", _("Sun, by energy")
        THRESHOLD = "threshold", _("Sun, by power (as before)")
        PLAN = "plan", _("Weekly plan")
        WINDOW = "window", _("Hours of the day")
        SIGNAL = "signal", _("Analog signal")

    class Mode(models.TextChoices):
        AUTO = "auto", _("automatic")
        ON = "on", _("on")
        OFF = "off", _("off")

    class Peak(models.TextChoices):
        NEVER = "never", _("never")
        UP_TO = "up_to", _("up to a limit")
        DEPARTURE = "departure", _("only to make the departure")

    output = models.OneToOneField(
        Output,
        on_delete=models.PROTECT,
        verbose_name=_("output"),
        related_name="controller",
        error_messages={"unique": _("Another controller commands this output already. An output has one commander.")},
    )
    load = models.CharField(
        _("load"),
        max_length=10,
        choices=Load,
        default=Load.OTHER,
        help_text=_("Never a freezer, a medical device or a cooker."),
    )
    load_w = models.PositiveIntegerField(
        _("power of the load (W)"), default=1000, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=10, validators=[MinValueValidator(1)], help_text=_("1 comes first: it gets the sun first, and is shed last.")
    )
    mode = models.CharField(_("mode"), max_length=4, choices=Mode, default=Mode.AUTO)
    dry_run = models.BooleanField(_("dry-run"), default=True, help_text=_("It decides and says why, and switches nothing."))
    strategy = models.CharField(_("strategy"), max_length=10, choices=Strategy, default=Strategy.BUDGET)
    min_on_s = models.PositiveIntegerField(_("minimum on (s)"), default=300, validators=[MaxValueValidator(86_400)])
    min_off_s = models.PositiveIntegerField(_("minimum off (s)"), default=300, validators=[MaxValueValidator(86_400)])
    switches_a_day = models.PositiveSmallIntegerField(
        _("switches a day"), default=12, validators=[MinValueValidator(2)], help_text=_("On and off count one each.")
    )
    peak = models.CharField(_("may raise the month peak"), max_length=10, choices=Peak, default=Peak.NEVER)
    peak_up_to_w = models.PositiveIntegerField(_("up to (W)"), default=0, help_text=_("Of import in a quarter of an hour."))
    battery_first = models.BooleanField(_("battery first"), default=True, help_text=_("What charges the battery is no surplus."))
    without_meter = models.BooleanField(
        _("may run without a meter"),
        default=False,
        help_text=_("Hours, plan and signal only: it then runs without month peak, fuse and proof that anything is measured."),
    )
    average_s = models.PositiveIntegerField(_("average over (s)"), default=300, validators=[MinValueValidator(1), MaxValueValidator(7200)])
    upper_w = models.IntegerField(_("on from (W)"), default=1200)
    deadband_w = models.PositiveIntegerField(_("deadband (W)"), default=600, help_text=_("Off below “on from” less this."))
    min_change_s = models.PositiveIntegerField(_("between changes (s)"), default=300, validators=[MaxValueValidator(86_400)])
    start_wh = models.PositiveIntegerField(
        _("start after (Wh)"), null=True, blank=True, help_text=_("Of surplus given away. Empty: of the load.")
    )
    borrow_wh = models.PositiveIntegerField(
        _("borrow up to (Wh)"), null=True, blank=True, help_text=_("From the grid. Empty: of the load.")
    )
    sun_pct = models.PositiveSmallIntegerField(
        _("share of sun (%)"), default=80, validators=[MaxValueValidator(FULL_PCT)], help_text=_("That has to carry the load.")
    )
    window_from = models.TimeField(_("from"), null=True, blank=True)
    window_to = models.TimeField(_("until"), null=True, blank=True)
    window_days = models.CharField(
        _("days"),
        max_length=7,
        default="1234567",
        validators=[RegexValidator(r"^1?2?3?4?5?6?7?\Z", _("Write the numbers of the days in order; 1 is Monday: 12345."))],
    )
    signal = models.ForeignKey(
        AnalogInput, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("analog input"), related_name="controllers"
    )
    signal_above = models.BooleanField(_("on above"), default=True, help_text=_("Off: on below the value."))
    signal_value = models.FloatField(_("value"), default=0.0)
    signal_hysteresis = models.FloatField(_("hysteresis"), default=0.0, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = _("controller")
        verbose_name_plural = _("controllers")

    def clean(self) -> None:
        from control import controller_settings  # late: it needs these models

        super().clean()
        controller_settings.check(self)  # raises ValidationError


class Departure(models.Model):
    """So many kWh by an hour of a day of the week: a weekly plan is made of them."""

    DAYS = [
        (1, _("Monday")),
        (2, _("Tuesday")),
        (3, _("Wednesday")),
        (4, _("Thursday")),
        (5, _("Friday")),
        (6, _("Saturday")),
        (7, _("Sunday")),
    ]

    controller = models.ForeignKey(Controller, on_delete=models.CASCADE, related_name="departures")
    day = models.PositiveSmallIntegerField(_("day"), choices=DAYS)
    by = models.TimeField(_("by"))
    kwh = models.FloatField(_("kWh"), validators=[MinValueValidator(0.1), MaxValueValidator(500)])

    class Meta:
        ordering = ["day", "by"]
        verbose_name = _("departure")
        verbose_name_plural = _("departures")
        constraints = [models.UniqueConstraint(fields=["controller", "day", "by"], name="one_departure_at_a_time")]

    def __str__(self) -> str:
        return f"{self.get_day_display()} {self.by:%H:%M}: {self.kwh:g} kWh"


class Override(models.Model):
    """A person's word, with an end. `button`: found at the device itself."""

    controller = models.ForeignKey(Controller, on_delete=models.CASCADE, related_name="overrides")
    level = models.FloatField(validators=[MinValueValidator(0), MaxValueValidator(1)])
    began = models.DateTimeField()
    until = models.DateTimeField()
    by = models.CharField(max_length=150)
    button = models.BooleanField(default=False)
    blind = models.BooleanField(default=False)
    ended = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-began"]
        verbose_name = _("override")
        verbose_name_plural = _("overrides")
        constraints = [
            models.UniqueConstraint(fields=["controller"], condition=models.Q(ended=None), name="one_override_of_a_controller"),
        ]

    def __str__(self) -> str:
        return f"{self.controller_id} {self.level:g} {self.began:%Y-%m-%d %H:%M} {self.by}"


class Decision(models.Model):
    """What was decided when it changed: code and parameters are one sentence, rendered when shown (`control.words`)."""

    controller = models.ForeignKey(Controller, on_delete=models.CASCADE, related_name="decisions", db_index=False)
    time = models.DateTimeField()
    level = models.FloatField()
    rule = models.CharField(max_length=10)
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    wish = models.FloatField()
    rejected = models.JSONField(default=list)  # [[rule, level, code, params]]
    inputs = models.JSONField(default=dict)
    dry_run = models.BooleanField()

    class Meta:
        ordering = ["-time"]
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [models.Index(fields=["controller", "time"], name="decisions_of_a_controller")]

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%d %H:%M:%S} {self.controller_id} {self.level:g} {self.code}"


class Switch(models.Model):
    """A change of an output that was really made. `cause`: leased, or the code of what made it safe."""

    output = models.ForeignKey(Output, on_delete=models.CASCADE, related_name="switches", db_index=False)
    time = models.DateTimeField()
    level = models.FloatField()
    cause = models.CharField(max_length=40)

    class Meta:
        ordering = ["-time"]
        verbose_name = _("switch")
        verbose_name_plural = _("switches")
        constraints = [models.UniqueConstraint(fields=["output", "time"], name="one_switch_at_a_time")]

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%d %H:%M:%S} {self.output_id} {self.level:g} {self.cause}"


class ControllerDay(models.Model):
    """What a controller's load did on one local day. `solar_wh` and `grid_wh` add up to `energy_wh`."""

    controller = models.ForeignKey(Controller, on_delete=models.CASCADE, related_name="days", db_index=False)
    local_date = models.DateField()
    switches = models.PositiveIntegerField(default=0)
    on_s = models.PositiveIntegerField(default=0)
    energy_wh = models.FloatField(default=0)
    solar_wh = models.FloatField(default=0)
    grid_wh = models.FloatField(default=0)

    class Meta:
        ordering = ["-local_date"]
        constraints = [models.UniqueConstraint(fields=["controller", "local_date"], name="one_day_of_a_controller")]

    def __str__(self) -> str:
        return f"{self.controller_id} {self.local_date}"


class Commander(models.Model):
    """One row: the fencing number of the last tick, and the machine that commands; a copied installation runs dry until a person says.

    `memory`: what the rules remember (kWh of a plan so far, the last heat-up), copied every few minutes.
    """

    fence = models.BigIntegerField(default=0)
    machine = models.CharField(max_length=64, blank=True)
    copied = models.BooleanField(default=False)
    memory = models.JSONField(default=dict)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_commander")]

    def __str__(self) -> str:
        return f"fence {self.fence}"
