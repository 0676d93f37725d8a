"""What guards every websocket: who may open one, how many, how fast. Nothing here needs a socket."""

import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import parse_cookie

from energysite import hosts, house, tokens
from energysite.actors import actor_of_session, anonymous
from energysite.database import asked
from energysite.permissions import Actor

# Close codes (autobahn lets an application send 4000-4999 only). After RESTART, TOO_FAST, TOO_MANY and DATABASE_AWAY a page
# tries again; frames were lost before RESTART: fetch what is missing. The others stay until something else has changed.
TOO_BIG, RESTART, LOGIN, FORBIDDEN, UNKNOWN, TOO_FAST, TOO_MANY, DATABASE_AWAY = 4009, 4012, 4401, 4403, 4404, 4408, 4429, 4503

LARGEST_FRAME = 4096  # bytes, incoming
FRAMES_A_SECOND = 10
SOCKETS_A_USER = 20


class Refused(Exception):
    """This connection may not be opened; the message is for the log."""


@dataclass(frozen=True)
class Visitor:
    """How a connection identifies itself: a token, else a session (empty: a stranger)."""

    address: str
    token: str
    session_key: str
    language: str

    def actor(self) -> Actor:
        """Whom it is now. Blocking; raises DatabaseAway where only the database could tell."""
        if not self.token:
            return actor_of_session(self.session_key)
        with asked():
            return tokens.actor_of_token(self.token)

    def seat(self, actor: Actor) -> str:
        """What sockets are counted by: all demo visitors share one name, so those count by address, whatever cookie they bring."""
        return f"{actor.name} {self.address}" if actor == anonymous() else actor.name


def visitor(scope: dict[str, Any]) -> Visitor:
    """Checks host and origin as they are now. Raises Refused.

    A browser always sends an Origin, and it must be this very site's. Without one it is a program, which needs a token
    in the Authorization header: a cookie alone is not enough.
    """
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    host, origin = headers.get(b"host", ""), headers.get(b"origin")
    if not hosts.accepted(host, (scope.get("server") or [None])[0]):
        raise Refused(f"unknown host {host!r}")
    scheme, _space, token = headers.get(b"authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    if origin is None and not token:
        raise Refused("neither an Origin nor a token")
    if origin is not None and not hosts.same_origin(origin, host):
        raise Refused(f"foreign origin {origin!r}")
    cookies = parse_cookie(headers.get(b"cookie", ""))
    chosen = cookies.get(settings.LANGUAGE_COOKIE_NAME, "")
    return Visitor(
        address=(scope.get("client") or ["?"])[0],
        token=token,
        session_key=cookies.get(settings.SESSION_COOKIE_NAME, ""),
        language=chosen if chosen in dict(settings.LANGUAGES) else "",
    )


def language_of(who: Visitor) -> str:
    return who.language or house.current().language


class Seats:
    """How many sockets each user has open in this process (there is one web process)."""

    def __init__(self, most: int = SOCKETS_A_USER) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()

    def take(self, name: str) -> bool:
        if self._taken[name] >= self.most:
            return False
        self._taken[name] += 1
        return True

    def leave(self, name: str) -> None:
        self._taken[name] -= 1
        if self._taken[name] <= 0:
            del self._taken[name]


class Pace:
    """At most so many frames in any second."""

    def __init__(self, most: int = FRAMES_A_SECOND, times: Iterable[float] = ()) -> None:
        self._times: deque[float] = deque(times, maxlen=most)

    def allows(self, now: float | None = None) -> bool:
        """`now` is monotonic, in seconds. A refused frame does not count."""
        now = time.monotonic() if now is None else now
        if len(self._times) == self._times.maxlen and now - self._times[0] < 1:
            return False
        self._times.append(now)
        return True
