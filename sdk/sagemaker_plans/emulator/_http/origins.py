"""Which hosts and which web pages the server serves. All others are turned away first.

A web page that a browser shows can send requests to every address of its machine. Its name may
even be changed to such an address after the page has come (DNS rebinding). The browser tells
the truth in the headers Host and Origin, so those two are checked.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, cast

import attrs
from aiohttp import web

from sagemaker_plans.emulator._wire.refusal import Refusal

_OWN_SITES: Final = frozenset({"none", "same-origin"})
# What browsers say of a request that the user, and not another page, has made.

_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_EXPOSED_HEADERS: Final = "x-amzn-RequestId, x-amzn-errortype, Retry-After, Date"
_PREFLIGHT_SECONDS: Final = 600


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address stands for this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def checked_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """Return names and addresses of hosts as the header Host has them, in small letters.

    Raises:
        ValueError: One of them is not a name or an address alone.
    """
    checked: set[str] = set()
    for host in _each("allow_hosts", hosts):
        name = _canonical(host.removeprefix("[").removesuffix("]"))
        if not (_is_address(name) or _NAME.fullmatch(name)):
            raise ValueError(
                "allow_hosts (--allow-host): a host is a name or an address without scheme, port "
                f"and wildcard, such as plans.internal or 192.168.1.5, not {host!r}"
            )
        checked.add(name)
    return frozenset(checked)


def _each(option: str, values: object) -> Iterator[str]:
    """Return texts in a list. One text is no list of texts."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"{option} must be a list of texts, not {values!r}")  # noqa: TRY004  # all wrong options are one kind of error
    for value in cast("Iterable[object]", values):
        if not isinstance(value, str):
            raise ValueError(f"{option} must be a list of texts, but {value!r} is none")  # noqa: TRY004  # all wrong options are one kind of error
        yield value


def checked_origins(origins: Iterable[str]) -> frozenset[str]:
    """Return the origins of web pages that may use the emulator.

    Raises:
        ValueError: One of them is not an origin, such as `http://localhost:3000`.
    """
    checked = frozenset(_each("allow_origins", origins))
    for origin in checked:
        scheme, separator, rest = origin.partition("://")
        if not separator or scheme not in {"http", "https"} or not rest or "/" in rest:
            raise ValueError(
                "allow_origins (--allow-origin): an origin is a scheme, a host and perhaps a "
                f"port, such as http://localhost:3000, not {origin!r}"
            )
    return checked


@attrs.frozen(kw_only=True)
class AccessRules:
    """Which hosts and origins may use the emulator."""

    hosts: frozenset[str]
    """Names and addresses, besides those of loopback, that the header Host may have."""

    origins: frozenset[str]
    """The origins of web pages that may send requests."""

    def check(self, request: web.BaseRequest, *, control: bool) -> None:
        """Refuse a request that has a wrong Host, or comes from a page elsewhere.

        Args:
            request: The request; only its head is read.
            control: Whether it is for the admin surface. An address that is not loopback is
                enough for other requests: no page can have another machine's address as its
                name.

        Raises:
            Refusal: The request is turned away.
        """
        host, kind = _host(request.headers.get("Host", ""))
        known = kind == "loopback" or host in self.hosts
        if not known and (control or kind != "address"):
            raise Refusal(
                "AccessDeniedException",
                f"The emulator does not serve the host {host!r}. Allow it with allow_hosts or "
                "--allow-host.",
                403,
            )
        if self._is_foreign(request):
            raise Refusal(
                "AccessDeniedException",
                f"The emulator does not serve pages of {request.headers.get('Origin')!r}. Allow "
                "the origin with allow_origins or --allow-origin.",
                403,
            )

    def cors_headers(self, request: web.BaseRequest) -> dict[str, str]:
        """Return the headers that let an allowed page read the response."""
        origin = request.headers.get("Origin")
        if origin not in self.origins:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
            "Vary": "Origin",
        }

    def preflight(self, request: web.BaseRequest) -> web.Response | None:
        """Return the response to the question that a browser asks before a page's request.

        Returns:
            None if the request is no such question of an allowed page.
        """
        asked = request.headers.get("Access-Control-Request-Method")
        if request.method != "OPTIONS" or asked is None or not self.cors_headers(request):
            return None
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": request.headers.get(
                    "Access-Control-Request-Headers", ""
                ),
                "Access-Control-Allow-Private-Network": "true",
                "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
            },
        )

    def _is_foreign(self, request: web.BaseRequest) -> bool:
        origin = request.headers.get("Origin")
        if origin is None:
            # A page may load something without telling its origin.
            return request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITES
        own = f"http://{request.headers.get('Host')}"
        return origin != own and origin not in self.origins


@functools.lru_cache(maxsize=64)
def _host(header: str) -> tuple[str, Literal["loopback", "address", "name"]]:
    """Return the header Host without its port, and what kind of host that is."""
    if header.startswith("["):
        host = _canonical(header[1:].partition("]")[0])
    else:
        host = _canonical(header.partition(":")[0])
    if is_loopback(host):
        return host, "loopback"
    return host, "address" if _is_address(host) else "name"


def _canonical(host: str) -> str:
    """Return a host in the one form in which it is compared."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
