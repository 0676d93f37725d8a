"""HTTP/1.1 as small devices speak it: one question after the other on a connection, answers with a length."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from energysite.demo.devices.device import CHUNK, GARBAGE, Device

MOST_HEADERS = 100
MOST_BODY = 65536
HUGE = 2**30
ELSEWHERE = "/elsewhere"
PAGE = b"<!DOCTYPE html><html><head><title>Router</title></head><body><h1>Please log in</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Question:
    """`path` without its query; names of headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    target: str = ""  # path and query as they were sent


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes
    status: int = 200
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(given: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(given).encode(), status)


def not_found() -> Reply:
    return Reply(b"<html><body>404 Not Found</body></html>", 404, "text/html")


class HttpDevice(Device):
    """`answer` is what a make of device knows of its questions; the modes that are the same for all makes are here."""

    def answer(self, question: Question) -> Reply:
        raise NotImplementedError

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (question := await _question(reader)) is not None:
            if self.mode.name == "garbage":
                await self.send(writer, GARBAGE)
                return
            if self.mode.name == "huge":
                await _endless(writer)
                return
            keep = question.headers.get("connection", "").lower() != "close"
            await self.send(writer, _bytes(self._reply(question), keep))
            if not keep:
                return

    def _reply(self, question: Question) -> Reply:
        if self.mode.name == "html":
            return Reply(PAGE, 200, "text/html")
        if self.mode.name == "redirect":
            return Reply(b"", 302, "text/html", {"Location": ELSEWHERE})
        if self.mode.name == "status":
            return Reply(PAGE, int(self.mode.number) or 500, "text/html")
        return self.answer(question)


async def _endless(writer: asyncio.StreamWriter) -> None:
    """A gigabyte, or as much of it as is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[")
    for _ in range(HUGE // CHUNK):
        writer.write(b"0," * (CHUNK // 2))
        await writer.drain()
        await asyncio.sleep(0)  # drain alone lets nobody else work while the other end reads fast
        if writer.is_closing():
            return


async def _question(reader: asyncio.StreamReader) -> Question | None:
    """The next question, or None where the other end closed, or speaks no HTTP."""
    first = (await reader.readline()).decode("latin1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    for _ in range(MOST_HEADERS):
        line = (await reader.readline()).decode("latin1").strip()
        if not line:
            break
        name, _colon, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MOST_BODY:
        return None
    body = await reader.readexactly(int(length))
    url = urlsplit(first[1])
    return Question(first[0].upper(), url.path, dict(parse_qsl(url.query, keep_blank_values=True)), headers, body, first[1])


def _bytes(reply: Reply, keep: bool) -> bytes:
    known = {status.value: status.phrase for status in HTTPStatus}
    lines = [
        f"HTTP/1.1 {reply.status} {known.get(reply.status, 'Unknown')}",
        f"Content-Type: {reply.kind}",
        f"Content-Length: {len(reply.body)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin1") + reply.body
