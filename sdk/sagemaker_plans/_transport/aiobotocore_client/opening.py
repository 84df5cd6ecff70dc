"""Opening a SageMaker client of aiobotocore: session, backend, defaults, credentials.

aiobotocore is slow to import, so this module is imported only when a client is opened.
"""

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any, Final, Literal, NamedTuple, cast, get_args

import botocore.exceptions as boto
from botocore import UNSIGNED
from botocore.config import Config

from sagemaker_plans._event_loop import in_thread, on_asyncio
from sagemaker_plans._transport.aiobotocore_client.parts import (
    AioConfig,
    AIOHTTPSession,
    AioSession,
    HttpxSession,
)
from sagemaker_plans._transport.aiobotocore_client.service_model import SERVICE, SlimLoader
from sagemaker_plans._transport.aiobotocore_client.straight_session import StraightSession
from sagemaker_plans._transport.exception_mapping import (
    CONNECTION_FAILURES,
    NO_CREDENTIALS,
    shown_cause,
)
from sagemaker_plans._transport.fast_path import FastPath
from sagemaker_plans._version import __version__
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans.errors import ConfigurationError, ConnectionFailedError

HttpBackend = Literal["auto", "aiohttp", "httpx"]

_CONNECT_TIMEOUT: Final = 10.0
_MAX_CONNECTIONS: Final = 50


class OpenedClient(NamedTuple):
    """A client that this package made, and how to close it."""

    client: object
    close: Callable[[], Awaitable[None]]
    fast_path: FastPath | None


async def open_client(
    *,
    region_name: str | None,
    profile_name: str | None,
    endpoint_url: str | None,
    session: AioSession | None,
    config: AioConfig | None,
    http_backend: HttpBackend,
    request_timeout: float,
) -> OpenedClient:
    """Make a SageMaker client whose own retries are off.

    Args:
        region_name: The region; None leaves it to the environment and the profile.
        profile_name: The profile of the AWS configuration.
        endpoint_url: Another endpoint than the region's.
        session: The user's session.
        config: The user's configuration, which wins over our defaults.
        http_backend: What carries the requests.
        request_timeout: The longest that one request may take, in seconds.

    Returns:
        The client.

    Raises:
        ConfigurationError: If the client cannot be made: no region, no credentials, a
            profile that does not exist, a backend that does not fit.
    """
    own = AioSession(profile=profile_name) if session is None else session
    if not isinstance(cast("object", own), AioSession):
        raise ConfigurationError(
            f"session: an AioSession of aiobotocore is needed, got {type(own).__name__}"
        )
    if not isinstance(cast("object", config), Config | None):
        raise ConfigurationError(
            f"config: an AioConfig of aiobotocore is needed, got {type(config).__name__}"
        )
    merged = client_config(own, config, http_backend, request_timeout, is_ours=session is None)
    try:
        if session is None:
            # In here, for a profile that does not exist is found out by the first question.
            own.register_component("data_loader", SlimLoader(own.get_component("data_loader")))
        require_region(own, region_name)
        await in_thread(lambda: _load_models(own))
        # Any: the stubs list each service, and need that service's stubs beside them.
        context = cast("Any", own).create_client(
            SERVICE, region_name=region_name, endpoint_url=endpoint_url, config=merged
        )
        client = await context.__aenter__()
    except CONNECTION_FAILURES as error:
        raise ConnectionFailedError(
            f"could not open a client: {redacted(str(error))}", request_sent=False
        ) from shown_cause(error)
    except Exception as error:  # noqa: BLE001  # told by its words
        # Whatever a program that gives credentials, or a file of them, makes it raise.
        raise _cannot_open(error) from shown_cause(error)
    try:
        path = await _fast_path(client, own, merged)
    except BaseException as error:
        import anyio  # noqa: PLC0415  # needed only if this fails

        with anyio.CancelScope(shield=True):
            await client.close()
        if isinstance(error, ConfigurationError) or not isinstance(error, Exception):
            raise
        raise _cannot_open(error) from shown_cause(error)
    return OpenedClient(client, client.close, path)


def require_region(session: AioSession, region_name: str | None) -> None:
    """Refuse a region that is set to nothing, such as a variable of a CI job that has no value.

    botocore would take it for a region's name.

    Args:
        session: The session that the client is made with.
        region_name: The region that the user passed; None for the session's.

    Raises:
        NoRegionError: If the session's region is empty.
        Exception: Whatever the session raises, such as for a profile that does not exist.
    """
    found = cast("object", session.get_config_variable("region"))
    if region_name is None and isinstance(found, str) and not found.strip():
        raise boto.NoRegionError


def client_config(
    session: AioSession,
    config: Config | None,
    http_backend: HttpBackend,
    request_timeout: float,
    *,
    is_ours: bool,
) -> AioConfig:
    """Put together what a client is made with: what the user set wins over our defaults."""
    # First: it may set the session's own default.
    backend = _backend(session, http_backend, is_ours=is_ours)
    merged = AioConfig(
        connect_timeout=min(_CONNECT_TIMEOUT, request_timeout),
        read_timeout=request_timeout,
        max_pool_connections=_MAX_CONNECTIONS,
        user_agent_extra=f"lib/sagemaker-plans#{__version__}",
    )
    # Any: a plain Config of botocore merges as well.
    layers = cast("tuple[Any, ...]", (session.get_default_client_config(), backend, config))
    for layer in layers:
        if layer is not None:
            merged = merged.merge(layer)
    if getattr(merged, "http_session_cls", None) is AIOHTTPSession:
        merged = merged.merge(AioConfig(http_session_cls=StraightSession))
    # Last, so that it wins: this package's retries replace botocore's.
    return merged.merge(AioConfig(retries={"total_max_attempts": 1, "mode": "standard"}))


async def _fast_path(client: object, session: AioSession, config: AioConfig) -> FastPath | None:
    if cast("object", getattr(config, "signature_version", None)) is UNSIGNED:
        return None
    # Asked for again after the client has: a session without any finds out only when
    # it signs, and a user wants to know when the client is opened.
    credentials = cast("object", await session.get_credentials())
    if credentials is None:
        raise ConfigurationError(f"a request cannot be signed: {NO_CREDENTIALS}")
    return FastPath(client)


def _cannot_open(error: Exception) -> ConfigurationError:
    words = f"could not open a client: {redacted(str(error))}"
    if isinstance(error, boto.NoRegionError):
        words = (
            "region_name: no region is set; pass region_name=, set AWS_DEFAULT_REGION, or name "
            "a profile that has a region (profile_name=)"
        )
    return ConfigurationError(words)


def _load_models(session: AioSession) -> None:
    """Load what a client needs from disk; run in a thread, so that no loop waits for it."""
    loader = session.get_component("data_loader")
    for data in ("_retry", "endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data_with_path(data)
    for kind in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model(SERVICE, kind)


def _backend(session: AioSession, wanted: HttpBackend, *, is_ours: bool) -> AioConfig:
    """Choose what carries the requests, for the session's own needs too."""
    if wanted not in get_args(HttpBackend):
        raise ConfigurationError(
            f"http_backend: got {wanted!r}; allowed are {', '.join(get_args(HttpBackend))}"
        )
    is_asyncio = on_asyncio()
    if wanted == "aiohttp" and not is_asyncio:
        raise ConfigurationError("http_backend: aiohttp runs on asyncio only; on trio use 'httpx'")
    if wanted == "auto" and is_asyncio:
        return AioConfig()
    if wanted == "aiohttp":
        return AioConfig(http_session_cls=AIOHTTPSession)
    if not any(map(find_spec, ("httpx2", "httpx"))):
        raise ConfigurationError(
            "http_backend: httpx is not installed; install sagemaker-plans[httpx], or "
            "sagemaker-plans[trio] for trio"
        )
    # A full pool is no failure: a request waits for its turn, bounded by request_timeout.
    session_cls = cast("Any", HttpxSession)
    httpx = AioConfig(http_session_cls=session_cls, connector_args={"pool_timeout": None})
    if is_ours or not is_asyncio:
        # The credential chain makes clients and fetchers of its own from this default;
        # under trio all of them need httpx.
        theirs = cast("AioConfig | None", session.get_default_client_config())
        session.set_default_client_config(httpx if theirs is None else httpx.merge(theirs))
    return httpx
