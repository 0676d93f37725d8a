"""What a look at an inverter that is not saved yet found, kept in Valkey for half an hour: for the page that asks whether to save it.

Its password waits there encrypted. Valkey away raises redis.RedisError: the caller says so.
"""

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from energysite import live
from energysite.device_look import Look
from energysite.secret_field import decrypt, encrypt
from solar import check, finding
from solar.models import Inverter
from solar.readers import families

KEPT_S = 1800


@dataclass
class InverterLook:
    """`settings`: what makes the inverter's row, its password encrypted; no family where none was found. `needs`: what was recognised
    wants these settings before it tells more. `tried`: (make, what it said) of those in vain."""

    id: str
    settings: dict[str, Any]
    found: Look
    needs: list[str] = field(default_factory=list)
    tried: list[tuple[str, str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        family = families.known().get(self.settings["family"])
        return "" if family is None else str(family.title)


def device(settings: dict[str, Any]) -> Inverter:
    """Not saved."""
    return Inverter(**{**settings, "password": decrypt(settings.get("password", ""))})


def take(settings: dict[str, Any], now: datetime) -> InverterLook:
    """Look by these settings (checked by the caller) and keep what it found; without a family, find one. Waits 5 s at most."""
    kept = {**settings, "password": encrypt(settings.get("password", ""))}
    if settings["family"]:
        return _save(InverterLook(secrets.token_hex(8), kept, check.look(device(kept), now, live_ok=False)))
    best, vain = finding.find(settings["address"], now)
    tried = [(one.title, one.look.error) for one in vain if one.look is not None]
    if best is None:
        return _save(InverterLook(secrets.token_hex(8), kept, Look("", ok=False, error=_nothing(settings, now)), tried=tried))
    kept |= {"family": best.family.name, "address": best.address, "period_s": best.family.usual_period_s}
    needs = list(best.family.needs) if best.look is None else []
    return _save(InverterLook(secrets.token_hex(8), kept, best.look or Look("", ok=False), needs))


def again(look: InverterLook, now: datetime) -> InverterLook:
    """The same once more, with the password that was typed."""
    return take({**look.settings, "password": decrypt(look.settings.get("password", ""))}, now)


def get(look: str) -> InverterLook | None:
    stored = live.client().get(_key(look))
    if not stored:
        return None
    kept = json.loads(stored)
    found = kept.pop("found")
    return InverterLook(found=Look(**{**found, "facts": tuple(found["facts"])}), **kept)


def forget(look: str) -> None:
    live.client().delete(_key(look))


def _save(look: InverterLook) -> InverterLook:
    live.client().set(_key(look.id), json.dumps(asdict(look)), ex=KEPT_S)
    return look


def _key(look: str) -> str:
    return f"inverter-look:{look}"


def _nothing(settings: dict[str, Any], now: datetime) -> str:
    if check.is_night(now):
        return _(
            "No inverter that we know answers at %(address)s. The sun is down, and many inverters switch off at night: choose the make "
            "below and save it all the same, or come back by day."
        ) % {"address": settings["address"]}
    words = _("No inverter that we know answers at %(address)s. Check the address, or choose the make below.")
    return words % {"address": settings["address"]}
