"""A HomeWizard P1 look-alike: answers /api/v1/telegram with the telegram it was given, or with a fault."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HomeWizardLookalike:
    """`status` 403: the local API is off. `trickle_s`: the pause between the single bytes of an answer."""

    def __init__(self) -> None:
        self.telegram = b""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.trickle_s: float | None = None
        self.hang_up_after_answer = False
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self._stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, dict(handler.headers)))
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "text/plain")
        handler.send_header("Content-Length", str(len(self.telegram)))
        handler.end_headers()
        try:
            if self.trickle_s is None:
                handler.wfile.write(self.telegram)
            else:
                self._trickle(handler)
        except OSError:
            handler.close_connection = True
        if self.hang_up_after_answer:
            handler.close_connection = True

    def _trickle(self, handler: BaseHTTPRequestHandler) -> None:
        for byte in self.telegram:
            if self._stopping.wait(self.trickle_s):
                return
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "HomeWizardLookalike":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
