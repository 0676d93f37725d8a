"""Webhook: a JSON object, signed with HMAC-SHA256 over "timestamp.body", so that nobody can invent or repeat one. Pure.

The other side computes the same over what it got, compares in constant time, and refuses a timestamp older than some minutes.
"""

import hashlib
import hmac
import json
from datetime import datetime

from energysite.notify.message import Message, Request, base_and_path

TIMESTAMP, SIGNATURE = "X-Energysite-Timestamp", "X-Energysite-Signature"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hex()


def request(address: str, secret: str, message: Message, now: datetime) -> Request:
    base, path = base_and_path(address)
    told = {"event": message.event, "title": message.title, "text": message.body, "urgent": message.urgent, **message.data}
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(now.timestamp()))
    headers = {"Content-Type": "application/json", TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
    return Request(base, path, headers, body)
