"""The web process: daphne, with a limit to what a visitor may send.

It spools a whole body to disk before a page can ask who sends it: without a limit any stranger could fill the disk,
and a full disk stops the readings.
"""

from daphne import http_protocol
from daphne.cli import CommandLineInterface

LARGEST_BODY = 2_621_440  # bytes; what Django takes of a form
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedRequest(http_protocol.WebRequest):
    _received = 0
    _refused = False

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


def main() -> None:
    http_protocol.WebRequest = BoundedRequest  # daphne has no setting for it
    CommandLineInterface.entrypoint()


if __name__ == "__main__":
    main()
