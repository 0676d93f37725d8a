"""The meters of the house with their state in words, for the settings page."""

from typing import Any

import redis
from django.utils.translation import gettext as _

from energysite import agent_states, live
from energysite.text import plain
from meters.models import Meter


def meter_list() -> list[dict[str, Any]]:
    """Name, connection, state (code for its colour, words, trouble). Needs the database; says so where only Valkey is away."""
    return [
        {"pk": meter.pk, "name": meter.name, "connection": plain(meter.connection), **_state(meter)}
        for meter in Meter.objects.order_by("pk")
    ]


def _state(meter: Meter) -> dict[str, str]:
    if not meter.enabled:
        return {"code": "off", "words": _("switched off"), "trouble": ""}
    try:
        state = agent_states.read(live.client(), meter.name)
    except redis.RedisError:
        return {"code": "off", "words": _("not known while the live values are away"), "trouble": ""}
    words = {
        "live": ("well", _("live")),
        "silent": ("warn", _("silent")),
        "connecting": ("warn", _("connecting")),
        "unreadable": ("bad", _("sends what cannot be read")),
        "error": ("bad", _("cannot be read")),
        "disabled": ("off", _("switched off")),
    }
    code, text = words.get(state.get("status", ""), ("off", _("not started yet")))
    return {"code": code, "words": text, "trouble": plain(str(state.get("error") or ""))}
