"""ntfy: a topic at ntfy.sh or at a server of one's own. As JSON, since headers cannot hold every letter. Pure.

Format: https://docs.ntfy.sh/publish/#publish-as-json
"""

import json
from datetime import datetime

from energysite.notify.message import Message, Request, base_and_path

HIGH, DEFAULT, LOW = 5, 3, 2
TAGS = {"raised": "warning", "recovered": "white_check_mark", "test": "bell"}


def server_and_topic(address: str) -> tuple[str, str, str]:
    """https://ntfy.sh/home -> ("https://ntfy.sh", "/", "home"); a server may lie in a folder. Raises ValueError."""
    base, path = base_and_path(address)
    folder, _slash, topic = path.rstrip("/").rpartition("/")
    if not topic or "?" in path:
        raise ValueError(address)
    return base, f"{folder}/", topic


def request(address: str, secret: str, message: Message, _now: datetime) -> Request:
    """`secret`: an access token, or empty."""
    base, path, topic = server_and_topic(address)
    priority = HIGH if message.urgent and message.event == "raised" else LOW if message.event == "recovered" else DEFAULT
    told = {
        "topic": topic,
        "title": message.title,
        "message": message.body,
        "priority": priority,
        "tags": [TAGS.get(message.event, "bell")],
    }
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    return Request(base, path, headers, json.dumps(told).encode())
