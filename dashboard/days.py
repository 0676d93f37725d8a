"""Which day a page was asked for."""

from datetime import date, timedelta

from django.utils.translation import gettext as _

# No smart meter is older; a clock that lies years off must not make a page.
OLDEST = date(2008, 1, 1)


class NoSuchDay(Exception):
    """The message is a sentence for a person."""


def has_pages(day: date, today: date) -> bool:
    """Tomorrow counts: a page may pass midnight before the server does."""
    return OLDEST <= day <= today + timedelta(days=1)


def requested(text: str, today: date) -> date:
    """YYYY-MM-DD; nothing means today. Raises NoSuchDay."""
    if not text:
        return today
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise NoSuchDay(_("“%(text)s” is no date. Write it as 2026-07-31.") % {"text": text[:20]}) from None
    if not has_pages(found, today):
        raise NoSuchDay(_("There is nothing on %(date)s: choose a day between 2008 and today.") % {"date": found.isoformat()})
    return found
