"""Sends what is due: each message once, tried again after longer and longer pauses, held back in quiet hours.

A message is claimed by one conditional UPDATE, so that any number of workers may run this. Nothing else waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.utils import translation

from energysite import house
from energysite.database import give_back
from energysite.errors import EnergyError
from energysite.models import Channel, Delivery, House, Notice
from energysite.notify import channels, quiet, words
from energysite.notify.message import Message
from energysite.text import plain

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=55), timedelta(hours=1)
# About a day: who cannot be reached for so long learns it from the page.
MOST_TRIES = 30
# Longer than a try takes: a worker that was killed in the midst of one leaves the message to the next after so long.
CLAIMED = timedelta(seconds=120)


def pause(tries: int) -> timedelta:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 10))


def send_due(now: datetime) -> int:
    """How many were sent. One statement where nothing is due. A way that fails does not keep the others waiting."""
    sent = 0
    failed: set[int] = set()
    for waiting in _due(now):
        if waiting.channel_id not in failed and _has_its_turn(waiting, now) and _claim(waiting, now):
            if _send(waiting, now):
                sent += 1
            else:
                failed.add(waiting.channel_id)
    return sent


def _due(now: datetime) -> Iterable[Delivery]:
    """Those that began first come first, a beginning before its end."""
    rows = Delivery.objects.filter(sent=None, tries__lt=MOST_TRIES, not_before__lte=now, channel__enabled=True)
    return list(rows.select_related("notice", "channel").order_by("notice__began", "recovery", "pk"))


def _has_its_turn(waiting: Delivery, now: datetime) -> bool:
    """What is over and was never told needs no words, unless it was danger. An end is told after its beginning."""
    notice = waiting.notice
    if waiting.recovery:
        beginning = Delivery.objects.filter(notice=notice, channel=waiting.channel, recovery=False).first()
        if beginning is None or (beginning.tries >= MOST_TRIES and beginning.sent is None):
            waiting.delete()
            return False
        if beginning.sent is None:
            return False
    elif notice.recovered is not None and not notice.urgent:
        Delivery.objects.filter(notice=notice, channel=waiting.channel, sent=None).delete()
        return False
    return notice.urgent or not _is_quiet(waiting, now)


def _is_quiet(waiting: Delivery, now: datetime) -> bool:
    way = waiting.channel
    until = quiet.ends(now.astimezone(ZoneInfo(house.current().zone)), way.quiet_from, way.quiet_to)
    if until is not None:
        Delivery.objects.filter(pk=waiting.pk).update(not_before=until.astimezone(UTC))
    return until is not None


def _claim(waiting: Delivery, now: datetime) -> bool:
    mine = Delivery.objects.filter(pk=waiting.pk, sent=None, tries=waiting.tries, not_before=waiting.not_before)
    if not mine.update(tries=waiting.tries + 1, not_before=now + CLAIMED):
        return False
    waiting.tries += 1
    return True


def _send(waiting: Delivery, now: datetime) -> bool:
    row = house.current()
    give_back()  # nobody's connection while a server takes its time
    try:
        with translation.override(waiting.channel.language or row.language):
            channels.deliver(waiting.channel, message(waiting.notice, row, recovery=waiting.recovery), now)
    except EnergyError as error:
        told = plain(str(error), 300)
        log.warning("a notice could not be sent", channel=waiting.channel.name, tries=waiting.tries, error=told)
        Delivery.objects.filter(pk=waiting.pk).update(error=told, not_before=now + pause(waiting.tries))
        return False
    Delivery.objects.filter(pk=waiting.pk).update(error="", sent=now)
    log.info("a notice was sent", channel=waiting.channel.name, cause=waiting.notice.cause, recovery=waiting.recovery)
    return True


def message(notice: Notice, row: House, *, recovery: bool) -> Message:
    """In the language that is active."""
    data = {
        "id": notice.pk,
        "cause": notice.cause,
        "code": notice.code,
        "params": notice.params,
        "began": _iso(notice.began),
        "recovered": _iso(notice.recovered) if recovery else None,
        "house": row.name,
    }
    words_of = (words.title(notice, row.name, recovery=recovery), words.body(notice, recovery=recovery))
    return Message("recovered" if recovery else "raised", *words_of, urgent=notice.urgent, data=data)


def test_message(row: House) -> Message:
    from django.utils.translation import gettext as _

    title = _("%(house)s: a test") % {"house": plain(row.name)}
    return Message("test", title, _("This is how a notice arrives. Nothing is wrong."), data={"house": row.name})


def deliver_test(channel: Channel, now: datetime) -> str:
    """To who presses Test, by settings that need not be stored. Raises EnergyError."""
    row = house.current()
    with translation.override(channel.language or row.language):
        return channels.deliver(channel, test_message(row), now)


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at is not None else None
