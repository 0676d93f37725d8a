"""The ways to a person: one module for each kind, which builds the request that `deliver` sends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import DeviceUnavailable
from energysite.models import Channel
from energysite.notify import mail, ntfy, webhook
from energysite.notify.message import Message, Request, poster

DEADLINE_S = 10.0


REQUESTS = {Channel.Kind.NTFY: ntfy.request, Channel.Kind.WEBHOOK: webhook.request}


def deliver(channel: Channel, message: Message, now: datetime) -> str:
    """What the other side answered, for Test. Raises DeviceUnavailable (trying again can help) or DeviceConfigError, in words."""
    if channel.kind == Channel.Kind.EMAIL:
        return mail.send(channel.address, message)
    request = REQUESTS[Channel.Kind(channel.kind)](channel.address, channel.secret, message, now)
    status, body = poster()(request, time.monotonic() + DEADLINE_S)
    if not 200 <= status < 300:
        raise DeviceUnavailable(_refused(status, request))
    return f"HTTP {status}\n{body[:500].decode('utf-8', 'replace')}"


def _refused(status: int, request: Request) -> str:
    names: Mapping[str, Any] = {"host": request.host, "status": status}
    if status in (401, 403):
        return _("%(host)s refuses the message (status %(status)s): check the secret and what it allows.") % names
    if status in (404, 410):
        return _("%(host)s does not know this address (status %(status)s): check how it is written.") % names
    if 300 <= status < 400:
        return _("%(host)s sends elsewhere (status %(status)s), which is not followed: give the last address itself.") % names
    return _("%(host)s answers with status %(status)s.") % names
