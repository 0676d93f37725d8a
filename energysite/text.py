"""Text that came from a device: made harmless before anybody sees or stores it. Escaping is left to the templates."""

import unicodedata

LONGEST = 200


def plain(text: str, limit: int = LONGEST) -> str:
    """One line without control and formatting characters, at most `limit` long."""
    return _printable(" ".join(text.split()))[:limit]


def excerpt(raw: bytes, limit: int) -> str:
    """The first `limit` characters of a telegram with its line ends; other control characters are left out, non-ASCII bytes show as ·."""
    lines = raw[: 2 * limit].decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "·").splitlines()
    return "\n".join(_printable(line) for line in lines)[:limit]


def _printable(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character)[0] != "C")
