"""Host and port of a device's address. Pure."""

import re
from urllib.parse import urlsplit

# A host name, an IPv4 address or an IPv6 address without its brackets.
HOST = re.compile(r"[\w.:%-]+", re.ASCII)
SCHEMES = ("socket", "http", "https")


def host_and_port(address: str) -> tuple[str, int | None] | None:
    """Of socket://host:port or http(s)://host[:port], or None for what is written otherwise."""
    try:
        url = urlsplit(address)
        host, port = url.hostname, url.port
    except ValueError:
        return None
    plain = not (url.username or url.password or url.query or url.fragment) and url.path in ("", "/")
    if url.scheme not in SCHEMES or not host or not HOST.fullmatch(host) or not plain or port == 0:
        return None
    return host, port
