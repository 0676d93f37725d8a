"""Hosts, headers, proxies, the house's zone and language for each request."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class TrustedProxyMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


SecurityHeadersMiddleware = HouseMiddleware = TrustedProxyMiddleware


def page_context(request: HttpRequest) -> dict[str, Any]:
    return {"mode": settings.MODE}
