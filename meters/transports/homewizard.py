"""A HomeWizard P1: its local API answers /api/v1/telegram with the last telegram, and is asked again each period."""

import http.client
import io
import socket
import ssl
import time
from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters import addresses
from meters.transports.network import open_socket

PATH = "/api/v1/telegram"
LONGEST_S = 5.0
MOST_BYTES = 256 * 1024


class HomeWizard:
    """Asks once a period over one connection. No redirects, no proxies, no cookies: http.client knows none of them."""

    def __init__(self, address: str, period_s: float = 1) -> None:
        found = addresses.host_and_port(address)
        if found is None:
            raise DeviceConfigError(_("Write the address as %(scheme)s://host:port.") % {"scheme": "http"})
        self._host, port = found
        self._tls = address.startswith("https:")
        self._port = port or (443 if self._tls else 80)
        self._period_s = max(1.0, period_s)
        # The answer to one question is there, or given up, before the next is due.
        self._limit_s = min(LONGEST_S, 0.9 * self._period_s)
        self._client: http.client.HTTPConnection | None = None
        self._first = self._ask()
        self._next = time.monotonic() + self._period_s

    def read(self, deadline: float) -> bytes:
        """As of every transport; an answer under way at the deadline is waited for, less than a period."""
        if self._first:
            first, self._first = self._first, b""
            return first
        wait_s = min(self._next, deadline) - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        if time.monotonic() < self._next:
            return b""
        self._next = max(self._next + self._period_s, time.monotonic())
        return self._ask()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _ask(self) -> bytes:
        deadline = time.monotonic() + self._limit_s
        reused = self._client is not None
        try:
            try:
                return self._answer(deadline)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not reused:
                    raise
                # It closed the connection between two questions, as it may.
                self.close()
                return self._answer(deadline)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise DeviceUnavailable(self._broken(error)) from error
        except BaseException:
            self.close()
            raise

    def _answer(self, deadline: float) -> bytes:
        if self._client is None:
            self._client = self._open(deadline)
        bounded: Any = self._client.sock
        bounded.deadline = deadline
        self._client.request("GET", PATH, headers={"Accept": "text/plain", "User-Agent": "energysite"})
        response = self._client.getresponse()
        if response.status != 200:
            raise self._refused(response.status)
        body = response.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise DeviceUnavailable(
                _("%(host)s answers with more than a telegram can be. Check that it is a HomeWizard P1.") % {"host": self._host}
            )
        if response.will_close or not response.isclosed():
            self.close()
        return body if body.endswith(b"\n") or not body else body + b"\r\n"

    def _open(self, deadline: float) -> http.client.HTTPConnection:
        connection = open_socket(self._host, self._port, deadline)
        try:
            if self._tls:
                connection.settimeout(max(0.05, deadline - time.monotonic()))
                connection = ssl.create_default_context().wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise
        client = http.client.HTTPConnection(self._host, self._port)
        client.sock = _Bounded(connection, deadline)
        return client

    def _refused(self, status: int) -> DeviceUnavailable | DeviceConfigError:
        names = {"host": self._host, "status": status}
        if status == 403:
            return DeviceUnavailable(
                _("%(host)s keeps its local API closed. Switch it on in the HomeWizard app: Settings, Meters, the P1, Local API.") % names
            )
        if status == 404:
            return DeviceConfigError(_("%(host)s has no P1 telegram. Check that this is the address of a HomeWizard P1.") % names)
        return DeviceUnavailable(_("%(host)s answers HTTP %(status)s instead of a telegram. Check that it is a HomeWizard P1.") % names)

    def _broken(self, error: Exception) -> str:
        names = {"host": self._host, "why": getattr(error, "strerror", None) or type(error).__name__}
        if isinstance(error, ssl.SSLCertVerificationError):
            return _("The certificate of %(host)s is not trusted. On the home network use http://%(host)s.") % names
        if isinstance(error, TimeoutError):
            return _("%(host)s takes too long to answer. Check its Wi-Fi, or ask it less often.") % names
        return _("%(host)s broke off its answer: %(why)s.") % names


class _Bounded:
    """The socket as http.client uses it, with one deadline for all reads and writes of an answer: time-outs of
    single reads do not bound a device that trickles bytes."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self.deadline = deadline

    def _arm(self) -> socket.socket:
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer took too long")
        self._connection.settimeout(left_s)
        return self._connection

    def sendall(self, data: Any) -> None:
        self._arm().sendall(data)

    def recv_into(self, buffer: Any) -> int:
        return self._arm().recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        self._connection.close()


class _Reader(io.RawIOBase):
    def __init__(self, bounded: _Bounded) -> None:
        self._bounded = bounded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._bounded.recv_into(buffer)
