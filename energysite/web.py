"""The web process: daphne, with a limit to what a visitor may send.

It spools a whole body to disk before a page can ask who sends it: without a limit any stranger could fill the disk,
and a full disk stops the readings. And it takes a streamed answer as fast as it is made: whoever reads it slowly, or not at all,
would have a whole export kept in memory.
"""

import asyncio

from daphne import http_protocol
from daphne.cli import CommandLineInterface
from daphne.server import Server

LARGEST_BODY = 2_621_440  # bytes; what Django takes of a form
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedRequest(http_protocol.WebRequest):
    _received = 0
    _refused = False
    _flowing: asyncio.Event | None = None

    def gotLength(self, length: int | None) -> None:
        """Of the body as the headers tell it, before any of it has come; None: in chunks."""
        super().gotLength(length)
        if length is not None and length > LARGEST_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > LARGEST_BODY:
            self._refuse()
        elif not self._refused:
            super().handleContentChunk(data)

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            self.channel.transport.write(TOO_LARGE)
            self.channel.loseConnection()

    def process(self) -> object:
        return None if self._refused else super().process()

    async def drained(self) -> None:
        """Until what was written has left, but for what the connection's own buffer holds."""
        if self.finished or self.channel is None:
            return
        if self._flowing is None:
            self._flowing = asyncio.Event()
            self._flowing.set()
            self.registerProducer(self, streaming=True)
        await self._flowing.wait()

    def pauseProducing(self) -> None:
        if self._flowing is not None:
            self._flowing.clear()

    def resumeProducing(self) -> None:
        if self._flowing is not None:
            self._flowing.set()

    stopProducing = resumeProducing  # nobody waits for a connection that is gone

    def finish(self) -> None:
        if self.producer is not None:
            self.unregisterProducer()
        super().finish()

    def connectionLost(self, reason: object) -> None:
        self.resumeProducing()
        super().connectionLost(reason)


class PacedServer(Server):
    async def handle_reply(self, protocol: object, message: dict[str, object]) -> None:
        await super().handle_reply(protocol, message)
        if isinstance(protocol, BoundedRequest) and message.get("more_body"):
            await protocol.drained()


class Web(CommandLineInterface):
    server_class = PacedServer


def main() -> None:
    http_protocol.WebRequest = BoundedRequest  # daphne has no setting for it
    Web.entrypoint()


if __name__ == "__main__":
    main()
