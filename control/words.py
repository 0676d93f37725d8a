"""From a stored code and its parameters to one sentence, in the language of whoever reads it.

Parameters are numbers and names; the end of a name says what it is and how it is written: `_w` watts, `_wh` and `kwh` energy, `_s` a
duration, `_at` a time of day (epoch), `_eur` money. The clock is Django's current zone, the house's in every request.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop
from django.utils.translation import ngettext

from energysite.text import plain

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400

SENTENCES: dict[str, str] = {
    # Strategy.
    "surplus_above": noop("On: the surplus of %(surplus_w)s has been above %(above_w)s for %(for_s)s."),
    "surplus_stays": noop("On: the surplus of %(surplus_w)s, with the load's own power, is above %(above_w)s."),
    "surplus_below": noop("Off: the surplus of %(surplus_w)s has been below %(below_w)s for %(for_s)s."),
    "surplus_short": noop("Off: a surplus of %(surplus_w)s is too little; it takes %(need_w)s."),
    "surplus_unknown": noop("Off: the surplus is not known."),
    "battery_unread": noop("Off: the battery is not read, so that what it gives would look like sun."),
    "averaging": noop("Off: the surplus is not known for %(average_s)s yet."),
    "change_waits": noop("The surplus is %(surplus_w)s; the next change is in %(wait_s)s."),
    "given_away": noop("On: %(given_wh)s more than the load needs were given away; the surplus is %(surplus_w)s."),
    "collecting": noop("Waiting: %(given_wh)s of %(start_wh)s of surplus so far; it is %(surplus_w)s now."),
    "surplus_carries": noop("On: the surplus of %(surplus_w)s covers the %(need_w)s that the sun has to give."),
    "borrowing": noop("On: a surplus of %(surplus_w)s; %(borrowed_wh)s of at most %(most_wh)s borrowed from the grid."),
    "borrowed": noop(
        "Off: the surplus of %(surplus_w)s has been below %(below_w)s for %(for_s)s; %(borrowed_wh)s were borrowed from the grid."
    ),
    "borrowed_at_times": noop(
        "Off: %(borrowed_wh)s were borrowed from the grid under clouds; the surplus is %(surplus_w)s, the load needs %(need_w)s."
    ),
    "window_open": noop("On: its hours last until %(until_at)s."),
    "window_closed": noop("Off: its hours begin at %(from_at)s."),
    "window_never": noop("Off: it has no hours."),
    "signal_above": noop("On: the signal of %(value)s is above %(limit)s."),
    "signal_below": noop("On: the signal of %(value)s is below %(limit)s."),
    "signal_not_above": noop("Off: the signal of %(value)s is not above %(limit)s."),
    "signal_not_below": noop("Off: the signal of %(value)s is not below %(limit)s."),
    "signal_old": noop("Off: the signal was last read %(age_s)s ago."),
    "signal_missing": noop("Off: the signal is not read."),
    "plan_none": noop("Off: the plan has no departure."),
    "plan_done": noop("Off: the %(kwh)s of %(by_at)s are in."),
    "plan_waits": noop("Off: %(need_kwh)s to go by %(by_at)s; it starts at %(start_at)s at the latest."),
    "plan_sun": noop("On: with the sun; %(need_kwh)s of %(kwh)s to go by %(by_at)s."),
    "plan_must": noop("On: %(need_kwh)s of %(kwh)s to go by %(by_at)s."),
    "plan_short": noop("On, but only %(got)s of %(kwh)s by %(by_at)s without raising the month peak."),
    "plan_late": noop("On, but only %(got)s of %(kwh)s by %(by_at)s: there is no time for more."),
    "plan_raises": noop("On: %(need_kwh)s to go by %(by_at)s; it raises the month peak to %(to_w)s."),
    "plan_raises_eur": noop("On: %(need_kwh)s to go by %(by_at)s; it raises the month peak to %(to_w)s, for %(cost_eur)s a month."),
    "took_nothing": noop("Off: it took nothing when it was on: full, warm or unplugged. It is tried again in %(wait_s)s."),
    "switches_used": noop("Off: %(switches)s of %(most)s switches of today are used."),
    # Mode.
    "mode_on": noop("On: set to on."),
    "mode_off": noop("Off: set to off."),
    # Override.
    "override_on": noop("On: by %(by)s until %(until_at)s."),
    "override_off": noop("Off: by %(by)s until %(until_at)s."),
    "override_blind": noop("On: by %(by)s until %(until_at)s, without a meter: the guard is blind."),
    "button_on": noop("On: somebody pressed its button; until %(until_at)s."),
    "button_off": noop("Off: somebody pressed its button; until %(until_at)s."),
    # Times.
    "min_off": noop("Waiting %(wait_s)s (minimum off %(min_s)s)."),
    "min_on": noop("On for %(wait_s)s more (minimum on %(min_s)s)."),
    "starting": noop("Waiting %(wait_s)s after a start."),
    # Month peak.
    "peak_shed": noop("Off until %(until_at)s: this quarter would raise the month peak above %(limit_w)s."),
    "peak_no_room": noop("Off: this quarter has no room for %(load_w)s below the month peak of %(limit_w)s; again at %(until_at)s."),
    # Freshness.
    "stale": noop("Off for safety: nothing fresh from the meter for %(since_s)s (%(why)s)."),
    "stale_never": noop("Off for safety: nothing fresh from the meter yet (%(why)s)."),
    "no_meter": noop("Off: this house has no meter, and nobody allowed it to run without one."),
    "peak_guarded": noop("The month peak is guarded: below %(limit_w)s."),
    "peak_counted": noop("The month peak is guarded: below %(limit_w)s. The meter tells no quarter; it is computed from its counters."),
    "peak_blind": noop("The month peak is not guarded: nothing fresh from the meter."),
    # Fuse and device.
    "fuse": noop("Off for %(wait_s)s: %(amps)s A of the main fuse's %(fuse_a)s A were in use."),
    "fuse_no_room": noop("Off: with it %(amps)s A of the main fuse's %(fuse_a)s A would be in use."),
    "over_rating": noop("Off: the load of %(load_w)s is more than its output's %(rated_w)s."),
    "overload": noop("Locked: the load took more than the output's %(rated_w)s. Look at it, then release it."),
    "stuck": noop("Locked: it is off and still draws power, its contact may be stuck. Look at it, then release it."),
    "locked": noop("Locked: %(why)s. Look at it, then release it."),
    "locked_starts": noop("Locked for 10 minutes: three starts in ten minutes."),
    "paused": noop("Paused: somebody switched it at the device three times in ten minutes. Set its mode, or release it, to go on."),
    "holder_silent": noop("Off: the program that holds the outputs tells nothing."),
    "holder_silent_for": noop("Off: the program that holds the outputs has told nothing for %(since_s)s."),
    "unreachable": noop("Unreachable for %(since_s)s, last known %(level)s: check it."),
    # How the fuse is guarded.
    "fuse_not_set": noop("The main fuse is not set: it is not guarded."),
    "fuse_untold": noop("The meter does not tell the currents: the main fuse of %(fuse_a)s A is not guarded."),
    "fuse_estimated": noop("Main fuse: %(amps)s A of %(fuse_a)s A, estimated: the meter does not show L2."),
    "fuse_guarded": noop("Main fuse: %(amps)s A of %(fuse_a)s A."),
    # Alarms.
    "peak_ahead": noop("A new month peak of %(expected_w)s is ahead at %(until_at)s (now %(limit_w)s): no load of ours can prevent it."),
    "not_heated": noop("%(name)s was not heated to its end for %(days)s days."),
}

# Values of `why`: of a meter that is not fresh, and of a device that is locked.
WHYS: dict[str, str] = {
    "never": noop("no telegram yet"),
    "silent": noop("it is silent"),
    "old": noop("its telegrams are old"),
    "repeated": noop("it repeats itself"),
    "frozen": noop("its values stand still"),
    "clock": noop("its clock jumped"),
    "counters": noop("its counters and its power disagree"),
    "no_power": noop("it tells no power"),
    "over_temperature": noop("overheated"),
    "overpower": noop("more power than it can bear"),
    "stuck": noop("its contact may be stuck"),
}


def sentence(code: str, params: Mapping[str, Any]) -> str:
    """A code of another version is shown as it is."""
    text = SENTENCES.get(code)
    if text is None:
        return plain(code)
    try:
        return _(text) % {name: told(name, value) for name, value in params.items()}
    except (KeyError, TypeError, ValueError):
        return plain(code)


def told(name: str, value: Any) -> str:
    """One parameter, as its name says it is written."""
    if name == "why":
        return _(WHYS[value]) if value in WHYS else plain(str(value))
    if name == "level":
        return _("on") if value > 0 else _("off")
    if isinstance(value, str):
        return plain(value)
    if name.endswith("_at"):
        return clock(value)
    for ending, write in (("_wh", energy), ("kwh", lambda kwh: energy(kwh * 1000)), ("_w", watts), ("_s", duration), ("_eur", euros)):
        if name.endswith(ending):
            return write(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return number_format(value, use_l10n=True, force_grouping=True)


def watts(value: float) -> str:
    """1,200 W; from 10 kW on in kW."""
    if abs(value) >= 10_000:
        return signed(f"{number_format(value / 1000, 1, force_grouping=True)} kW")
    return signed(f"{number_format(round(value), 0, force_grouping=True)} W")


def signed(number: str) -> str:
    """With a real minus, as on all pages."""
    return number.replace("-", "−", 1)


def energy(wh: float) -> str:
    """220 Wh; from 1 kWh on in kWh, whole ones without a decimal."""
    if abs(wh) < 1000:
        return f"{number_format(round(wh), 0)} Wh"
    kwh = round(wh / 1000, 1)
    return f"{number_format(kwh, 0 if kwh == int(kwh) else 1, force_grouping=True)} kWh"


def euros(value: float) -> str:
    return _("%(amount)s euro") % {"amount": number_format(value, 2, force_grouping=True)}


def duration(seconds: float) -> str:
    """5 minutes: rounded to what matters."""
    whole = max(0, round(seconds))
    if whole < 2 * MINUTE_S:
        return ngettext("%(n)s second", "%(n)s seconds", whole) % {"n": whole}
    if whole < 2 * HOUR_S:
        n = round(whole / MINUTE_S)
        return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n}
    if whole < 2 * DAY_S:
        n = round(whole / HOUR_S)
        return ngettext("%(n)s hour", "%(n)s hours", n) % {"n": n}
    n = round(whole / DAY_S)
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}


def clock(epoch: float) -> str:
    """Of the house's clock; with the day of the week when it is not today's."""
    there = timezone.localtime(datetime.fromtimestamp(epoch, UTC))
    if there.date() == timezone.localdate():
        return f"{there:%H:%M}"
    return f"{date_format(there, 'D')} {there:%H:%M}"
