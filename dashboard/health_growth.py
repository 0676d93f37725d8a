"""Blocks that wait, and what takes the room in the database, on the health page."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard import ages
from dashboard.health_facts import Facts
from dashboard.health_words import BAD, IDLE, Line
from meters import block_words
from meters.growth import Backlog

TABLES = {
    "electricity": lambda: _("Readings of electricity"),
    "volume": lambda: _("Readings of gas and water"),
    "production": lambda: _("Readings of solar"),
    "battery": lambda: _("Readings of batteries"),
    "analog": lambda: _("Readings of analog signals"),
    "blocks": lambda: _("Blocks"),
}


def lines(facts: Facts) -> list[Line]:
    """One a source at most; none where all blocks are as far as their readings."""
    return [_line(one) for one in facts.stored.backlog] if facts.stored else []


def _line(found: Backlog) -> Line:
    told, more = [], ""
    if found.faulty:
        failed = ngettext("%(n)s block could not be computed.", "%(n)s blocks could not be computed.", found.faulty)
        told.append(failed % {"n": found.faulty})
        more = block_words.words(found.reason)
    if found.waiting and found.oldest is not None:
        waiting = ngettext(
            "%(n)s block waits to be computed, from %(time)s.", "%(n)s blocks wait to be computed, from %(time)s on.", found.waiting
        )
        told.append(waiting % {"n": found.waiting, "time": timezone.localtime(found.oldest).strftime("%Y-%m-%d %H:%M")})
    # After an import years of blocks wait, and that is well; a worker that does not work says so itself.
    return Line(BAD if found.faulty else IDLE, found.source.name, " ".join(told), more)


def tables(facts: Facts) -> list[tuple[str, str, int]]:
    """(name, size, rows) of the tables that take room, the largest first; rows as PostgreSQL estimates them."""
    if facts.stored is None:
        return []
    return [(TABLES[one.name](), ages.size(one.bytes), one.rows) for one in facts.stored.growth.tables if one.rows]
