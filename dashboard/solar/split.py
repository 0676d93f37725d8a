"""Where the sun went and where the house's energy came from, in a period: figures and words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from dashboard import ages, figures
from dashboard.energy import balances
from dashboard.energy.asked import Asked
from dashboard.energy.charts import KWH
from dashboard.energy.numbers import has_backlog
from dashboard.energy.slots import Slot, slots
from energysite.models import House
from energysite.timegrid import QUARTER_S
from meters.balance import Balance
from meters.models import Source
from meters.totals.balance import HouseTotal

# Of a period that runs the newest quarters may still be on their way into their blocks.
SETTLING = 2


@dataclass(frozen=True, slots=True)
class Part:
    """Wh of something that adds up with others; None where it is not known. `share`: its percentage, "" where there is none."""

    key: str
    label: str
    wh: int | None
    share: str = ""
    x: float = 0.0
    width: float = 0.0

    @property
    def text(self) -> str:
        return KWH.of(self.wh)


@dataclass(frozen=True, slots=True)
class Whole:
    """A sum and its parts, which stand beside each other in a bar of 100 (`x`, `width`)."""

    key: str
    label: str
    wh: int | None
    parts: list[Part]

    @property
    def text(self) -> str:
        return KWH.text(self.wh)

    @property
    def drawn(self) -> bool:
        return bool(self.wh) and all(part.wh is not None for part in self.parts)


def _whole(key: str, label: str, wh: int | None, parts: Sequence[tuple[str, str, int | None]]) -> Whole:
    """Parts of which there is nothing are left out, but for the first; so is a share of nothing."""
    found, at = [], 0.0
    for i, (name, said, value) in enumerate(parts):
        if value == 0 and i:
            continue
        width = 100 * value / wh if wh and value is not None else 0.0
        share = f"{figures.decimals(width, 0)} %" if wh and value is not None else ""
        found.append(Part(name, said, value, share, round(at, 3), round(width, 3)))
        at += width
    return Whole(key, label, wh, found)


def made(found: Balance) -> Whole:
    direct = found.direct
    parts = [
        ("solar", _("Used at once"), direct),
        ("battery", _("Into the battery"), None if direct is None else found.kept - direct),
        ("export", _("Injected"), found.solar - found.kept),
    ]
    return _whole("solar", _("Made by the sun"), found.solar, parts)


def used(found: Balance) -> Whole:
    parts = [
        ("solar", _("From the sun"), found.direct),
        ("battery", _("From the battery"), balances.from_battery(found)),
        ("import", _("From the grid"), found.from_grid),
    ]
    return _whole("house", _("Used by the house"), found.use, parts)


@dataclass(frozen=True, slots=True)
class Split:
    """What the card shows. `own` and `totals` go together, a slot each."""

    asked: Asked
    own: list[Slot]
    total: HouseTotal
    totals: list[HouseTotal]
    now: datetime
    unread: bool
    backlog: bool = False

    @property
    def balance(self) -> Balance | None:
        return None if self.unread else self.total.balance

    @property
    def wholes(self) -> list[Whole]:
        return [] if self.balance is None else [made(self.balance), used(self.balance)]

    @property
    def shares(self) -> list[tuple[str, str, str]]:
        """(key, label, percentage or a dash)."""
        if self.balance is None:
            return []
        return [
            ("self_consumption", _("Self-consumption"), _percent(self.balance.self_consumption)),
            ("self_sufficiency", _("Self-sufficiency"), _percent(self.balance.self_sufficiency)),
        ]


def _percent(share: float | None) -> str:
    return figures.ABSENT if share is None else f"{figures.decimals(100 * share, 0)} %"


def of(house: House, sources: Sequence[Source], asked: Asked, now: datetime) -> Split | None:
    """None where nothing ever made anything, or no meter says where it went."""
    if {Source.Kind.ELECTRICITY, Source.Kind.PRODUCTION} - {source.kind for source in sources}:
        return None
    own = slots(asked, ZoneInfo(house.zone))
    total, each = balances.totals(balances.whose(house, sources), asked, own, now)
    lacks = total.known < total.quarters or not total.quarters
    return Split(asked, own, total, each, now, house.unread_battery, lacks and has_backlog(sources, now))


def sentence(split: Split) -> str:
    """What the figures come to, or why there are none."""
    if split.unread:
        return _("There is a battery that is not read, so it is not known what the house uses, nor how much of the sun it kept.")
    found = split.balance
    if split.backlog:
        return _("The past is still being worked through: what is known of this period by now stands here.")
    if found is None:
        return _("Not known of this period.") if not split.total.quarters else _("Not known: %(why)s.") % {"why": why(split.total)}
    if found.use is None:
        return _("More went out than came in: something makes power that is not read. What the house used is not known.")
    if found.self_consumption is None:
        return _("The sun has made nothing yet.") if split.asked.is_current else _("The sun made nothing in this period.")
    words = {"kept": _percent(found.self_consumption), "covered": _percent(found.self_sufficiency)}
    return _("%(kept)s of what the sun made stayed in the house; %(covered)s of what it used did not come from the grid.") % words


def why(total: HouseTotal) -> str:
    """What lacks, the longest first."""
    words: dict[str, Callable[[str], str]] = {
        "grid": lambda length: _("%(length)s without the meter") % {"length": length},
        "solar": lambda length: _("%(length)s without the inverter") % {"length": length},
        "battery": lambda length: _("%(length)s without the battery") % {"length": length},
        "unread": lambda length: _("%(length)s in which nothing that makes power was read") % {"length": length},
    }
    lacking = sorted(total.lacking.items(), key=lambda one: -one[1])
    return ", ".join(words[key](ages.length(number * QUARTER_S)) for key, number in lacking)


def note(split: Split) -> str:
    """From when and to when it counts, where that is not all of the period that has passed."""
    parts = []
    if split.asked.is_current and split.total.quarters:
        parts.append(_("Counted by quarters of an hour."))
    lacking = split.total.quarters - split.total.known
    if split.balance is not None and lacking > (SETTLING if split.asked.is_current else 0) and not split.backlog:
        parts.append(_("Left out: %(why)s.") % {"why": why(split.total)})
    return " ".join(parts)
