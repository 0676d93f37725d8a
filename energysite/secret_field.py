"""Device passwords and keys in the database: encrypted with the installation's secret key, never shown again."""

from typing import Any

import structlog
from django import forms
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from energysite import sealing

log = structlog.get_logger(__name__)


def encrypt(plain: str) -> str:
    return sealing.seal(settings.SECRET_KEY, plain)


def decrypt(stored: str) -> str:
    """Empty, and said in the log, where it was encrypted with another installation's key."""
    try:
        return sealing.unseal(settings.SECRET_KEY, stored)
    except sealing.OtherKey:
        log.error("a device's password was stored with another secret key: type it in again")
        return ""


class SecretField(models.TextField):
    """Plain text in Python, encrypted in the database. A form never shows it, and leaves it as it is where nothing is typed.

    Name it in the agent's `secret_fields`, so that audit, get_config and backups leave it out.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"blank": True, "default": "", **kwargs})

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> str:
        return decrypt(value or "")

    def get_prep_value(self, value: Any) -> str:
        return encrypt(super().get_prep_value(value) or "")

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return forms.CharField(
            label=self.verbose_name,
            required=False,
            max_length=200,
            widget=SecretInput,
            help_text=kwargs.get("help_text") or self.help_text or _("Never shown again. Empty: the stored one stays."),
        )


class SecretInput(forms.PasswordInput):
    """Empty counts as not sent, so that the stored value stays."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "off", **(attrs or {})}, render_value=False)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not data.get(name)
