"""A mail server on loopback: what it was given is in `mails`. `refuses`: the command that it answers with an error, and the error."""

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage


class SmtpLookalike:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refuses: dict[str, str] = {}
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._talk(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _talk(self, peer: socketserver.StreamRequestHandler) -> None:
        def say(line: str) -> None:
            peer.wfile.write(f"{line}\r\n".encode())

        say("220 test")
        while line := peer.rfile.readline():
            words = line.decode().split()
            command = words[0].upper() if words else ""
            if command in self.refuses:
                say(self.refuses[command])
            elif command == "DATA":
                say("354 go on")
                self._take(peer)
                say("250 taken")
            elif command == "QUIT":
                say("221 bye")
                return
            else:
                if command == "RCPT":
                    self.recipients.append(line.decode().partition("<")[2].partition(">")[0])
                say("250 fine")

    def _take(self, peer: socketserver.StreamRequestHandler) -> None:
        lines = []
        while (line := peer.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        self.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "SmtpLookalike":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
