"""Where the site is found: the listening socket, the addresses to open, and whether a page answers. Django-free."""

import errno
import ipaddress
import socket

from energysite import env
from energysite.children import StartError


def bind_address() -> str:
    """BIND from the environment: an address, not a name, so that nobody has to guess what a name means today."""
    raw = env.text("BIND", "127.0.0.1")
    if raw == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(raw.strip("[]")))
    except ValueError:
        raise env.EnvError(f"BIND={raw!r} is no address. Use 127.0.0.1 (this machine only) or 0.0.0.0 (your network).") from None


def listen(bind: str, port: int) -> socket.socket:
    """The site's listening socket. It outlives the web process, so that visitors wait during a restart and are not refused.

    Raises StartError in words when the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((bind, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise StartError(_refused(bind, port, error)) from error
    return listening


def _refused(bind: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = min(port + 1, 65535)
        return f"Port {port} on {bind} is in use by another program. Stop that one, or choose another port: PORT={other} make run"
    if error.errno == errno.EACCES:
        return f"Port {port} may only be used by root. Choose a port of 1024 or more: PORT=8000 make run"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"BIND={bind} is no address of this machine. Use 127.0.0.1 (this machine only) or 0.0.0.0 (your network)."
    return f"Port {port} on {bind} cannot be used: {error.strerror}."


def local_url(bind: str, port: int) -> str:
    """What to open on this machine."""
    anywhere = bind in ("0.0.0.0", "::")  # noqa: S104
    host = "127.0.0.1" if anywhere else bind
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def network_urls(bind: str, port: int) -> list[str]:
    """What to open on the other machines of the house; empty when only this machine is listened to."""
    if ipaddress.ip_address(bind).is_loopback:
        return []
    if bind not in ("0.0.0.0", "::"):  # noqa: S104
        return [local_url(bind, port)]
    urls = [f"http://{socket.gethostname().partition('.')[0]}.local:{port}"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks the routing table for our own address
            urls.insert(0, f"http://{probe.getsockname()[0]}:{port}")
        except OSError:
            pass  # no route to anywhere: the name alone has to do
    return urls


def answers(bind: str, port: int, path: str, timeout_s: float = 3) -> int:
    """The HTTP status of a page, or 0 when there is no answer in time."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                words = answer.read().split(None, 2)
    except OSError:
        return 0
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
