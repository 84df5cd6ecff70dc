"""A service on real sockets that sells, checks the age of signatures, and keeps replies back."""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final, Literal

from attrs import define, field

ARN: Final = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/big"
EXTEND: Final = "ExtendTrainingPlan"
_SIGNATURES_LAST: Final = timedelta(minutes=5)
_LONGEST: Final = 30.0

Fate = Literal["tell", "hold before", "hold after", "cut"]


def clock(folder: Path) -> datetime:
    """Give the time of this world: that of the machine, set forward by a file."""
    return datetime.now(UTC) + timedelta(seconds=float((folder / "clock").read_text()))


@define(eq=False)
class Shop:
    """What the service knows. The same offering can be bought again and again."""

    folder: Path
    """Has the clock."""
    url: str = ""
    fate: Fate = "tell"
    """What becomes of the next purchase."""
    shows: bool = True
    """Whether the history shows what was bought."""
    sold: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    refused: list[str] = field(factory=list[str])
    """The offerings of purchases whose signature was too old."""
    held: Event = field(factory=Event)
    """Set when a purchase is held."""
    let_go: Event = field(factory=Event)
    _lock: Lock = field(factory=Lock)

    def begin(self, fate: Fate = "tell", *, shows: bool = True) -> None:
        """Forget what was sold, and treat the next purchase in another way."""
        self.let_go.set()
        self.held, self.let_go = Event(), Event()
        self.sold, self.refused = [], []
        self.fate, self.shows = fate, shows

    def take_fate(self) -> Fate:
        with self._lock:
            fate, self.fate = self.fate, "tell"
        return fate

    def sell(self, offering: str) -> None:
        now = clock(self.folder).timestamp()
        self.sold.append(
            {
                "TrainingPlanExtensionOfferingId": offering,
                "ExtendedAt": round(now, 3),
                "Status": "Active",
                "PaymentStatus": "Completed",
                "UpfrontFee": "100.00",
                "CurrencyCode": "USD",
                "DurationHours": 24,
            }
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: Shop

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""

    def do_POST(self) -> None:
        members = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_purchase = self.headers["X-Amz-Target"].endswith(EXTEND)
        with suppress(OSError):
            self._answer(members, is_purchase=is_purchase)

    def _answer(self, members: dict[str, Any], *, is_purchase: bool) -> None:
        shop = self.shop
        fate = shop.take_fate() if is_purchase else "tell"
        if fate == "hold before":
            shop.held.set()
            shop.let_go.wait(_LONGEST)
        signed = datetime.strptime(self.headers["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
        if abs(clock(shop.folder) - signed) > _SIGNATURES_LAST:
            if is_purchase:
                shop.refused.append(members["TrainingPlanExtensionOfferingId"])
            self._say(403, {"__type": "InvalidSignatureException", "message": "expired"})
            return
        if is_purchase:
            shop.sell(members["TrainingPlanExtensionOfferingId"])
            if fate == "hold after":
                shop.held.set()
                shop.let_go.wait(_LONGEST)
            if fate != "tell":
                self.close_connection = True
                return
        shown = shop.sold if is_purchase or shop.shows else []
        self._say(200, {"TrainingPlanExtensions": shown})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Date", format_datetime(clock(self.shop.folder), usegmt=True))
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("x-amzn-RequestId", "id-1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def open_shop(folder: Path) -> Generator[Shop]:
    """Serve on loopback while the context lasts."""
    (folder / "clock").write_text("0")
    shop = Shop(folder)
    handler = type("_ShopHandler", (_Handler,), {"shop": shop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        shop.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(_LONGEST)


def set_forward(folder: Path, seconds: float) -> None:
    """Set the clock of this world forward."""
    before = float((folder / "clock").read_text())
    (folder / "clock").write_text(str(before + seconds))


def wait_for(path: Path, seconds: float = _LONGEST) -> str:
    """Wait until somebody has written a file, and give what is in it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists():
            return path.read_text()
        time.sleep(0.002)
    raise AssertionError(f"nobody wrote {path.name}")
