"""Sentences that a process without Django says too: in English there, in the reader's language where Django shows them.

`from energysite.phrases import phrase as _` makes `_("%(host)s is away.") % {"host": host}` a Phrase: nothing is looked up before it is
shown. It travels as JSON from hold_outputs to the pages.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Phrase:
    """`msgid`: the English text with %(names)s; `params` fill it in, other phrases among them."""

    msgid: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __mod__(self, params: Mapping[str, Any]) -> Phrase:
        return Phrase(self.msgid, {**self.params, **params})

    def __hash__(self) -> int:
        return hash(self.msgid)

    def __str__(self) -> str:
        text = _translated(self.msgid)
        return text % self.params if self.params else text

    def to_json(self) -> dict[str, Any]:
        """{"text", "params"}: numbers and phrases stay what they are, everything else is text."""
        return {"text": self.msgid, "params": {name: _plain(value) for name, value in self.params.items()}}


def phrase(msgid: str) -> Phrase:
    return Phrase(msgid)


def of_json(told: Mapping[str, Any]) -> Phrase:
    """Of what `to_json` made. Raises LookupError or TypeError for anything else."""
    params = {str(name): of_json(value) if isinstance(value, Mapping) else value for name, value in told["params"].items()}
    return Phrase(str(told["text"]), params)


def of_error(error: BaseException) -> Phrase:
    """What an error says: its own phrase, or its text as it is."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Phrase) else Phrase("%(text)s", {"text": str(error) or type(error).__name__})


def _plain(value: Any) -> Any:
    if isinstance(value, Phrase):
        return value.to_json()
    return value if isinstance(value, (int, float)) else str(value)


def _translated(msgid: str) -> str:
    """Django is asked where this process runs it, and never brought in by this."""
    registry, translation = sys.modules.get("django.apps"), sys.modules.get("django.utils.translation")
    if not msgid or registry is None or translation is None or not registry.apps.ready:
        return msgid
    return str(translation.gettext(msgid))
