"""A person decides about an episode of suspects: left out, taken in, or open again. Every total that it touches is made anew."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from energysite import audit
from energysite.errors import BadReading
from energysite.permissions import Actor
from meters.counting import effects, memory
from meters.counting.effects import Effects
from meters.counting.levels import Change, Desk
from meters.kinds import KINDS
from meters.models import RejectEpisode

Decision = RejectEpisode.Decision


class Answer(StrEnum):
    ACCEPT = "accept"  # the rejection was right: the readings stay out
    OVERRULE = "overrule"  # the readings are right; where the counter began anew, nothing is added between the two
    COUNTED = "counted"  # the readings are right, and a rise before them was counted
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class _Words:
    action: str
    decision: str


WORDS = {
    Answer.ACCEPT: _Words("readings left out", Decision.ACCEPTED),
    Answer.OVERRULE: _Words("readings taken in", Decision.OVERRULED),
    Answer.COUNTED: _Words("readings taken in, rise counted", Decision.OVERRULED),
    Answer.UNDO: _Words("decision undone", Decision.OPEN),
}


def waiting() -> list[RejectEpisode]:
    """Episodes that ask: a new level has held, and what it counts is in no total until somebody answers. Newest first."""
    asking = RejectEpisode.objects.filter(asks=True, decision=Decision.OPEN)
    return list(asking.select_related("source").order_by("-last"))


def preview(episode: RejectEpisode, answer: str, now: datetime | None = None) -> Effects:
    """What an answer ("accept", "overrule", "counted", "undo") would change; it is done, looked at and rolled back.

    Raises BadReading where it is impossible, ValueError for another answer.
    """
    with transaction.atomic():
        with transaction.atomic():
            change = _apply(episode.pk, Answer(answer), now)
            days = [] if change.span is None else effects.days_between(*change.span)
            after = effects.energies(episode.source, days)
            transaction.set_rollback(True)
        before = effects.energies(episode.source, days)
    return Effects(change.readings, effects.differences(before, after))


def accept(episode: RejectEpisode, actor: Actor) -> None:
    """They stay out, and nobody is asked about this level again. Raises BadReading."""
    _decide(episode, Answer.ACCEPT, actor)


def overrule(episode: RejectEpisode, actor: Actor, *, counted: bool = False, now: datetime | None = None) -> None:
    """Take them in. A level that the counter has kept begins a new cycle, a roll-over exact; `counted`: a rise was energy instead.

    Raises BadReading where the readings contradict what is there.
    """
    _decide(episode, Answer.COUNTED if counted else Answer.OVERRULE, actor, now)


def undo(episode: RejectEpisode, actor: Actor) -> None:
    """Open again. What entered by an overruled episode, and what stands on it, lies aside again. Raises BadReading."""
    _decide(episode, Answer.UNDO, actor)


def _decide(episode: RejectEpisode, answer: Answer, actor: Actor, now: datetime | None = None) -> None:
    with transaction.atomic():
        change = _apply(episode.pk, answer, now)
        who: dict[str, Any] = {"decided": None, "decided_by": ""}
        if answer is not Answer.UNDO:
            who = {"decided": now or datetime.now(UTC), "decided_by": actor.name}
        RejectEpisode.objects.filter(pk=episode.pk).update(**who)
        detail = {"episode": episode.pk, "rule": episode.rule, "readings": change.readings, "reopened": change.reopened}
        audit.record(actor, WORDS[answer].action, episode.source.name, **detail)
    episode.refresh_from_db()


def _apply(episode_id: int, answer: Answer, now: datetime | None) -> Change:
    """Under the source's lock, in the caller's transaction. Raises BadReading."""
    source = RejectEpisode.objects.select_related("source").get(pk=episode_id).source
    standing = memory.lock({source.kind: [source.pk]})[source.pk]
    episode = RejectEpisode.objects.select_related("source").get(pk=episode_id)
    _require(episode, answer)
    desk = Desk(episode, memory.load(KINDS[source.kind], source.pk, standing), now or datetime.now(UTC))
    if answer is Answer.ACCEPT:
        change = desk.leave_out()
    elif answer is Answer.UNDO:
        change = desk.undo()
    else:
        change = desk.take_in(counted=answer is Answer.COUNTED)
    episode.decision = WORDS[answer].decision
    episode.save(update_fields=["decision", "count", "last", "asks", "parameters"])
    return change


def _require(episode: RejectEpisode, answer: Answer) -> None:
    is_open = episode.decision == Decision.OPEN
    if answer is Answer.UNDO and is_open:
        raise BadReading(_("Nothing has been decided here yet. Load the page again."))
    if answer is not Answer.UNDO and not is_open:
        raise BadReading(_("This has been decided already. Undo that first."))
    if answer is Answer.COUNTED and episode.rule != RejectEpisode.Rule.RISE:
        raise BadReading(_("Only a rise can have been counted."))
