"""What the page's script says. It is rendered by the server, so the browser needs no catalogue of its own."""

from functools import cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _


def for_script() -> dict[str, str]:
    """Texts by name; words in braces are filled in by the script."""
    return _in(get_language())


@cache
def _in(_language: str | None) -> dict[str, str]:
    """Each page needs them several times, and they change with the language only."""
    return {
        "connecting": _("connecting"),
        "live": _("live, {age} ago"),
        "last_telegram": _("Last telegram {age} ago"),
        "no_telegram": _("No telegram yet"),
        "at": _("at {time}"),
        "silent": _("silent since {time}"),
        "lost": _("no link since {time}"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "hours": _("{n} h"),
        "meter_silent": _("{meter}: silent since {time}. History is complete to {time}. Check the cable."),
        "meter_silent_loads": _("{meter}: silent since {time}. Loads are off for safety. History is complete to {time}. Check the cable."),
        "meter_silent_link": _("What to check"),
        "link_lost": _("This page lost the house; numbers from {time}; trying again."),
        "link_lost_empty": _("This page cannot reach the house; trying again."),
        "slow": _("Live updates are away. Numbers refresh every 10 s."),
        "importing": _("Importing"),
        "injecting": _("Injecting"),
        "balanced": _("In balance"),
        "unknown": _("No reading yet"),
        **_of_the_sun(),
        "time_left": _("{time} left"),
        "can_add": _("You can add {kw} kW until {time}"),
        "can_add_much": _("You can add more than {kw} kW until {time}"),
        "take_off": _("Take off {kw} kW until {time} to stay at {limit} kW"),
        "month_peak": _("month peak {kw} kW"),
        "month_peak_floor": _("month peak {kw} kW; {floor} kW is charged anyway"),
        "no_peak": _("No peak yet; {floor} kW is charged anyway"),
        "import": _("Import"),
        "export": _("Injection"),
        "now": _("now"),
        "no_readings": _("no readings {start} to {end}"),
        "summer_time": _("{time} summer time"),
        "winter_time": _("{time} winter time"),
        "import_highest": _("Import highest at {time}, {kw} kW."),
        "export_highest": _("Injection highest at {time}, {kw} kW."),
        "import_none": _("Nothing imported."),
        "gaps": _("Readings are missing: {spans}."),
        "span": _("{start} to {end}"),
        "day_empty": _("No readings on this day."),
        "day_waiting": _("The first readings of this day are on their way."),
        "day_failed": _("The graph could not be loaded; the numbers above are right. Reload the page to try again."),
        "bars_failed": _("The chart could not be loaded; numbers and table are right. Reload the page to try again."),
        "together": _("together"),
        "bar_before": _("{name} before {value}"),
        "point_import": _("{time}: importing {kw} kW"),
        "point_export": _("{time}: injecting {kw} kW"),
        "point_none": _("{time}: no reading"),
        "ago": _("{age} ago"),
        "battery_gives": _("gives {kw} kW"),
        "battery_takes": _("is charged with {kw} kW"),
        "battery_rests": _("at rest"),
    }


def _of_the_sun() -> dict[str, str]:
    """What the house's balance says; `use_` and a code of solar.moment.Unknown."""
    return {
        "use_waiting": _("Use is known again with the next reading of the inverter."),
        "use_no_meter": _("There is no meter in use; use cannot be computed."),
        "use_meter_silent": _("{device} is silent since {time}; use cannot be computed."),
        "use_meter_silent_never": _("{device} has told nothing yet; use cannot be computed."),
        "use_meter_untold": _("{device} does not tell its power; use cannot be computed."),
        "use_solar_silent": _("Solar unknown since {time}; use cannot be computed."),
        "use_solar_silent_never": _("{device} has not answered yet; use cannot be computed."),
        "use_solar_untold": _("{device} does not tell its power now; use cannot be computed."),
        "use_solar_off": _("{device} is switched off in its settings; use cannot be computed."),
        "use_battery_silent": _("{device} tells nothing of its battery since {time}; use cannot be computed."),
        "use_battery_silent_never": _("{device} tells nothing of its battery; use cannot be computed."),
        "use_battery_unread": _("There is a battery that is not read; use cannot be computed."),
        "use_solar_unread": _("Something here makes power and is not read; use cannot be computed."),
        "use_disagree": _("Meter and inverter contradict each other; use cannot be computed."),
        "solar_asleep_until": _("Solar is asleep until about {time}."),
        "solar_asleep": _("Solar is asleep."),
        "used_here": _("{share} used here"),
        "self_sufficient": _("{share} self-sufficient"),
    }


def say(name: str, **words: object) -> str:
    """One of them with its words filled in, for the first HTML."""
    return for_script()[name].format(**words)
