"""One line in the log for each request: the operation, its outcome, and how long it took."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
import uuid
from contextvars import ContextVar
from typing import Final, final

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

REQUEST_LOGGER: Final = logging.getLogger("sagemaker_plans.emulator.requests")


@attrs.define(kw_only=True)
class Exchange:
    """What the log says of one request."""

    request_id: str = attrs.field(factory=lambda: str(uuid.uuid4()))
    operation: str = ""
    outcome: str = "no reply"
    fault: str | None = None


_CURRENT: Final[ContextVar[Exchange]] = ContextVar("exchange")


def current_exchange() -> Exchange:
    """Return what is known so far of the request that this task handles."""
    return _CURRENT.get()


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write a line after each request, if somebody wants it."""
    exchange = Exchange()
    _CURRENT.set(exchange)
    if not REQUEST_LOGGER.isEnabledFor(logging.INFO):
        return await handler(request)
    began = time.perf_counter()
    status: int | None = None
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        fields = {
            "operation": exchange.operation or f"{request.method} {request.rel_url.raw_path}",
            "outcome": exchange.outcome,
            "status": None if exchange.outcome == "no reply" else status,
            "seconds": round(time.perf_counter() - began, 6),
            "fault": exchange.fault,
            "request_id": exchange.request_id,
        }
        REQUEST_LOGGER.info(
            "%s: %s, %.1f ms%s",
            fields["operation"],
            exchange.outcome,
            (time.perf_counter() - began) * 1000,
            f", fault {exchange.fault}" if exchange.fault else "",
            extra={"fields": fields},
        )


@final
class JsonFormatter(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON, with the fields of a request if it is about one."""
        line: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)
