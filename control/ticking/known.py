"""What is configured, as the rules want it: read again when settings, plans or overrides changed anywhere, and now and then anyway."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time

from django.db.models import Prefetch
from django.db.models.signals import post_delete, post_save

from control import models
from control.rules import facts
from energysite.database import DatabaseAway, asked
from energysite.kept import Kept
from meters.models import Meter, Source

FRESH_S = 30.0
FRESH_FOR_PAGES_S = 5.0


@dataclass(frozen=True, slots=True)
class Commanded:
    """A controller and what it commands. `active`: neither it nor its output is switched off. `began`: epoch, of its override."""

    load: facts.Load
    output: str
    output_id: int
    active: bool
    version: int
    override: facts.Override | None = None
    began: float = 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """`meters`: names of those in use, the grid's first; `sources`: ids of their electricity, in the same order, None before a first
    reading. `analog`: id -> name of the inputs that a controller looks at. `outputs`: all, by name."""

    controllers: tuple[Commanded, ...] = ()
    meters: tuple[str, ...] = ()
    sources: tuple[int | None, ...] = ()
    analog: tuple[tuple[int, str], ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def active(self) -> tuple[Commanded, ...]:
        return tuple(one for one in self.controllers if one.active)

    def of(self, load: int) -> Commanded | None:
        return next((one for one in self.controllers if one.load.id == load), None)


def known() -> Known:
    """From the database, in six statements, one without a controller."""
    controllers = list(
        models.Controller.objects.select_related("output", "signal")
        .prefetch_related(
            "departures", Prefetch("overrides", queryset=models.Override.objects.filter(ended=None).order_by("pk"), to_attr="running")
        )
        .order_by("priority", "pk")
    )
    if not controllers:
        return Known()
    meters = list(Meter.objects.filter(enabled=True).order_by("pk").values_list("pk", "name"))
    electricity = Source.objects.filter(kind=Source.Kind.ELECTRICITY, retired=None, meter__isnull=False).order_by("-pk")
    sources = dict(electricity.values_list("meter_id", "pk"))
    return Known(
        controllers=tuple(map(_commanded, controllers)),
        meters=tuple(name for _pk, name in meters),
        sources=tuple(sources.get(pk) for pk, _name in meters),
        analog=tuple(sorted({(one.signal.pk, one.signal.name) for one in controllers if one.signal is not None})),
        outputs=tuple(models.Output.objects.order_by("name").values_list("name", flat=True)),
    )


def _commanded(row: models.Controller) -> Commanded:
    running: list[models.Override] = getattr(row, "running", [])
    return Commanded(
        load=load_of(row),
        output=row.output.name,
        output_id=row.output_id,
        active=row.enabled and row.output.enabled,
        version=row.version,
        override=override_of(running[-1]) if running else None,
        began=running[-1].began.timestamp() if running else 0.0,
    )


def load_of(row: models.Controller) -> facts.Load:
    """The settings of a stored controller; its output and its departures are read where they were not."""
    return facts.Load(
        id=row.pk,
        name=row.name,
        kind=row.load,
        priority=row.priority,
        mode=row.mode,
        load_w=row.load_w,
        rated_w=row.output.continuous_w,
        strategy=strategy_of(row),
        period_s=row.period_s,
        min_on_s=row.min_on_s,
        min_off_s=row.min_off_s,
        switches_a_day=row.switches_a_day,
        peak=row.peak,
        peak_up_to_w=row.peak_up_to_w,
        battery_first=row.battery_first,
        blind=row.without_meter,
        dry_run=row.dry_run,
        release=row.output.release,
    )


def strategy_of(row: models.Controller) -> facts.Strategy:
    budget = facts.Budget(row.start_wh, row.borrow_wh, row.sun_pct)
    match row.strategy:
        case models.Controller.Strategy.THRESHOLD:
            return facts.Threshold(row.average_s, row.upper_w, row.deadband_w, row.min_change_s)
        case models.Controller.Strategy.WINDOW:
            return facts.Window(_minutes(row.window_from, 0), _minutes(row.window_to, 1440), frozenset(map(int, row.window_days)))
        case models.Controller.Strategy.PLAN:
            departures = row.departures.all()
            return facts.Plan(tuple(facts.Departure(one.day, _minutes(one.by, 0), one.kwh) for one in departures), budget)
        case models.Controller.Strategy.SIGNAL:
            return facts.Condition(row.signal_id or 0, row.signal_above, row.signal_value, row.signal_hysteresis)
    return budget


def _minutes(local: time | None, default: int) -> int:
    return default if local is None else local.hour * 60 + local.minute


def override_of(row: models.Override) -> facts.Override:
    return facts.Override(row.level, row.until.timestamp(), row.by, row.button, row.blind)


def dry(found: Known) -> Known:
    """The same, and nothing is switched: as in a copied installation (rule 12)."""
    return replace(found, controllers=tuple(replace(one, load=replace(one.load, dry_run=True)) for one in found.controllers))


class _Last:
    known: Known | None = None


_last = _Last()


def current(generation: bytes | None) -> Known | None:
    """As it was half a minute ago at most; None where that was never read. `generation`: live.AGENTS_GENERATION."""
    return _asked(_for_worker, generation)


def for_pages(generation: bytes | None) -> Known | None:
    """The same, some seconds ago at most."""
    return _asked(_for_pages, generation)


def _asked(kept: Kept[Known], generation: bytes | None) -> Known | None:
    try:
        with asked():
            _last.known = kept.get(generation)
    except DatabaseAway:
        pass  # what was known before still holds
    return _last.known


_for_worker, _for_pages = Kept(known, FRESH_S), Kept(known, FRESH_FOR_PAGES_S)


def forget(**_signal: object) -> None:
    for kept in (_for_worker, _for_pages):
        kept.forget()


for _model in (models.Controller, models.Output, models.Departure, models.Override, Meter, Source):
    for _signal in (post_save, post_delete):
        _signal.connect(forget, sender=_model, dispatch_uid=f"controllers known {_model.__name__}")
