"""The site as daphne serves it: pages over HTTP, live values and agents over websockets."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energysite.settings")

import django

django.setup(set_prefix=False)

# Only now: these need the apps to be loaded.
from asgiref.sync import sync_to_async  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.http.response import HttpResponseBase  # noqa: E402

from dashboard.routing import websocket_urlpatterns  # noqa: E402
from energysite.proxies import behind_proxies, networks  # noqa: E402


class Pages(ASGIHandler):
    """All middleware and views are synchronous: a page is made in one thread, in one go.

    Django's own chain for ASGI goes back to the event loop between them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


application = behind_proxies(
    ProtocolTypeRouter({"http": Pages(), "websocket": URLRouter(websocket_urlpatterns)}),
    networks(settings.TRUSTED_PROXIES),
)
