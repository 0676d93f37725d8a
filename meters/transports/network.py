"""A P1 port on the network: raw TCP, as ser2net and many P1 readers offer it."""

import ipaddress
import select
import socket
import time
from urllib.parse import urlsplit

from energysite import env
from energysite.errors import DeviceConfigError, DeviceUnavailable
from energysite.phrases import Phrase
from energysite.phrases import phrase as _
from meters.host_port import host_and_port
from meters.transports import names

CONNECT_S = 5.0
CHUNK = 65536
# A peer that vanished without a word is noticed after 10 + 3 x 5 s.
KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


class NetworkPort:
    def __init__(self, address: str) -> None:
        found = host_and_port(address)
        if found is None or found[1] is None:
            raise DeviceConfigError(_("A network port needs its number: socket://host:port."))
        self._name = f"{found[0]}:{found[1]}"
        self._socket = open_socket(found[0], found[1], time.monotonic() + CONNECT_S)
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket.fileno(), select.POLLIN)

    def read(self, deadline: float) -> bytes:
        wait_s = max(0.0, deadline - time.monotonic())
        if not self._poll.poll(wait_s * 1000):
            return b""
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceUnavailable(
                _("The connection to %(name)s broke: %(why)s.") % {"name": self._name, "why": error.strerror}
            ) from error
        if not data:
            raise DeviceUnavailable(
                _("%(name)s closed the connection. It may serve one program at a time: close the other one.") % {"name": self._name}
            )
        return data

    def close(self) -> None:
        self._socket.close()


def open_socket(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to an address of `host` that devices may have. Raises DeviceUnavailable or DeviceConfigError.

    The name is resolved once and the connection goes to an address that was looked at: an answer that changes
    between the look and the use leads nowhere.
    """
    failure: OSError | None = None
    for family, address in _resolve(host, port, deadline):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.05, deadline - time.monotonic()))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = failure or error
            continue
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        return connection
    raise DeviceUnavailable(_failed(host, port, failure)) from failure


def _resolve(host: str, port: int, deadline: float) -> list[tuple[int, tuple[str, int]]]:
    try:
        answers = names.addresses_of(host, port, deadline)
    except TimeoutError as error:
        raise DeviceUnavailable(
            _("Nobody on this network says in time where %(host)s is. Use the device's address instead of its name.") % {"host": host}
        ) from error
    except (socket.gaierror, UnicodeError) as error:
        raise DeviceUnavailable(
            _("The name %(host)s is not known on this network. Check how it is written, or use the device's address.") % {"host": host}
        ) from error
    allowed = [
        (int(family), (str(address[0]), int(address[1])))
        for family, _type, _proto, _canon, address in answers
        if is_allowed(str(address[0]), port)
    ]
    if not allowed:
        raise DeviceConfigError(_("%(host)s, port %(port)s is an address that no meter can have.") % {"host": host, "port": port})
    return allowed


def is_allowed(address: str, port: int) -> bool:
    """False for link-local (cloud metadata lives there), multicast and unspecified addresses, and for this site's own ports."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or port in _service_ports():
        return False
    return port != env.integer("PORT", 8000, low=1, high=65535) or not _is_here(ip)


def _service_ports() -> set[int]:
    """Of the database and of Valkey where they are reached over the network: no meter answers there, at whatever address."""
    urls = [(urlsplit(env.text(name)), usual) for name, usual in (("DATABASE_URL", 5432), ("REDIS_URL", 6379))]
    return {url.port or usual for url, usual in urls if url.hostname}


def _is_here(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """True for every address of this machine, not only loopback: nobody else's can be bound."""
    try:
        with socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _failed(host: str, port: int, error: OSError | None) -> Phrase:
    names = {"host": host, "port": port}
    if isinstance(error, ConnectionRefusedError):
        return _("%(host)s is there, but nothing listens on its port %(port)s. Check the port number and that its program runs.") % names
    if isinstance(error, TimeoutError):
        return _("%(host)s does not answer on port %(port)s. Check that it is switched on and on this network.") % names
    return _("%(host)s, port %(port)s cannot be reached: %(why)s.") % {**names, "why": getattr(error, "strerror", None) or _("no address")}
