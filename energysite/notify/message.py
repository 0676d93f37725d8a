"""A message, and the request that carries it. Pure.

The network belongs to the meters' transports, which know where this site may not connect: they make themselves known by `post_through`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Message:
    """`event`: raised, recovered or test. `data`: the same for programs: code, parameters, times (ISO, UTC)."""

    event: str
    title: str
    body: str
    urgent: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A POST to http(s)://host[:port] + path; `host` for sentences."""

    base: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def host(self) -> str:
        return urlsplit(self.base).hostname or self.base


class Post(Protocol):
    def __call__(self, request: Request, deadline: float) -> tuple[int, bytes]:
        """The status and the body of the answer, by `deadline` (time.monotonic()). Raises DeviceUnavailable or DeviceConfigError."""


_posters: list[Post] = []


def post_through(post: Post) -> None:
    _posters[:] = [post]


def poster() -> Post:
    return _posters[0]


def base_and_path(address: str) -> tuple[str, str]:
    """https://host:8080/a/b?c -> ("https://host:8080", "/a/b?c"). Raises ValueError for what is no such address."""
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        raise ValueError(address)
    url = urlsplit(address)
    _port = url.port  # raises for one that is no number
    if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc or url.fragment:
        raise ValueError(address)
    query = f"?{url.query}" if url.query else ""
    return f"{url.scheme}://{url.netloc}", f"{url.path or '/'}{query}"
