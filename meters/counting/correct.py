"""A person's word on one quarter of one register: a row that every total adds. Never edited, only undone."""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from energysite import audit, timegrid
from energysite.errors import BadReading
from energysite.permissions import Actor
from energysite.timegrid import QUARTER, QUARTER_S
from meters import amounts
from meters.blocks import outbox
from meters.blocks.house_zone import house_zone
from meters.boundaries import boundaries
from meters.counting import limits, memory
from meters.kinds import KINDS
from meters.models import Correction, Source

MOST_HOURS = 24  # a correction may book what was lost in a day, at what the connection can carry
LONGEST_NOTE = 200


def correct(source: Source, register: str, start: datetime, delta: int, note: str, actor: Actor, now: datetime | None = None) -> Correction:
    """Add `delta` (Wh, l; signed) to the quarter that begins at `start` (UTC). Raises BadReading with a sentence."""
    kind, start = KINDS[source.kind], start.astimezone(UTC)
    if register not in kind.registers:
        raise BadReading(_("This source has no such register."))
    if start != timegrid.quarter_start(start):
        raise BadReading(_("A quarter begins at a whole quarter of an hour: 00, 15, 30 or 45 minutes."))
    if delta == 0:
        raise BadReading(_("A correction of nothing changes nothing. Give the difference."))
    note = " ".join(note.split())[:LONGEST_NOTE]
    if not note:
        raise BadReading(_("Say why, in a few words: whoever looks in a year wants to know."))
    if start + QUARTER > (now or datetime.now(UTC)):
        raise BadReading(_("This quarter is not over yet."))
    with transaction.atomic():
        memory.lock({kind.name: [source.pk]})
        most = limits.of([source.pk])[source.pk][kind.registers.index(register)].per_hour
        if most is not None and abs(delta) > most * MOST_HOURS:
            raise BadReading(
                _("So much cannot be counted in a day: %(most)s at most.") % {"most": amounts.shown(register, most * MOST_HOURS)}
            )
        _require_positive(source, register, start, delta)
        correction = Correction.objects.create(source=source, register=register, start=start, delta=delta, note=note, author=actor.name)
        _tell(correction, actor, "quarter corrected")
    return correction


def undo(correction: Correction, actor: Actor, now: datetime | None = None) -> None:
    """Raises BadReading where it is undone already, or others stand on it."""
    source = correction.source
    with transaction.atomic():
        memory.lock({source.kind: [source.pk]})
        row = Correction.objects.select_for_update().get(pk=correction.pk)
        if row.undone is not None:
            raise BadReading(_("This correction has been undone already."))
        if row.delta > 0:
            _require_positive(source, row.register, row.start, -row.delta)
        row.undone, row.undone_by = now or datetime.now(UTC), actor.name
        row.save(update_fields=["undone", "undone_by"])
        _tell(row, actor, "correction undone")
    correction.refresh_from_db()


def counted(source: Source, register: str, start: datetime) -> int | None:
    """What the quarter counted by its readings, without corrections; None where nothing is known of it. Wh or l."""
    i = KINDS[source.kind].registers.index(register)
    begin, end = boundaries([(source, start), (source, start + timedelta(seconds=QUARTER_S))])
    low, high = begin.value(i), end.value(i)
    first = begin.point_after(i)
    if low is None and first is not None and not begin.before and first[0] < end.at:
        low = first[1]  # the quarter of the first reading begins with it
    if high is None and (point := end.point_before(i)) is not None and source.retired is not None:
        high = point[1]
    return None if low is None or high is None else high - low


def _require_positive(source: Source, register: str, start: datetime, delta: int) -> None:
    """Raises BadReading where the quarter would become negative, or nothing was counted in it."""
    plain = counted(source, register, start)
    if plain is None:
        raise BadReading(_("Nothing is known of this quarter yet: there is nothing to correct."))
    others = Correction.objects.filter(source=source, register=register, start=start, undone=None).aggregate(sum=Sum("delta"))["sum"] or 0
    if plain + others + delta < 0:
        words = {"counted": amounts.shown(register, plain + others)}
        raise BadReading(_("The quarter has counted %(counted)s: it cannot become less than nothing.") % words)


def _tell(correction: Correction, actor: Actor, action: str) -> None:
    outbox.mark(correction.source_id, [timegrid.local_day(correction.start, house_zone())])
    audit.record(
        actor,
        action,
        correction.source.name,
        register=correction.register,
        start=correction.start.isoformat(),
        delta=correction.delta,
        note=correction.note,
    )
