"""The thread in which the server's event loop runs."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from socket import socket
from typing import Any, Final, final

from aiohttp import web

from sagemaker_plans.emulator._http.application import LOGGER, Application
from sagemaker_plans.emulator._http.connection import Connection

_LINGER_SECONDS: Final = 1.0
# How long the rest of a rejected upload is read, so that the client receives the error.

_CLOSING_SECONDS: Final = 0.02
# How long handlers may take to end after their connections are closed.

_IDLE_SECONDS: Final = 75.0
# How long a connection may wait for the next whole head of a request, however slowly it comes.

_BACKLOG: Final = 4096
# A thousand clients may connect at once.

_WARNING_SECONDS: Final = 60.0
# The shortest time between two warnings that the process has no descriptors left.

_NO_LOG: Final = logging.Logger("unused", level=logging.CRITICAL)  # noqa: LOG001  # in no tree
# Requests have a log of their own, which knows operations.

_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@final
class LoopErrors:
    """The loop's handler of errors. It does not repeat itself when descriptors run out."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """Log an error that no task has caught."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _OUT_OF_RESOURCES:
            loop.default_exception_handler(dict(context))
        elif loop.time() >= self._quiet_until:
            self._quiet_until = loop.time() + _WARNING_SECONDS
            LOGGER.error("New connections have to wait, and are tried each second: %s", error)


@final
class ServerThread:
    """Serves on a listening socket from construction until `stop`.

    Args:
        application: What is served.
        listener: The bound socket; the server closes it when it stops.

    Raises:
        OSError: The server cannot listen on the socket.
    """

    def __init__(self, application: Application, listener: socket) -> None:
        self._application = application
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
        except Exception as error:  # noqa: BLE001  # the constructor or stop() raises it
            awaited = self._ended if self._started.done() else self._started
            awaited.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        loop.set_exception_handler(LoopErrors())
        # A client that disconnects ends the handling of its request, even one that hangs.
        runner = web.AppRunner(
            self._application.made(),
            handler_cancellation=True,
            shutdown_timeout=_CLOSING_SECONDS,
        )
        await runner.setup()
        server = runner.server
        assert server is not None, "the runner is set up"
        acceptor = await loop.create_server(
            lambda: Connection(
                server,
                limits=self._application.handler.limits,
                loop=loop,
                logger=LOGGER,
                access_log=_NO_LOG,
                auto_decompress=False,
                keepalive_timeout=_IDLE_SECONDS,
                lingering_time=_LINGER_SECONDS,
            ),
            sock=self._listener,
            # So many connections asyncio tries to accept in a row. It does not stop at the
            # first that fails, and logs each.
            backlog=1,
        )
        self._listener.listen(_BACKLOG)
        self._started.set_result((loop, stopping))
        await stopping.wait()
        acceptor.close()
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        # The loop notifies the connections in its next iteration.
        await asyncio.sleep(0)
        await runner.cleanup()
