"""One run of a data manager: claimed, worked off, told in its state. Several processes may run the same manager; one works."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from energysite import agent_states, house
from energysite.agent_runs import Claim
from energysite.database import asked
from energysite.text import plain
from meters.blocks import archive, claims, managers
from meters.blocks.process import process
from meters.blocks.work import work
from meters.models import DataManager
from meters.models.blocks import QUARTER_S
from meters.turns import Turns

# One claim of blocks takes seconds, a run of an archive minutes; a run that was killed keeps others away for this long.
STEP, ARCHIVE_STEP = timedelta(minutes=5), timedelta(hours=1)
# Of the four connections of the pool beat and the keeper of states take one each.
TURNS = Turns(most=2, queue=6, patience_s=10.0)

Clock = Callable[[], datetime]


def run(pk: int, now: Clock = timezone.now) -> None:
    """What is due, and again while there is more, at most until the next period. A manager that is switched off or gone: nothing.

    Raises DatabaseAway, and what went wrong, which is told in the state as well.
    """
    began = time.monotonic()
    while (more_within_s := _turn(pk, now)) is not None and time.monotonic() - began < more_within_s:
        if not TURNS.let_in():
            return


def _turn(pk: int, now: Clock) -> float | None:
    """One turn. The manager's period where it gave its turn away with more to do, else None."""
    with TURNS.turn() as mine:
        with asked():
            manager = DataManager.objects.select_related("source").filter(pk=pk, enabled=True).first()
        if manager is None:
            return None
        thins = manager.algorithm == DataManager.Algorithm.ARCHIVE
        claim = Claim(manager.name, now(), ARCHIVE_STEP if thins else STEP) if mine else None
        if claim is None or not claim.taken:
            agent_states.count(manager.name, "skipped")
            return None
        began, at = time.monotonic(), now()
        try:
            told = _thin(manager, now) if thins else _condense(manager, claim, now)
        except Exception as error:
            agent_states.report(manager.name, status="error", error=_in_words(error), last_run=at.timestamp(), seconds=_since(began))
            claim.free_quietly()
            raise
        claim.free()
    state = {"status": "idle", "error": None, "last_run": at.timestamp(), "seconds": _since(began), **told}
    if told:
        agent_states.report(manager.name, last_work=at.timestamp(), **state)
    else:
        agent_states.tell(manager.name, state)
    more = told.get("backlog") and told["done"] + told["closed"] + told["faulty"]
    return manager.period_s if more else None


def _condense(manager: DataManager, claim: Claim, now: Clock) -> dict[str, Any]:
    """What a run with something to do has to tell: claimed, done, closed, faulty, backlog."""
    ends = time.monotonic() + manager.period_s
    total = counts = process(manager, now())
    while counts.settled and counts.claimed >= manager.blocks_per_run and time.monotonic() < ends:
        if TURNS.wanted() or not claim.renew(now()):
            break
        counts = process(manager, now())
        total += counts
    if not total.claimed:
        return {}
    if manager.builtin and manager.length_s == QUARTER_S:
        managers.ensure_defaults(manager.source)  # by now the cadence of a new source is known
    return {**asdict(total), "backlog": _backlog(manager, now())}


def _backlog(manager: DataManager, now: datetime) -> int:
    found = work(manager, now)
    return 0 if found is None else claims.count_due(found, now)


def _thin(manager: DataManager, now: Clock) -> dict[str, Any]:
    """The same of an archive: readings and blocks that went, readings that an open block kept."""
    thinned = archive.thin(manager, now())
    if not (thinned.rows or thinned.blocks or thinned.kept_back):
        return {}
    return {"rows": thinned.rows, "blocks": thinned.blocks, "kept_back": thinned.kept_back}


def _since(began: float) -> float:
    return round(time.monotonic() - began, 4)


def _in_words(error: Exception) -> str:
    """In the house's language: one sentence for whoever looks at the state."""
    words = plain(str(error) or type(error).__name__)
    with translation.override(house.current().language):
        if isinstance(error, DatabaseError):
            return _("The database refused: %(error)s It is tried again.") % {"error": words}
        return _("It failed: %(error)s It is tried again.") % {"error": f"{type(error).__name__}: {words}"}
