"""Why a reading cannot be taken, in a sentence for the person who gave it."""

from django.utils.translation import gettext as _

from energysite.counters import Rule
from meters import amounts
from meters.counting.suspects import Held


def sentence(held: Held) -> str:
    if held.rule is Rule.TIME:
        return _("This time cannot be true: it lies before 2008 or more than a day ahead.")
    figures = held.parameters
    register = str(figures.get("register", ""))
    words = {name: amounts.shown(register, figures.get(name)) for name in ("value", "before")}
    if held.rule is Rule.DROP:
        return _("It shows %(value)s, but %(before)s stands beside it: a counter does not go back. Check value and time.") % words
    if held.rule is Rule.RISE:
        return _("It shows %(value)s, and %(before)s stands beside it: nothing counts that fast. Check value and time.") % words
    if held.rule is Rule.CONFLICT:
        return _("There is another value at this time: %(before)s. Remove that one first.") % words
    return _("It lies between an old counter and a new one: nothing says what it adds.")
