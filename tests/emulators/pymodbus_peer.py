"""A Modbus TCP server that others wrote: pymodbus, in a thread with a loop of its own."""

import asyncio
import threading
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import SimDevice


class PymodbusPeer:
    """`address` is that of the running server."""

    _server: Any  # made in the loop

    def __init__(self, devices: list[SimDevice]) -> None:
        self._devices = devices
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10), "pymodbus did not start"
        port = self._server.transport.sockets[0].getsockname()[1]
        self.address = f"socket://127.0.0.1:{port}"

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def start() -> None:
            self._server = ModbusTcpServer(self._devices, address=("127.0.0.1", 0))
            await self._server.serve_forever(background=True)
            ready.set()

        self._loop.run_until_complete(start())
        self._loop.run_forever()

    def close(self) -> None:
        async def stop() -> None:
            await self._server.shutdown()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> "PymodbusPeer":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
