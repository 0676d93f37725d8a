"""The texts that the sources mark for translation, extracted as makemessages does, but without the gettext programs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.extract import DEFAULT_KEYWORDS, extract
from django.utils.translation.template import templatize

from tests.source import PACKAGES, ROOT

KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}

Key = tuple[str | None, str]


@dataclass
class Text:
    """`plural` is empty where the text has one form; `files` are those that say it."""

    plural: str = ""
    files: set[str] = field(default_factory=set)


@cache
def texts() -> dict[Key, Text]:
    """(context or None, English text) -> Text, for the whole project."""
    found: dict[Key, Text] = {}
    for path in _sources():
        code = path.read_text()
        for key, plural in _extracted(_as_python(code) if path.suffix == ".html" else code):
            text = found.setdefault(key, Text())
            text.plural = text.plural or plural
            text.files.add(str(path.relative_to(ROOT)))
    return found


def _sources() -> Iterator[Path]:
    for folder in (*PACKAGES, "templates"):
        yield from (
            path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".py", ".html") and "migrations" not in path.parts
        )


def _as_python(template: str) -> str:
    """Django turns a template into calls of gettext among crosses; indentation, which only Python minds, is taken away."""
    return "\n".join(line.strip() for line in templatize(template).splitlines())


def _extracted(code: str) -> Iterator[tuple[Key, str]]:
    for _line, message, _comments, context in extract("python", BytesIO(code.encode()), KEYWORDS):
        singular, plural = message if isinstance(message, tuple) else (message, "")
        yield (context, singular), plural
