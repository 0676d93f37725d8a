"""Which names and addresses this site answers to: a page of somebody else must not reach it by a name that points here (DNS rebinding)."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host


def accepted(host: str, server: str | None) -> bool:
    """`host` is a Host header, `server` the address at which this connection came in: that one is ours by definition."""
    name, _port = split_domain_port(host)
    if not name:
        return False
    if validate_host(name, settings.SITE_HOSTS):
        return True
    asked, own = _address(name), _address(server or "")
    return asked is not None and asked == own


def same_origin(origin: str, host: str) -> bool:
    """True when a page of this very site, by the name it was opened with or PUBLIC_URL, has this Origin."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    return parts.netloc.lower() == host.lower() or (bool(settings.PUBLIC_URL) and origin.lower() == _origin(settings.PUBLIC_URL))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    # A socket that listens to both families shows IPv4 visitors as ::ffff:a.b.c.d.
    return getattr(address, "ipv4_mapped", None) or address
