"""Notices are made and ended here. All of it is safe to call again and again, from any process, in a transaction or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from energysite import broker
from energysite.kept import Kept
from energysite.models import Channel, Delivery, Notice

log = structlog.get_logger(__name__)

Params = Mapping[str, int | float | str]

SEND_TASK = "energysite.tasks.send_notices"
# A cause that comes back so soon after its end never ended: whoever is told of each flap stops reading.
STEADY = timedelta(seconds=120)
# The causes that are open are asked again after so long; who looks each minute or each ten seconds pays for no more.
FRESH_S = 30.0
SEEN = timedelta(seconds=60)
KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: a code of `energysite.notify.words`, its parameters, and whether it is told in quiet hours too."""

    code: str
    params: Params = field(default_factory=dict)
    urgent: bool = False


def raise_notice(cause: str, code: str, params: Params, urgent: bool, now: datetime) -> None:
    """This is wrong now. The first call of a cause makes the notice and its messages; later ones only say that it still lasts.

    `cause` names what and of whom ("meter silent:Main"), at most 160 characters. Raises django.db.Error while the database is away.
    """
    known = _open.get().get(cause)
    if known is not None and (now - known < SEEN or Notice.objects.filter(cause=cause, recovered=None).update(seen=now)):
        if now - known >= SEEN:
            _open.forget()
        return
    with transaction.atomic():
        if _goes_on(cause, now):
            made = False
        else:
            wanted = {"code": code, "params": dict(params), "urgent": urgent, "began": now, "seen": now}
            notice, made = Notice.objects.get_or_create(cause=cause, recovered=None, defaults=wanted)
        sends = made and _tell(notice, recovery=False, due=now)
        transaction.on_commit(_open.forget)
    if made:
        log.warning("notice", cause=cause, code=code, **{f"param_{name}": value for name, value in params.items()})
    if sends:
        transaction.on_commit(send_now)


def recover(cause: str, now: datetime) -> None:
    """This is over. Nothing where it was not open. Raises django.db.Error while the database is away."""
    with transaction.atomic():
        found = Notice.objects.select_for_update().filter(cause=cause, recovered=None).first()
        if found is None:
            return
        found.recovered = found.seen = now
        found.save(update_fields=["recovered", "seen"])
        # Told by the look of a minute after it was steady, see `sending`.
        _tell(found, recovery=True, due=now + STEADY)
        transaction.on_commit(_open.forget)
    log.info("notice over", cause=cause)


def saw(family: str, found: Mapping[str, Trouble], now: datetime) -> None:
    """All that is wrong of one family now, by whom it concerns: what is new is raised, what is not among them any more is over.

    For who looks again and again; its cause is "family:whom". Costs one small statement in half a minute while nothing changes.
    """
    for whom, trouble in found.items():
        raise_notice(f"{family}:{whom}", trouble.code, trouble.params, trouble.urgent, now)
    wrong = {f"{family}:{whom}" for whom in found}
    for cause in [cause for cause in _open.get() if cause.startswith(f"{family}:") and cause not in wrong]:
        recover(cause, now)


def forget_old(now: datetime) -> None:
    """What was over more than 400 days ago goes, with its messages. Raises django.db.Error."""
    Notice.objects.filter(recovered__lt=now - KEPT).delete()


def send_now() -> None:
    """The workers send what is due; while they cannot be asked, the look of each minute does it."""
    try:
        broker.send(SEND_TASK)
    except broker.BrokerAway as error:
        log.warning("a notice is sent later, the broker is away", error=str(error))


def _goes_on(cause: str, now: datetime) -> bool:
    """True where it had ended only a moment ago: that end is taken back, untold."""
    last = Notice.objects.select_for_update().filter(cause=cause, recovered__gt=now - STEADY).order_by("-began").first()
    if last is None or Notice.objects.filter(cause=cause, recovered=None).exists():
        return False
    if Delivery.objects.filter(notice=last, recovery=True).exclude(sent=None).exists():
        return False
    Delivery.objects.filter(notice=last, recovery=True).delete()
    last.recovered, last.seen = None, now
    last.save(update_fields=["recovered", "seen"])
    return True


def _tell(notice: Notice, *, recovery: bool, due: datetime) -> bool:
    """A message for each way there is; an end is told where the beginning was to be told. False where there is no way."""
    ways = Channel.objects.filter(enabled=True)
    if recovery:
        ways = ways.filter(deliveries__notice=notice, deliveries__recovery=False)
    rows = [Delivery(notice=notice, channel=way, recovery=recovery, not_before=due) for way in ways]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return bool(rows)


def _open_causes() -> dict[str, datetime]:
    """Open causes, and when each was last seen."""
    return dict(Notice.objects.filter(recovered=None).values_list("cause", "seen"))


_open = Kept(_open_causes, FRESH_S)
for _signal in (post_save, post_delete):
    _signal.connect(_open.forget, sender=Notice)
