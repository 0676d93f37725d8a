"""The answers to an episode of readings set aside, each with what it would change, as its page shows them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from energysite.errors import BadReading
from energysite.permissions import Actor
from meters import amounts, moments
from meters.counting import decide
from meters.counting.decide import Answer
from meters.counting.effects import DayEffect, Effects
from meters.models import RejectEpisode, Source

MOST_DAYS = 31
Table = dict[str, list[Any]]
Rule = RejectEpisode.Rule


@dataclass(frozen=True, slots=True)
class Choice:
    """`refusal`: why it is impossible now, instead of `effect`, `days` (a table) and `more` days that are not listed."""

    key: str
    title: str
    words: str
    variant: str
    refusal: str = ""
    effect: str = ""
    days: Table = field(default_factory=dict)
    more: int = 0


def _take_in_words(episode: RejectEpisode) -> str:
    if episode.rule == Rule.CONFLICT:
        return _("These values are right. They take the place of those at the same times, which lie aside instead.")
    if episode.rule in (Rule.DROP, Rule.RISE):
        return _("They are right: the counter began anew. Totals go on from where they stood; nothing is added between the two.")
    return _("They are right, and count in every total.")


def _offered(episode: RejectEpisode) -> Iterator[tuple[Answer, str, str]]:
    """Answer, what its button says, what it means."""
    if episode.decision != RejectEpisode.Decision.OPEN:
        yield Answer.UNDO, _("Undo"), _("The decision is taken back, and the question is open again.")
        return
    if episode.rule == Rule.RISE:
        yield Answer.COUNTED, _("Take them in: counted"), _("They are right, and so much was really counted: the rise enters the totals.")
        yield Answer.OVERRULE, _("Take them in: a new counter"), _take_in_words(episode)
    else:
        yield Answer.OVERRULE, _("Take them in"), _take_in_words(episode)
    yield Answer.ACCEPT, _("Leave them out"), _("They are wrong. They stay aside and count for nothing; nobody is asked about them again.")


def choices(episode: RejectEpisode) -> list[Choice]:
    return [_choice(episode, answer, title, words) for answer, title, words in _offered(episode)]


def _choice(episode: RejectEpisode, answer: Answer, title: str, words: str) -> Choice:
    variant = "primary" if answer in (Answer.COUNTED, Answer.OVERRULE) else "default"
    try:
        effects = decide.preview(episode, answer)
    except BadReading as error:
        return Choice(answer.value, title, words, variant, refusal=str(error))
    days, more = day_table(episode.source, effects.days), max(0, len(effects.days) - MOST_DAYS)
    return Choice(answer.value, title, words, variant, effect=_effect(effects), days=days, more=more)


def day_table(source: Source, days: Sequence[DayEffect]) -> Table:
    """Day and register, what it counts now and what it would; the first of them. Empty where no day changes."""
    rows = [_day(source, effect) for effect in days[:MOST_DAYS]]
    return {"headers": [_("Day"), _("Now"), _("Then")], "rows": rows} if rows else {}


def _effect(effects: Effects) -> str:
    number = abs(effects.readings)
    if effects.readings > 0:
        moved = ngettext("%(count)s reading enters the history.", "%(count)s readings enter the history.", number)
    elif effects.readings < 0:
        moved = ngettext("%(count)s reading leaves the history.", "%(count)s readings leave the history.", number)
    else:
        moved = _("No reading moves.")
    return moved % {"count": number} if effects.days else " ".join([moved % {"count": number}, _("No day changes.")])


def _day(source: Source, effect: DayEffect) -> list[str]:
    name = moments.short_day(effect.day)
    if len(amounts.registers(source)) > 1:
        name = f"{name}, {amounts.register_words(effect.register)}"
    return [name, amounts.shown(effect.register, effect.before), amounts.shown(effect.register, effect.after)]


DEEDS: dict[str, Callable[[RejectEpisode, Actor], None]] = {
    Answer.ACCEPT: decide.accept,
    Answer.OVERRULE: decide.overrule,
    Answer.COUNTED: lambda episode, actor: decide.overrule(episode, actor, counted=True),
    Answer.UNDO: decide.undo,
}


def carry_out(episode: RejectEpisode, answer: str, actor: Actor) -> str:
    """Do it, and say so. Raises BadReading where it is impossible, KeyError for another answer."""
    DEEDS[answer](episode, actor)
    words = {
        Answer.ACCEPT: _("They are left out."),
        Answer.OVERRULE: _("They are taken in. Totals are made anew within minutes."),
        Answer.COUNTED: _("They are taken in. Totals are made anew within minutes."),
        Answer.UNDO: _("Undone: the question is open again."),
    }
    return words[Answer(answer)]
