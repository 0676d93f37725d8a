"""Messages over the network, for who has something to tell: by the same rules as every device is reached by (no redirects, no proxies,
one look-up, never this site's own ports or a link-local address). The certificate of the other side is always looked at."""

from contextlib import closing

from energysite.notify.message import Request


def post(request: Request, deadline: float) -> tuple[int, bytes]:
    """Status and body of the answer, by `deadline` (time.monotonic()). Raises DeviceUnavailable or DeviceConfigError."""
    from meters.transports.http import HttpDevice  # http.client and TLS, only where something is sent

    with closing(HttpDevice(request.base)) as device:
        answer = device.ask(request.path, deadline, method="POST", headers=request.headers, body=request.body)
    return answer.status, answer.body
