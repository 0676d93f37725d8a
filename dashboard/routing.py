"""The websockets' addresses."""

from django.urls import path, re_path

from dashboard.consumers import AgentConsumer, LiveConsumer, NowhereConsumer

websocket_urlpatterns = [
    path("ws/live/", LiveConsumer.as_asgi()),
    path("ws/agents/<str:name>/", AgentConsumer.as_asgi()),
    re_path(r"^.*$", NowhereConsumer.as_asgi()),
]
