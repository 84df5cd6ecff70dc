"""The thread in which the server's event loop runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from socket import socket
from typing import Final, final

from aiohttp import web

from sagemaker_plans.emulator._http.request_handler import LOGGER, Connection, FrontDesk

_LINGER_SECONDS: Final = 1.0
# How long the rest of a refused upload is read, so that the refusal gets through.

_CLOSING_SECONDS: Final = 0.02
# What handlers get to end after their connections are gone; they need next to nothing.


@final
class ServerThread:
    """Serves on a listening socket from construction until `stop`.

    Args:
        desk: Who answers.
        listener: The bound socket; closed in the end.

    Raises:
        OSError: The socket cannot be listened on.
    """

    def __init__(self, desk: FrontDesk, listener: socket) -> None:
        self._desk = desk
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
        """Close every connection and end the thread; returns when it has ended.

        Raises:
            Exception: Whatever broke the server, if something did.
        """
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._ended.result()

    def _run(self) -> None:
        try:
            # The loop is named so that a policy for other loops changes nothing here.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve())
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            waiting = self._ended if self._started.done() else self._started
            waiting.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        # A client that leaves ends the handler of its request, also one that hangs.
        server = web.Server(self._desk.receive, handler_cancellation=True)
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
        # The transports tell their connections on the loop's next turn.
        await asyncio.sleep(0)
        await server.shutdown(_CLOSING_SECONDS)
