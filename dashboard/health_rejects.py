"""Readings set aside, on the health page: the open ones first, and those that ask among the problems."""

from dataclasses import dataclass

from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext as _

from dashboard.health_words import IDLE, WARN, Line
from energysite.database import DatabaseAway, asked
from energysite.kept import Kept
from meters import reject_words
from meters.models import RejectEpisode

MOST_OPEN, MOST_DECIDED = 20, 5
OPEN = RejectEpisode.Decision.OPEN


@dataclass(frozen=True, slots=True)
class Episode:
    """As the page shows it: `text` in words; `decision` of one that is decided, else empty."""

    pk: int
    state: str
    source: str
    text: str
    asks: bool
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Rejects:
    """`open`: those that ask first, then the newest. `more`: how many open ones are not listed."""

    open: list[Episode]
    decided: list[Episode]
    more: int


def gather() -> Rejects | None:
    """None while the database is away."""
    try:
        with asked():
            every = RejectEpisode.objects.select_related("source")
            waiting = every.filter(decision=OPEN)
            shown = list(waiting.order_by("-asks", "-last")[: MOST_OPEN + 1])
            more = waiting.count() - MOST_OPEN if len(shown) > MOST_OPEN else 0
            decided = list(every.exclude(decision=OPEN).order_by("-decided", "-last")[:MOST_DECIDED])
    except DatabaseAway:
        return None
    return Rejects([_episode(one) for one in shown[:MOST_OPEN]], [_episode(one) for one in decided], more)


def _episode(episode: RejectEpisode) -> Episode:
    still_open = episode.decision == OPEN
    return Episode(
        pk=episode.pk,
        state=WARN if still_open and episode.asks else IDLE,
        source=episode.source.name,
        text=reject_words.sentence(episode),
        asks=still_open and episode.asks,
        decision="" if still_open else reject_words.decision(episode),
    )


def lines(rejects: Rejects | None) -> list[Line]:
    """Those that wait for a person's answer, for what needs attention."""
    waiting = [episode for episode in rejects.open if episode.asks] if rejects else []
    more = _("They count for nothing until the owner has decided. Everything else goes on.")
    return [Line(WARN, episode.source, episode.text, more) for episode in waiting]


def _asking() -> list[str]:
    """Names of the sources whose readings wait for an answer, the newest first; none while the database is away."""
    try:
        with asked():
            return list(RejectEpisode.objects.filter(asks=True, decision=OPEN).order_by("-last").values_list("source__name", flat=True))
    except DatabaseAway:
        return []


_waiting = Kept(_asking, 5.0)  # every page asks
for _signal in (post_save, post_delete):
    _signal.connect(_waiting.forget, sender=RejectEpisode, dispatch_uid="readings that wait for an answer")


def problems() -> list[str]:
    """One sentence for the banner of other pages, whatever their number."""
    waiting = _waiting.get()
    if len(waiting) > 1:
        return [_("%(count)s series of readings are set aside and wait for an answer: see Health.") % {"count": len(waiting)}]
    return [_("Readings of %(source)s are set aside and wait for an answer: see Health.") % {"source": name} for name in waiting]
