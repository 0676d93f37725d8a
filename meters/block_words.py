"""Why a block could not be computed: from the stored code and its parameters to a sentence.

Codes: out_of_range (a value does not fit its column), database (sqlstate, said: what PostgreSQL answered).
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from energysite.text import plain

REASONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "out_of_range": lambda reason: _("More energy than a block can hold. Is one of its readings wrong? Look at the readings set aside."),
    "database": lambda reason: (
        _("The database could not compute it: %(said)s (%(sqlstate)s)")
        % {"said": reason.get("said", ""), "sqlstate": reason.get("sqlstate", "")}
    ),
}


def words(reason: Mapping[str, Any] | None) -> str:
    """Empty without a reason; a code of a newer version is shown as it is."""
    if not reason:
        return ""
    code = str(reason.get("code", ""))
    return plain(REASONS[code](reason) if code in REASONS else code)
