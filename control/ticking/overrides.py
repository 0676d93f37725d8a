"""A person's word: overrides with an end, modes, plans, releasing what was locked. Permitted, audited, effective at once (rule 7)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import redis
import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from control import keys
from control.models import Controller, Departure, Output, Override
from control.ticking import known
from energysite import audit, broker, live
from energysite.agents import NotAllowed, Refused, StaleVersion, UnknownAgent
from energysite.permissions import Actor, allows

log = structlog.get_logger(__name__)

USUAL = timedelta(hours=2)
LONGEST = timedelta(hours=24)
BUTTON = "button"
TICK_NOW = "control.tasks.tick_now"
# In Valkey, while a tick is asked for and has not begun.
ASKED, ASKED_MS = "control:asked", 5000


def begin(actor: Actor, controller: Controller, level: float, until: datetime | None, now: datetime, *, blind: bool = False) -> Override:
    """Until then (None: two hours) this level stands; a former override ends. `blind`: on, though no meter guards it, as this person
    chose. Raises NotAllowed, Refused."""
    _permitted(actor)
    ends = until if until is not None else now + USUAL
    if not 0 <= level <= 1:
        raise Refused(_("A level lies between 0 and 1."))
    if ends <= now:
        raise Refused(_("This end is in the past."))
    if ends > now + LONGEST:
        raise Refused(_("An override lasts 24 hours at most."))
    if blind and not actor.name:
        raise Refused(_("Who switches on without a meter has to be known by name."))
    with transaction.atomic():
        _locked(controller)
        _unpause(actor, controller)
        begun = _replace(controller, now, actor.name, level=level, until=ends, blind=blind and level > 0)
        audit.record(actor, "override begun", controller.name, level=level, until=ends.isoformat(), blind=begun.blind)
        _tell(controller.name)
    return begun


def end(actor: Actor, controller: Controller, now: datetime) -> bool:
    """The rules decide again. False where nothing was overridden. Raises NotAllowed."""
    _permitted(actor)
    with transaction.atomic():
        ended = Override.objects.filter(controller=controller, ended=None).update(ended=now, ended_by=actor.name[:150])
        if ended:
            audit.record(actor, "override ended", controller.name)
            _tell(controller.name)
    return bool(ended)


def pressed(controller_id: int, output: str, level: float, at: datetime, now: datetime) -> Override | None:
    """Somebody switched the device itself: that stands for two hours from then. None where this is known already, or over.

    Called by the tick, in its transaction.
    """
    until = at + USUAL
    if until <= now or Override.objects.filter(controller_id=controller_id, button=True, began=at).exists():
        return None
    controller = Controller.objects.select_for_update(no_key=True).get(pk=controller_id)
    made = _replace(controller, at, BUTTON, level=level, until=until, button=True, ended=now)
    audit.record(Actor(BUTTON, None), "override begun", controller.name, level=level, until=until.isoformat(), at=output)
    return made


def end_past(now: datetime) -> int:
    """Those whose end has come."""
    return Override.objects.filter(ended=None, until__lte=now).update(ended=now)


def set_mode(actor: Actor, name: str, mode: str, version: int) -> Controller:
    """automatic, on or off, of the version that the person saw. Raises NotAllowed, UnknownAgent, StaleVersion, Refused."""
    _permitted(actor)
    if mode not in Controller.Mode.values:
        raise Refused(_("There is no mode “%(mode)s”.") % {"mode": mode[:20]})
    with transaction.atomic():
        controller = _seen(name, version)
        _unpause(actor, controller)
        before, controller.mode = controller.mode, mode
        if mode != before:
            controller.save(update_fields=["mode"])
            audit.record(actor, "controller mode", name, version=controller.version, changed={"mode": [before, mode]})
            transaction.on_commit(_hurry)
    return controller


def set_departures(actor: Actor, name: str, rows: Sequence[Mapping[str, Any]], version: int) -> Controller:
    """The whole weekly plan: rows of {"day": 1 to 7, "by": time or "07:30", "kwh"}. Raises NotAllowed, UnknownAgent, StaleVersion,
    Refused."""
    _permitted(actor)
    with transaction.atomic():
        controller = _seen(name, version)
        before = [str(one) for one in controller.departures.all()]
        controller.departures.all().delete()
        try:
            for row in rows:
                departure = Departure(controller=controller, **{name: row.get(name) for name in ("day", "by", "kwh")})
                departure.full_clean()
                departure.save()
        except ValidationError as error:
            raise Refused(" ".join(error.messages)) from error
        controller.save(update_fields=["strategy"])  # the version of its settings grows with its plan
        after = [str(one) for one in controller.departures.all()]
        audit.record(actor, "controller plan", name, version=controller.version, changed={"departures": [before, after]})
        transaction.on_commit(_hurry)
    return controller


def release(actor: Actor, output: Output) -> None:
    """What was locked or paused may switch again. Raises NotAllowed."""
    _permitted(actor)
    with transaction.atomic():
        _release(actor, output.pk)


def _release(actor: Actor, pk: int) -> None:
    stored = Output.objects.select_for_update().get(pk=pk)
    stored.release += 1
    stored.save(update_fields=["release"])
    audit.record(actor, "output released", stored.name)
    transaction.on_commit(_hurry)


def _unpause(actor: Actor, controller: Controller) -> None:
    """Who says what is wanted ends a pause. A lock is another thing: somebody has to look at the device first."""
    try:
        text: Any = live.client().hget(keys.HELD, controller.output.name)
    except redis.RedisError as error:
        log.warning("whether a controller is paused is not known, Valkey is away", error=str(error))
        return
    told = json.loads(text) if text else {}
    if told.get("paused") and not told.get("locked"):
        _release(actor, controller.output_id)


def _permitted(actor: Actor) -> None:
    if not allows(actor, "control.override"):
        raise NotAllowed(_("You may not do this. Ask the owner."))


def _locked(controller: Controller) -> None:
    """Two people at once take turns."""
    Controller.objects.select_for_update(no_key=True).get(pk=controller.pk)


def _seen(name: str, version: int) -> Controller:
    controller = Controller.objects.select_for_update(no_key=True).filter(name=name).first() if "\0" not in name else None
    if controller is None:
        raise UnknownAgent(_("There is no agent called “%(name)s”.") % {"name": name})
    if controller.version != version:
        raise StaleVersion(
            _("The settings have changed meanwhile: they are at version %(now)s, you had %(yours)s. Get them again.")
            % {"now": controller.version, "yours": version}
        )
    return controller


def _replace(controller: Controller, began: datetime, by: str, *, ended: datetime | None = None, **fields: Any) -> Override:
    Override.objects.filter(controller=controller, ended=None).update(ended=ended or began, ended_by=by[:150])
    return Override.objects.create(controller=controller, began=began, by=by[:150], **fields)


def _tell(name: str) -> None:
    """Every process reads it again, and a tick is made now."""
    known.forget()
    transaction.on_commit(lambda: announce(name))
    transaction.on_commit(_hurry)


def announce(name: str) -> None:
    known.forget()
    with live.publisher().writing() as pipe:
        live.agents_changed(pipe, name)


def _hurry() -> None:
    """One tick is asked for at a time, however often people press. Without a broker it is done with the next tick."""
    try:
        if live.client().set(ASKED, "1", nx=True, px=ASKED_MS):
            broker.send(TICK_NOW)
    except (redis.RedisError, broker.BrokerAway) as error:
        log.warning("no worker could be asked to decide at once", error=str(error))


def heard() -> None:
    """The tick that was asked for begins: what is said from now on needs another one. Raises redis.RedisError."""
    live.client().delete(ASKED)
