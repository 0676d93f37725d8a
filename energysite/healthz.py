"""`/healthz`: can this process serve its pages? It asks the database and Valkey; devices and history are on /health/."""

import threading
import time

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from energysite import live
from energysite.database import DatabaseAway, asked
from energysite.permissions import public

FRESH_S = 2.0
_lock = threading.Lock()
_last = (float("-inf"), False)


@public
def healthz(request: HttpRequest) -> JsonResponse:
    """{"ok", "mode"}, 200 or 503; strangers learn no more. However often it is asked, it looks once in two seconds."""
    global _last
    with _lock:
        at, ok = _last
        if time.monotonic() - at > FRESH_S:
            ok = _database_answers() and _valkey_answers()
            _last = (time.monotonic(), ok)
    return JsonResponse({"ok": ok, "mode": settings.MODE}, status=200 if ok else 503, headers={"Cache-Control": "no-store"})


def forget() -> None:
    """The next request looks again."""
    global _last
    _last = (float("-inf"), False)


def _database_answers() -> bool:
    try:
        with asked(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseAway:
        return False
    return True


def _valkey_answers() -> bool:
    try:
        return bool(live.client().ping())
    except redis.RedisError:
        return False
