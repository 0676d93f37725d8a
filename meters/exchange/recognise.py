"""What a file is, by what stands in it; its name is never asked."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _

from meters.exchange import cells, fields, files, lines, times
from meters.exchange import header as headers
from meters.exchange.formats import fluvius, mongo, p1
from meters.exchange.trouble import BadRows, Unreadable, shown

READINGS, STORE, MONGO, P1, FLUVIUS = "readings", "store", "mongo", "p1", "fluvius"
HEAD = 1 << 18
_P1 = re.compile(rb"^(/[A-Za-z]{3}[0-9A-Za-z]|[0-9]-[0-9]:[0-9]+\.[0-9]+\.[0-9]+\()", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """One file. `names`: its columns; `media`: what it has readings of; `newest_first`: its rows go back in time."""

    format: str
    media: tuple[str, ...]
    names: tuple[str, ...] = ()
    header: headers.Header | None = None
    newest_first: bool = False
    greatest: dict[str, float] = field(default_factory=dict)
    fractions: frozenset[str] = frozenset()

    def unit(self, medium: str) -> str:
        """kWh (with kW, m3) or Wh (with W, litres), decided from the first rows.

        A power no house draws in kW was given in W; numbers with thousandths were given in kWh, whole ones in what is usual.
        """
        chosen = [one for one in fields.of(self.names, medium) if one.energy]
        if not chosen:
            return fields.WH
        counters = [one.column for one in chosen if one.counts]
        powers = [self.greatest.get(one.column, 0.0) for one in chosen if not one.counts]
        if max(powers, default=0.0) > 100:
            return fields.WH
        if medium != "solar":
            return fields.KWH
        fractional = any(column in self.fractions for column in counters)
        return fields.KWH if fractional and 0 < max(powers, default=0.0) <= 30 else fields.WH


def title(name: str) -> str:
    return {
        READINGS: _("readings as CSV"),
        STORE: _("CSV store"),
        MONGO: _("MongoDB collection (JSON)"),
        P1: _("P1 capture"),
        FLUVIUS: _("Fluvius quarter-hour volumes"),
    }[name]


def look(path: Path) -> Found:
    """Raises Unreadable with what was seen instead."""
    with files.opened(path) as reader:
        head = _head(reader)
    if not head.strip():
        raise Unreadable(_("The file is empty."))
    headers.refuse_utf16(head)
    if head.removeprefix(headers.UTF8_BOM).lstrip()[:1] in (b"{", b"["):
        return _json(head)
    if _P1.search(head):
        return _p1(head)
    first = headers.read(head)
    if first is not None and fluvius.columns(first.names) is not None:
        return Found(FLUVIUS, ("electricity", "gas", "water"), first.names, first)
    if first is not None and fields.time_column(first.names) and (media := fields.media(first.names)):
        return _table(head, first, media)
    raise Unreadable(
        _(
            "The file is none of those known: readings as CSV (a header with time and import_t1_wh, gas_l, production_w or value), a CSV"
            " store or MongoDB collection (device_time, elec_used_t1, ...), a P1 capture, quarter-hour volumes of Fluvius. It begins with:"
            " %(begin)s"
        )
        % {"begin": shown(headers.text(head[:200])) or "?"}
    )


def _head(reader: files.Counted) -> bytes:
    head = b""
    while len(head) < HEAD and (data := reader.read(HEAD - len(head))):
        head += data
    return head


def _json(head: bytes) -> Found:
    names = tuple(sorted(mongo.names(head)))
    media = fields.media(names)
    if not media or fields.time_column(names) is None:
        raise Unreadable(
            _("The JSON objects have no readings that are known (device_time, elec_used_t1, ...); they have: %(names)s.")
            % {"names": shown(", ".join(names))}
        )
    greatest, fractions = dict[str, float](), set[str]()
    quiet = BadRows()
    given = (flat for _number, flat in mongo.documents(mongo._Rest(head, mongo._Nothing()), quiet))
    for flat in given:
        for name, value in flat.items():
            number = cells.number(value) if value is not None else None
            if number is not None and number == number:
                greatest[name] = max(greatest.get(name, 0.0), abs(number))
                if number % 1:
                    fractions.add(name)
    return Found(MONGO, tuple(media), names, greatest=greatest, fractions=frozenset(fractions))


def _p1(head: bytes) -> Found:
    media = p1.media(head)
    if not media:
        raise Unreadable(_("The file looks like the bytes of a P1 port and holds no whole, valid telegram among its first ones."))
    return Found(P1, tuple(media))


def _table(head: bytes, first: headers.Header, media: list[str]) -> Found:
    theirs = fields.table(first.names) is fields.THEIRS
    if len(head) <= first.length or not head[first.length :].strip():
        raise Unreadable(_("The file has a header and no rows."))
    wanted = [name for name in dict.fromkeys(first.names) if name and name != fields.time_column(first.names)]
    known = [name for name in wanted if any(one.column == name for table in fields.table(first.names).values() for one in table)]
    time = fields.time_column(first.names)
    assert time is not None
    quiet = BadRows()
    whole = head[first.length :].rpartition(b"\n")[0] if len(head) >= HEAD else head[first.length :]
    block = lines.Lines(whole + b"\n", first.line + 1, 0)
    sample = cells.read(block, first, time, known, quiet)
    found = times.parse(sample.times)
    steps = np.diff(found.seconds[found.ok])
    greatest = {name: float(np.nanmax(np.abs(column))) for name, column in sample.numbers.items() if not np.isnan(column).all()}
    fractions = {name for name, column in sample.numbers.items() if bool((np.nan_to_num(column) % 1).any())}
    newest_first = bool(len(steps)) and int((steps < 0).sum()) > int((steps > 0).sum())
    return Found(STORE if theirs else READINGS, tuple(media), first.names, first, newest_first, greatest, frozenset(fractions))
