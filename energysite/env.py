"""Typed readers for environment variables; every error names the variable and says what it takes."""

import os
from collections.abc import Sequence
from pathlib import Path


class EnvError(Exception):
    """A variable holds something that cannot be used. The message is for the person who set it."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int, *, low: int, high: int) -> int:
    raw = text(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise EnvError(f"{name}={raw!r} is not a whole number between {low} and {high}.") from None
    if not low <= value <= high:
        raise EnvError(f"{name}={value} is not between {low} and {high}.")
    return value


def flag(name: str, default: bool = False) -> bool:
    raw = text(name).lower()
    if not raw:
        return default
    if raw in ("1", "true", "yes", "on"):
        return True
    if raw in ("0", "false", "no", "off"):
        return False
    raise EnvError(f"{name}={raw!r} is neither yes nor no: use 1 or 0.")


def choice(name: str, choices: Sequence[str], default: str) -> str:
    raw = text(name, default)
    if raw not in choices:
        raise EnvError(f"{name}={raw!r} is not one of: {', '.join(choices)}.")
    return raw


def words(name: str) -> list[str]:
    """Items separated by commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def path(name: str, default: Path) -> Path:
    """An absolute path; a relative one counts from the current folder."""
    return Path(text(name, str(default))).expanduser().absolute()


def url(name: str, schemes: Sequence[str]) -> str:
    """A URL with one of these schemes, or an empty string."""
    raw = text(name)
    if raw and raw.partition("://")[0] not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise EnvError(f"{name} must start with {wanted}.")
    return raw
