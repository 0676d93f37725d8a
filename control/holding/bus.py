"""The holder's side of Valkey: one pipeline a look. It never raises: without an answer there is nothing new."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from control import keys
from control.holding.holder import Told
from control.holding.resp import Away, Command, Reply, Valkey
from energysite.live_names import HEARTBEATS, PROCESSES

TIMEOUT_S = 0.4
PAUSE_S = 2.0  # one that hangs costs its time-out at each try
STATE_S = 5.0
PROCESS = "hold_outputs"


class ValkeyBus:
    def __init__(self, url: str) -> None:
        self._valkey = Valkey(url, TIMEOUT_S)
        self._pause_until = self._told_at = float("-inf")
        self._began = time.time()

    def exchange(self, rows: Mapping[str, dict[str, Any] | None]) -> Told | None:
        now = time.monotonic()
        if now < self._pause_until:
            return None
        commands = [*self._writing(rows, now), ["GET", keys.OUTPUTS], ["HGETALL", keys.LEASES], ["HGETALL", keys.FRESH]]
        try:
            outputs, leases, fresh = self._valkey.ask(commands)[-3:]
            return Told(None if outputs is None else _bytes(outputs), _hash(leases), _hash(fresh))
        except Away:
            self._told_at = float("-inf")
            if time.monotonic() - now >= TIMEOUT_S:
                self._pause_until = time.monotonic() + PAUSE_S
            return None

    def _writing(self, rows: Mapping[str, dict[str, Any] | None], now: float) -> list[Command]:
        commands: list[Command] = []
        kept = [part for name, row in rows.items() if row is not None for part in (name, _json(row))]
        if kept:
            commands.append(["HSET", keys.HELD, *kept])
        gone = [name for name, row in rows.items() if row is None]
        if gone:
            commands.append(["HDEL", keys.HELD, *gone])
        if now - self._told_at >= STATE_S:
            self._told_at = now
            unsafe = sum(1 for row in rows.values() if row is not None and row["unsafe_s"])
            state = {"outputs": len(rows) - len(gone), "unsafe": unsafe, "began": self._began, "at": time.time()}
            commands += [["HSET", PROCESSES, PROCESS, _json(state)], ["HSET", HEARTBEATS, PROCESS, repr(time.time())]]
        return commands

    def close(self) -> None:
        self._valkey.close()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _bytes(reply: Reply) -> bytes:
    if not isinstance(reply, bytes):
        raise Away(f"{reply!r} is no text")
    return reply


def _hash(reply: Reply) -> dict[str, bytes]:
    """Names that are no text are nobody's."""
    if not isinstance(reply, list):
        raise Away(f"{reply!r} is no hash")
    return {_bytes(name).decode(errors="replace"): _bytes(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}
