"""Is a way to notify written so that it can work? Where it may lead is looked at with each connection, not here."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from energysite.notify.message import base_and_path
from energysite.notify.ntfy import server_and_topic

if TYPE_CHECKING:
    from energysite.models import Channel

LEAST_SECRET = 16


def check(channel: "Channel") -> None:
    """Raises ValidationError with a sentence for each field."""
    if not channel.kind or not channel.address:
        return  # the form says so itself
    errors: dict[str, str] = {}
    if channel.kind == channel.Kind.EMAIL:
        try:
            validate_email(channel.address)
        except ValidationError as error:
            errors["address"] = " ".join(error.messages)
    else:
        errors |= _of_http(channel)
    if channel.secret and not (channel.secret.isascii() and channel.secret.isprintable()):
        errors["secret"] = _("Use letters without accents, digits and signs.")
    if (channel.quiet_from is None) != (channel.quiet_to is None):
        errors["quiet_to" if channel.quiet_to is None else "quiet_from"] = _("Give both ends of the quiet hours, or neither.")
    if errors:
        raise ValidationError(errors)


def _of_http(channel: "Channel") -> dict[str, str]:
    if channel.kind == channel.Kind.WEBHOOK and len(channel.secret) < LEAST_SECRET:
        words = _("Messages of a webhook are signed: give a secret of %(least)s characters or more, and the same to who receives them.")
        return {"secret": words % {"least": LEAST_SECRET}}
    try:
        if channel.kind == channel.Kind.NTFY:
            server_and_topic(channel.address)
        else:
            base_and_path(channel.address)
    except ValueError:
        example = "https://ntfy.sh/my-topic" if channel.kind == channel.Kind.NTFY else "https://example.org/hook"
        return {"address": _("Write the address as %(example)s.") % {"example": example}}
    return {}
