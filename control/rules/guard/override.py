"""A person's override (rule 7): it has an end, wins at once, and is never fought. Pure."""

from __future__ import annotations

from control.rules.facts import Said
from control.rules.sight import Sight


def asked(sight: Sight) -> tuple[float, Said] | None:
    """Level and sentence of the override that runs."""
    override = sight.override
    if override is None:
        return None
    code = "override_on" if override.level > 0 else "override_off"
    if override.button:
        code = "button_on" if override.level > 0 else "button_off"
    elif override.blind and override.level > 0:
        code = "override_blind"
    return override.level, Said(code, {"by": override.by, "until_at": round(override.until)})
