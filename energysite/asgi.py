"""The site as daphne serves it: pages over HTTP, live values and agents over websockets."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energysite.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

# Only now: these need the apps to be loaded.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from dashboard.routing import websocket_urlpatterns  # noqa: E402
from energysite.proxies import behind_proxies, networks  # noqa: E402

application = behind_proxies(
    ProtocolTypeRouter({"http": pages, "websocket": URLRouter(websocket_urlpatterns)}),
    networks(settings.TRUSTED_PROXIES),
)
