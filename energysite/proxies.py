"""What a reverse proxy says of its visitor, believed from TRUSTED_PROXIES only; for pages and sockets alike."""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
Networks = Sequence[IPv4Network | IPv6Network]

FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-real-ip")


def networks(texts: Sequence[str]) -> Networks:
    """Addresses and networks such as 127.0.0.1 or 172.16.0.0/12. Raises ValueError, which names the wrong one."""
    return [ip_network(text, strict=False) for text in texts]


def visited(scope: Scope, trusted: Networks) -> Scope:
    """The scope as the visitor's own request would have been; from others than trusted proxies these headers are removed."""
    headers: list[tuple[bytes, bytes]] = [(name, value) for name, value in scope["headers"] if name not in FORWARDED]
    client = scope.get("client")
    if client and _within(client[0], trusted):
        said = {name: value.decode("latin1") for name, value in scope["headers"] if name in FORWARDED}
        hops = [hop.strip() for hop in said.get(b"x-forwarded-for", "").split(",") if hop.strip()]
        # From the right: what a trusted proxy added last is true, what the visitor wrote to its left may not be.
        visitor = next((hop for hop in reversed(hops) if not _within(hop, trusted)), None)
        if visitor and _is_address(visitor):
            client = (visitor, 0)
        if host := said.get(b"x-forwarded-host", "").split(",")[-1].strip():
            headers = [pair for pair in headers if pair[0] != b"host"] + [(b"host", host.encode("latin1"))]
        if proto := said.get(b"x-forwarded-proto", "").split(",")[-1].strip():
            headers.append((b"x-forwarded-proto", proto.encode("latin1")))
    # daphne takes a prefix of all paths from any visitor's Daphne-Root-Path; this site lives at the root.
    return {**scope, "headers": headers, "client": client, "root_path": ""}


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _within(text: str, trusted: Networks) -> bool:
    if not _is_address(text):
        return False
    address = ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in trusted)


def behind_proxies(app: App, trusted: Networks) -> App:
    async def application(scope: Scope, receive: Any, send: Any) -> None:
        await app(visited(scope, trusted) if "headers" in scope else scope, receive, send)

    return application
