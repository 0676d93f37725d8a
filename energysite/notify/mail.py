"""E-mail, through the server that the deployment names (EMAIL_URL)."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext as _

from energysite.errors import DeviceConfigError, DeviceUnavailable
from energysite.notify.message import Message
from energysite.text import plain


def send(address: str, message: Message) -> str:
    """What is told to the person who tests it. Raises DeviceConfigError or DeviceUnavailable."""
    if not settings.EMAIL_HOST:
        raise DeviceConfigError(_("No mail server is set: EMAIL_URL names it, such as smtps://user:password@mail.example.org."))
    mail = EmailMessage(message.title, f"{message.body}\n", to=[address], connection=get_connection(timeout=settings.EMAIL_TIMEOUT))
    try:
        mail.send()
    except smtplib.SMTPAuthenticationError as error:
        raise DeviceConfigError(_("The mail server %(host)s refuses user and password.") % _host()) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise DeviceConfigError(_("The mail server %(host)s refuses the address %(to)s.") % {**_host(), "to": address}) from error
    except (smtplib.SMTPException, OSError) as error:
        why = plain(str(error)) or type(error).__name__
        raise DeviceUnavailable(_("The mail server %(host)s took no message: %(why)s.") % {**_host(), "why": why}) from error
    return _("The mail server %(host)s took it.") % _host()


def _host() -> dict[str, object]:
    return {"host": f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"}
