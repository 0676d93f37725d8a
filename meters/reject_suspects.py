"""The first and the last readings of an episode, as the device showed them."""

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from meters import amounts, moments
from meters.models import RejectEpisode, Source, SuspectBattery, SuspectElectricity, SuspectProduction, SuspectVolume

AT_EACH_END = 4
TABLES: dict[str, type[models.Model]] = {
    Source.Kind.ELECTRICITY: SuspectElectricity,
    Source.Kind.VOLUME: SuspectVolume,
    Source.Kind.PRODUCTION: SuspectProduction,
    Source.Kind.BATTERY: SuspectBattery,
}

Row = tuple[Any, ...]  # time, registers


def ends(episode: RejectEpisode) -> tuple[list[Row], bool]:
    """(time, registers) by time, and whether some in the middle are left out. Empty once they have entered the history."""
    table = TABLES.get(episode.source.kind)
    if table is None:
        return [], False
    rows = table._default_manager.filter(episode=episode).values_list("time", *amounts.registers(episode.source))
    first = list(rows.order_by("time", "pk")[: 2 * AT_EACH_END + 1])
    if len(first) <= 2 * AT_EACH_END:
        return first, False
    return [*first[:AT_EACH_END], *reversed(rows.order_by("-time", "-pk")[:AT_EACH_END])], True


def table(episode: RejectEpisode) -> dict[str, list[Any]]:
    """Headers and rows; registers that none of them shows are left out."""
    rows, cut = ends(episode)
    names = amounts.registers(episode.source)
    said = [place for place in range(len(names)) if any(row[1 + place] is not None for row in rows)]
    written: list[list[str]] = [[_time(row[0]), *(amounts.shown(names[place], row[1 + place]) for place in said)] for row in rows]
    if cut:
        written.insert(AT_EACH_END, ["…", *["…"] * len(said)])
    return {"headers": [_("Time"), *(amounts.register_words(names[place]) for place in said)], "rows": written}


def _time(at: datetime) -> str:
    return f"{moments.short_day(timezone.localdate(at))}, {moments.clock(at)}"
