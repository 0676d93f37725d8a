"""The two websockets. They guard, forward and count; what they say comes from functions that know no socket."""

import asyncio
import json
import logging
import time
from typing import Any

import redis
from asgiref.sync import sync_to_async
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import translation

from energysite import agents, live, sockets
from energysite.database import DatabaseAway, known_away
from energysite.permissions import STRANGER, Actor, allows

logger = logging.getLogger(__name__)

seats = sockets.Seats()


class GuardedConsumer(AsyncWebsocketConsumer):
    """Opens for who may, closes when that ends. Subclasses say what happens in `opened` and `command`."""

    permission = "pages.view"
    recheck_s = 60.0
    who: sockets.Visitor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seat = ""
        self._over = False
        self._pace = sockets.Pace()
        self._rechecks: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        except redis.RedisError as error:
            # Without the bus there is nothing to send: the page tries again.
            logger.info("websocket %s ended, Valkey is away: %s", scope["path"], error)
            await send({"type": "websocket.close", "code": sockets.RESTART})
        finally:
            self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without channels' visit to another thread for each message: nothing here holds a connection (see off_loop)."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        try:
            self.who = sockets.visitor(self.scope)
        except sockets.Refused as refusal:
            logger.warning("websocket %s refused: %s", self.scope["path"], refusal)
            await self.close()
            return
        actor, code = await self._admitted()
        # Closed after accepting: a browser learns the code of an open socket only.
        await self.accept()
        if actor is None:
            await self.end(code)
            return
        if not seats.take(self.who.seat(actor)):
            await self.end(sockets.TOO_MANY)
            return
        self._seat = self.who.seat(actor)
        self._rechecks = asyncio.create_task(self._recheck())
        await self.opened()

    async def _admitted(self) -> tuple[Actor | None, int]:
        try:
            actor = await off_loop(self.who.actor)
        except DatabaseAway:
            return None, sockets.DATABASE_AWAY
        if allows(actor, self.permission):
            return actor, 0
        return None, sockets.LOGIN if actor == STRANGER else sockets.FORBIDDEN

    async def _recheck(self) -> None:
        """Session, token and right may end while the socket is open. A database that is away ends nothing."""
        while not self._over:
            await asyncio.sleep(self.recheck_s)
            actor, code = await self._admitted()
            if actor is None and code != sockets.DATABASE_AWAY:
                await self.end(code)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._over:
            return
        frame = bytes_data if text_data is None else text_data.encode()
        if len(frame or b"") > sockets.LARGEST_FRAME:
            await self.end(sockets.TOO_BIG)
        elif not self._pace.allows():
            await self.end(sockets.TOO_FAST)
        else:
            await self.command((frame or b"").decode(errors="replace"))

    async def end(self, code: int) -> None:
        """Close with a code; whatever still comes in is not looked at."""
        if not self._over:
            self._over = True
            await self.close(code)

    async def disconnect(self, code: int) -> None:
        self._over = True

    def _leave(self) -> None:
        self._over = True
        if self._rechecks is not None:
            self._rechecks.cancel()
        if self._seat:
            seats.leave(self._seat)
            self._seat = ""

    async def send_message(self, message: dict[str, Any]) -> None:
        if not self._over:
            await self.send(json.dumps(message, separators=(",", ":"), ensure_ascii=False))

    async def opened(self) -> None:
        raise NotImplementedError

    async def command(self, text: str) -> None:
        raise NotImplementedError


class LiveConsumer(GuardedConsumer):
    """hello, the last frame of each source, then what changes."""

    async def opened(self) -> None:
        self._changes = live.Changes()
        # First the group, then the last frames: what comes in between is told once all the same.
        await self.channel_layer.group_add(live.LIVE_GROUP, self.channel_name)
        last = await sync_to_async(live.last_messages, thread_sensitive=False)()
        await self.send_message({"type": "hello", "now": time.time()})
        for message in last.values():
            await self.live_frame(message)

    async def command(self, text: str) -> None:
        """Nothing is asked here; a page may send a frame to see whether the line works."""

    async def live_frame(self, message: live.Message) -> None:
        try:
            told = self._changes.told(message)
        except live.FramesLost:  # the page opens the socket anew and fetches what is missing
            await self.end(sockets.RESTART)
            return
        if told is not None:
            await self.send_message(told)

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        await self.channel_layer.group_discard(live.LIVE_GROUP, self.channel_name)


class AgentConsumer(GuardedConsumer):
    """Questions and answers about one agent, and its state whenever that changes."""

    permission = "agents.view"

    async def opened(self) -> None:
        self._name = self.scope["url_route"]["kwargs"]["name"]
        self._group = agents.state_group(self._name)
        first = await self._answer('{"command": "get_states"}')
        if not first["ok"]:
            await self.send_message(first)
            await self.end(sockets.DATABASE_AWAY if known_away() else sockets.UNKNOWN)
            return
        await self.channel_layer.group_add(self._group, self.channel_name)
        await self.send_message({"type": "state", "name": self._name, "state": first["state"]})

    async def command(self, text: str) -> None:
        await self.send_message(await self._answer(text))

    async def _answer(self, text: str) -> dict[str, Any]:
        return await off_loop(_answer, self.who, self._name, text)

    async def agent_state(self, message: dict[str, Any]) -> None:
        await self.send_message({"type": "state", "name": self._name, "state": message["state"]})

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if hasattr(self, "_group"):
            await self.channel_layer.group_discard(self._group, self.channel_name)


class NowhereConsumer(AsyncWebsocketConsumer):
    """Any other path."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.close()


def off_loop(function: Any, *args: Any) -> Any:
    """A blocking function that may use the database, in a thread: one slow answer must not hold up the others."""
    return database_sync_to_async(function, thread_sensitive=False)(*args)


def _answer(who: sockets.Visitor, name: str, text: str) -> dict[str, Any]:
    with translation.override(sockets.language_of(who)):
        return agents.answer(who.actor, name, text)
