"""The thread in which the server's event loop runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from socket import socket
from typing import Final, final

from aiohttp import web

from sagemaker_plans.emulator._http.request_handler import LOGGER, Connection, RequestHandler

_LINGER_SECONDS: Final = 1.0
# How long the rest of a rejected upload is read, so that the client receives the error.

_CLOSING_SECONDS: Final = 0.02
# How long handlers may take to end after their connections are closed.


@final
class ServerThread:
    """Serves on a listening socket from construction until `stop`.

    Args:
        handler: Handles every request.
        listener: The bound socket; the server closes it when it stops.

    Raises:
        OSError: The server cannot listen on the socket.
    """

    def __init__(self, handler: RequestHandler, listener: socket) -> None:
        self._handler = handler
        self._listener = listener
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, name="sagemaker-plans-emulator", daemon=True
        )
        self._thread.start()
        try:
            self._loop, self._stopping = self._started.result()
        except Exception:
            self._thread.join()
            listener.close()
            raise

    def stop(self) -> None:
        """Close every connection, and return when the thread has ended.

        Raises:
            Exception: The server itself failed.
        """
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._ended.result()

    def _run(self) -> None:
        try:
            # Name the loop's class, so that an event loop policy has no effect on the server.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve())
        except Exception as error:  # noqa: BLE001 - the constructor or stop() raises it
            awaited = self._ended if self._started.done() else self._started
            awaited.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        # A client that disconnects ends the handling of its request, even one that hangs.
        server = web.Server(self._handler.handle, handler_cancellation=True)
        acceptor = await loop.create_server(
            lambda: Connection(
                server,
                loop=loop,
                logger=LOGGER,
                access_log=logging.getLogger(f"{LOGGER.name}.access"),
                auto_decompress=False,
                lingering_time=_LINGER_SECONDS,
            ),
            sock=self._listener,
        )
        self._started.set_result((loop, stopping))
        await stopping.wait()
        acceptor.close()
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        # The loop notifies the connections in its next iteration.
        await asyncio.sleep(0)
        await server.shutdown(_CLOSING_SECONDS)
