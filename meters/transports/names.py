"""Where a name leads, by a deadline: the system's own look-up knows none, and takes half a minute while no name server answers."""

import socket
import threading
import time
from typing import Any

Answers = list[tuple[Any, ...]]  # as socket.getaddrinfo gives them


class _LookUp:
    """Under way in a thread of its own, which all wait for who ask the same: a name server that is gone costs one thread a name."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.answers: Answers = []
        self.error: OSError | UnicodeError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self.answers = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self.error = error
        with _guard:
            _under_way.pop((self._host, self._port), None)
        self.done.set()


_under_way: dict[tuple[str, int], _LookUp] = {}
_guard = threading.Lock()


def addresses_of(host: str, port: int, deadline: float) -> Answers:
    """`deadline`: time.monotonic(). Raises TimeoutError; socket.gaierror or UnicodeError for a name that is none."""
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except socket.gaierror:
        pass  # a name: somebody has to be asked
    with _guard:
        found = _under_way.get((host, port))
        if found is None:
            found = _under_way[host, port] = _LookUp(host, port)
            threading.Thread(target=found.run, name=f"look up {host}", daemon=True).start()
    if not found.done.wait(max(0.0, deadline - time.monotonic())):
        raise TimeoutError(f"{host} was not looked up in time")
    if found.error is not None:
        raise found.error
    return found.answers
