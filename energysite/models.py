"""The house itself, its agents' states, who did what, and the keys of programs."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from energysite import live, schedule
from energysite.secret_field import SecretField
from energysite.zones import validate_zone


class House(models.Model):
    """One row. `zone` rules every page, export and schedule, whatever the machine or the browser think."""

    class Grid(models.TextChoices):
        ONE = "1x230", _("1 x 230 V")
        THREE_DELTA = "3x230", _("3 x 230 V")
        THREE_STAR = "3x400+N", _("3 x 400 V + N")

    name = models.CharField(_("name"), max_length=80, default="Home")
    zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="Europe/Brussels",
        validators=[validate_zone],
        help_text=_("Days, months and years begin at midnight in this zone."),
    )
    place = models.CharField(_("place"), max_length=80, blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en", help_text=_("For visitors who have not chosen one.")
    )
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    grid = models.CharField(_("grid connection"), max_length=8, choices=Grid, default=Grid.ONE)
    latitude = models.FloatField(
        _("latitude"),
        null=True,
        blank=True,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
        help_text=_("Degrees north, such as 50.85: for sunrise and the forecast of the sun. Empty: of the time zone's city."),
    )
    longitude = models.FloatField(
        _("longitude"),
        null=True,
        blank=True,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
        help_text=_("Degrees east, such as 4.35."),
    )
    unread_battery = models.BooleanField(
        _("a battery that is not read"),
        default=False,
        help_text=_("There is a battery whose power this site cannot read. What the house uses is then unknown, and pages say so."),
    )
    fuse_a = models.PositiveSmallIntegerField(
        _("main fuse (A)"), null=True, blank=True, help_text=_("Printed on the main switch. Empty: not set, and pages say so.")
    )

    own_peak_w = models.PositiveIntegerField(
        _("own target of the month peak (W)"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(100_000)],
        help_text=_("Controllers keep the quarter-hour below this, or below the month's peak so far where that is higher. Empty: 2,500 W."),
    )

    class Meta:
        verbose_name = _("house")
        verbose_name_plural = _("house")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_house")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Half a place is none: the error stands at the half that is missing."""
        super().clean()
        if (self.latitude is None) != (self.longitude is None):
            missing = "latitude" if self.latitude is None else "longitude"
            raise ValidationError({missing: _("Give latitude and longitude, or neither.")})

    @classmethod
    def load(cls) -> "House":
        house, _created = cls.objects.get_or_create(pk=1)
        return house


class AgentState(models.Model):
    """The registry of agents: one row for each, made in the same transaction as the agent itself.

    The live state is a Redis hash (`agents.report`); it is copied here at most once a minute and on error.
    """

    name = models.CharField(max_length=80, primary_key=True)
    kind = models.CharField(max_length=20)
    busy_until = models.DateTimeField(null=True)
    state = models.JSONField(default=dict)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("agent state")
        verbose_name_plural = _("agent states")

    def __str__(self) -> str:
        return self.name


def validate_agent_name(name: str) -> None:
    if "/" in name or not name.isprintable() or name != name.strip():
        raise ValidationError(_("A name has no slash, no control character and no space at its ends."))


class Agent(models.Model):
    """Whatever runs on a period. The row is its configuration; `version` grows with every saved change."""

    kind = ""
    # The Celery task that runs it on its period, given its id; "": something else does.
    task = ""
    # Written by forms and never shown again: masked in get_config and in the audit.
    secret_fields: tuple[str, ...] = ()
    # Whom this site connects to: changed only by who gave the password lately.
    confirmed_fields: tuple[str, ...] = ()

    name = models.CharField(
        _("name"),
        max_length=80,
        unique=True,
        validators=[validate_agent_name],
        help_text=_("Shown on every page. Cannot be changed later."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    period_s = models.PositiveIntegerField(_("period (s)"), default=1, help_text=_("How often it runs, 1 s or more."))
    requestable = models.BooleanField(
        _("requestable"), default=True, help_text=_("Its state and settings can be asked for over the websocket.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    state = models.OneToOneField(AgentState, on_delete=models.PROTECT, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Makes the registry's row with a new agent, counts the version of an old one, and beat's row; tells processes after the commit."""
        with transaction.atomic():
            if self._state.adding:
                self.state = AgentState.objects.create(name=self.name, kind=self.kind)
            else:
                stored = type(self)._base_manager.select_for_update().get(pk=self.pk)
                if stored.name != self.name:
                    raise ValidationError({"name": _("The name cannot be changed.")})
                self.version = stored.version + 1
                if kwargs.get("update_fields") is not None:
                    kwargs["update_fields"] = {*kwargs["update_fields"], "version"}
            super().save(*args, **kwargs)
            schedule.write(self)
            transaction.on_commit(self._tell_processes)

    def clean(self) -> None:
        super().clean()
        if self.period_s is not None and self.period_s < 1:
            raise ValidationError({"period_s": _("Choose 1 second or more.")})
        if self._state.adding and self.name and AgentState.objects.filter(pk=self.name).exists():
            raise ValidationError({"name": _("Something else has this name already. Choose another one.")})

    def _tell_processes(self) -> None:
        with live.publisher().writing() as pipe:
            live.agents_changed(pipe, self.name)


class AuditEntry(models.Model):
    """Who changed what. Rows are only added; secrets never get here."""

    time = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=150)
    role = models.CharField(max_length=10)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-time"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")

    def __str__(self) -> str:
        return f"{self.time:%Y-%m-%d %H:%M:%S} {self.actor}: {self.action} {self.target}"


class ApiToken(models.Model):
    """A key for a program. Only its SHA-256 is kept (the token itself is random, 128 bit or more)."""

    name = models.CharField(max_length=80, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("program key")
        verbose_name_plural = _("program keys")

    def __str__(self) -> str:
        return self.name


class Channel(models.Model):
    """A way to reach a person. The secret signs a webhook's messages, or is the access token of an ntfy topic."""

    class Kind(models.TextChoices):
        NTFY = "ntfy", "ntfy"
        WEBHOOK = "webhook", _("webhook")
        EMAIL = "email", _("e-mail")

    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    address = models.CharField(
        _("address"), max_length=300, help_text=_("https://ntfy.sh/your-topic, the webhook's address, or an e-mail address.")
    )
    secret = SecretField(_("secret"), help_text=_("Signs a webhook's messages, or is the token of an ntfy topic. Never shown again."))
    enabled = models.BooleanField(_("enabled"), default=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(
        _("quiet until"),
        null=True,
        blank=True,
        help_text=_("What happens meanwhile is told afterwards, if it still lasts. Danger is told at once."),
    )
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, blank=True, help_text=_("Empty: the house's."))

    class Meta:
        ordering = ["name"]
        verbose_name = _("way to notify")
        verbose_name_plural = _("ways to notify")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        from energysite.notify import address  # it takes this module

        address.check(self)


class Notice(models.Model):
    """Something is wrong, from `began` until `recovered`: told once, and once more at its end. `cause` names what and of whom."""

    cause = models.CharField(max_length=160)
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    urgent = models.BooleanField(default=False)
    began = models.DateTimeField()
    seen = models.DateTimeField()  # when it was last so
    recovered = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-began"]
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [models.UniqueConstraint(fields=["cause"], condition=models.Q(recovered=None), name="one_notice_of_a_cause")]

    def __str__(self) -> str:
        return self.cause


class Delivery(models.Model):
    """One message through one channel: of a notice's beginning, or of its end."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    recovery = models.BooleanField(default=False)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)  # it is tried (again) from then on
    sent = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [models.UniqueConstraint(fields=["notice", "channel", "recovery"], name="one_message_of_a_notice")]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.channel_id} {self.recovery}"
