"""Readings set aside, in words: what they show, which rule they broke, what is asked. Rendered when shown, never stored."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from energysite.text import plain
from meters import amounts, moments
from meters.models import RejectEpisode

Rule, Decision = RejectEpisode.Rule, RejectEpisode.Decision

# With %(before)s: the last accepted value of the register.
REASONS: dict[str, Callable[[], str]] = {
    Rule.DROP: lambda: _("They show %(value)s, before %(before)s: lower than before."),
    Rule.RISE: lambda: _("They show %(value)s, before %(before)s: a faster rise than the connection allows."),
    Rule.CONFLICT: lambda: _("They show %(value)s at a time that has %(before)s already."),
    Rule.SEAM: lambda: _("They show %(value)s and lie between two counters, so nothing says what they add."),
}
QUESTIONS: dict[str, Callable[[], str]] = {
    Rule.DROP: lambda: _("Was the meter replaced, or did its counter begin anew?"),
    Rule.RISE: lambda: _("Was that much really counted, or did the counter begin anew?"),
}


def count(episode: RejectEpisode) -> str:
    """63 readings, 14:02 to 14:13."""
    same_day = timezone.localdate(episode.first) == timezone.localdate(episode.last)
    last = moments.clock(episode.last) if same_day else _when(episode.last)
    words = {"count": episode.count, "first": _when(episode.first), "last": last}
    if episode.count == 1 or episode.first == episode.last:
        return ngettext("%(count)s reading at %(first)s.", "%(count)s readings at %(first)s.", episode.count) % words
    return ngettext("%(count)s reading, %(first)s to %(last)s.", "%(count)s readings, %(first)s to %(last)s.", episode.count) % words


def reason(episode: RejectEpisode) -> str:
    """One sentence of what the first of them showed."""
    figures = episode.parameters
    if episode.rule == Rule.TIME:
        at = moments.stamp(datetime.fromtimestamp(figures["time"], UTC)) if "time" in figures else _when(episode.first)
        return _("They carry a time that cannot be true: %(time)s.") % {"time": at}
    if episode.rule == Rule.SERIAL:
        return _("They come from another device than the one of that time.")
    register = str(figures.get("register", ""))
    value = amounts.shown(register, figures.get("value"))
    if register and len(amounts.registers(episode.source)) > 1:
        value = f"{value} ({amounts.register_words(register)})"
    return REASONS[episode.rule]() % {"value": value, "before": amounts.shown(register, figures.get("before"))}


def question(episode: RejectEpisode) -> str:
    """What a person is asked; empty where nothing is."""
    asked = episode.asks and episode.decision == Decision.OPEN
    return QUESTIONS[episode.rule]() if asked and episode.rule in QUESTIONS else ""


def facts(episode: RejectEpisode) -> list[tuple[str, str]]:
    """The figures of the rule, for a table."""
    figures = episode.parameters
    register = str(figures.get("register", ""))
    rows = [(_("Rule"), str(episode.get_rule_display())), (_("Readings"), str(episode.count))]
    if register:
        rows.append((_("Register"), amounts.register_words(register)))
        rows.append((_("Shown by the first"), amounts.shown(register, figures.get("value"))))
        beside = episode.first - timedelta(seconds=int(figures.get("seconds", 0)))
        rows.append((_("Accepted beside it"), f"{amounts.shown(register, figures.get('before'))}, {_when(beside)}"))
    rows += [(_("First"), moments.stamp(episode.first)), (_("Last"), moments.stamp(episode.last))]
    return rows


def decision(episode: RejectEpisode) -> str:
    """Open, or what was decided, by whom and when."""
    words = str(episode.get_decision_display())
    if episode.decided is None:
        return words
    who = plain(episode.decided_by) or _("the site")
    return _("%(decision)s by %(who)s, %(time)s") % {"decision": words, "who": who, "time": _when(episode.decided)}


def sentence(episode: RejectEpisode) -> str:
    return " ".join(part for part in (count(episode), reason(episode), question(episode)) if part)


def _when(at: datetime) -> str:
    """The time alone of today."""
    return moments.clock(at) if timezone.localdate(at) == timezone.localdate() else moments.stamp(at)
