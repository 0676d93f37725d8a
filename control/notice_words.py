"""What the rules of control raise, in the words of the decision log; the notifier asks for them (`energysite.notify.words`)."""

from collections.abc import Mapping
from typing import Any


def said(code: str, params: Mapping[str, Any]) -> str | None:
    """With the load's name before it, unless the sentence has it; None for a code that is not ours."""
    from control import words  # only who tells of something needs them

    if code not in words.SENTENCES:
        return None
    sentence, name = words.sentence(code, params), str(params.get("name") or "")
    return sentence if not name or "%(name)s" in words.SENTENCES[code] else f"{words.told('name', name)}: {sentence}"
