"""Any device that answers over HTTP: what each path answers is given by the test, and so are its faults."""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Reply = tuple[int, bytes]


def as_json(given: Any, status: int = 200) -> Reply:
    return status, json.dumps(given).encode()


class HttpLookalike:
    """`replies`: by path without its query, a reply or a function of the request's body. `trickle_s`: pause between two bytes.
    `certificate`: a file with its own and the key, for https."""

    def __init__(self, replies: Mapping[str, Reply | Callable[[bytes], Reply]] | None = None, certificate: Path | None = None) -> None:
        self.replies = dict(replies or {})
        self.headers: dict[str, str] = {}
        self.trickle_s: float | None = None
        self.endless = False
        self.asked: list[tuple[str, str, bytes]] = []
        self.asked_with: list[dict[str, str]] = []  # the headers of each
        self._stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._answer(self, b"")

            def do_POST(self) -> None:
                outer._answer(self, self.rfile.read(int(self.headers.get("Content-Length", "0"))))

            def do_PUT(self) -> None:
                self.do_POST()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.address = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.asked_with.append(dict(handler.headers))
        self.asked.append((handler.command, handler.path, body))
        reply = self.replies.get(handler.path.partition("?")[0], (404, b""))
        status, given = reply(body) if callable(reply) else reply
        handler.send_response(status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if self.endless:
            handler.close_connection = True
        else:
            handler.send_header("Content-Length", str(len(given)))
        handler.end_headers()
        try:
            self._write(handler, given)
        except OSError:
            handler.close_connection = True

    def _write(self, handler: BaseHTTPRequestHandler, given: bytes) -> None:
        if self.trickle_s is not None:
            for byte in given:
                if self._stopping.wait(self.trickle_s):
                    return
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
        elif self.endless:
            while not self._stopping.is_set():
                handler.wfile.write(given or b" " * 65536)
        else:
            handler.wfile.write(given)

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "HttpLookalike":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
