"""Questions over HTTP to a device on the home network, each with one deadline for all of it. No redirects, no proxies, no
cookies: http.client knows none of them."""

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from energysite.errors import DeviceConfigError, DeviceUnavailable
from energysite.phrases import Phrase
from energysite.phrases import phrase as _
from meters.host_port import host_and_port
from meters.transports.network import open_socket

MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class HttpDevice:
    """One device at http(s)://host[:port]; its connection is kept between two questions. `close` at the end.

    `self_signed`: on a private address the certificate is not looked at: devices make their own, and nobody vouches for a box on
    the wall. Raises DeviceConfigError for an address that is none.
    """

    def __init__(self, address: str, *, self_signed: bool = False) -> None:
        found = host_and_port(address)
        if found is None:
            raise DeviceConfigError(_("Write the address as %(scheme)s://host:port.") % {"scheme": "http"})
        self.host, port = found
        self._tls = address.startswith("https:")
        self._port = port or (443 if self._tls else 80)
        self._self_signed = self_signed
        self._client: http.client.HTTPConnection | None = None

    def ask(
        self, path: str, deadline: float, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Whatever status it answers with. Raises DeviceUnavailable, in words, where there is no whole answer by the deadline
        (time.monotonic()), or one of more than 256 kB."""
        reused = self._client is not None
        try:
            try:
                return self._answer(path, deadline, method, headers or {}, body)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not reused:
                    raise
                # It closed the connection between two questions, as it may.
                self.close()
                return self._answer(path, deadline, method, headers or {}, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise DeviceUnavailable(self._broken(error)) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _answer(self, path: str, deadline: float, method: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        if self._client is None:
            self._client = self._open(deadline)
        bounded: Any = self._client.sock
        bounded.deadline = deadline
        self._client.request(method, path, body=body, headers={"User-Agent": "energysite", **headers})
        with self._client.getresponse() as response:
            given = response.read(MOST_BYTES + 1)
            whole = response.isclosed()
        if len(given) > MOST_BYTES:
            raise DeviceUnavailable(_("%(host)s answers with more than %(kb)s kB. Check that this is its address.") % self._names(kb=256))
        answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, given)
        if response.will_close or not whole:
            self.close()
        return answer

    def _open(self, deadline: float) -> http.client.HTTPConnection:
        connection = open_socket(self.host, self._port, deadline)
        try:
            if self._tls:
                connection.settimeout(max(0.05, deadline - time.monotonic()))
                at = str(connection.getpeername()[0])
                connection = self._context(at).wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise
        client = http.client.HTTPConnection(self.host, self._port)
        client.sock = _Bounded(connection, deadline)
        return client

    def _context(self, at: str) -> ssl.SSLContext:
        if not self._self_signed or not ipaddress.ip_address(at.partition("%")[0]).is_private:
            return ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _names(self, **more: object) -> dict[str, object]:
        return {"host": self.host, **more}

    def _broken(self, error: Exception) -> Phrase:
        names = self._names(why=getattr(error, "strerror", None) or type(error).__name__)
        if isinstance(error, ssl.SSLCertVerificationError):
            return _("The certificate of %(host)s is not trusted. On the home network use http://%(host)s.") % names
        if isinstance(error, TimeoutError):
            return _("%(host)s takes too long to answer. Check its Wi-Fi, or ask it less often.") % names
        return _("%(host)s broke off its answer: %(why)s.") % names


class _Bounded:
    """The socket as http.client uses it, with one deadline for all reads and writes of an answer: time-outs of
    single reads do not bound a device that trickles bytes.

    As of a real socket, closing it leaves the files made of it open: http.client closes the connection before the answer of a
    device that says "Connection: close" has been read.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._readers = 0
        self._closed = False
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
        self._readers += 1
        return io.BufferedReader(_Reader(self))

    def reader_closed(self) -> None:
        self._readers -= 1
        if self._closed and self._readers <= 0:
            self._connection.close()

    def close(self) -> None:
        self._closed = True
        if self._readers <= 0:
            self._connection.close()


class _Reader(io.RawIOBase):
    def __init__(self, bounded: _Bounded) -> None:
        self._bounded = bounded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._bounded.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._bounded.reader_closed()
