"""What this package uses of aiobotocore. It is the only importer.

``config``, ``session`` and the two HTTP sessions are aiobotocore's public parts. ``AioEndpoint``
and ``AioHierarchicalEmitter`` are inside it: whoever upgrades aiobotocore looks here first.
"""

from collections.abc import Callable
from typing import Any

from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.config import AioConfig
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.hooks import AioHierarchicalEmitter
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.session import AioSession

__all__ = [
    "AIOHTTPSession",
    "AioAWSResponse",
    "AioConfig",
    "AioEndpoint",
    "AioHierarchicalEmitter",
    "AioSession",
    "Hear",
    "HttpSession",
    "HttpxSession",
    "is_observable",
    "is_open",
]

HttpSession = Any  # aiobotocore has no common type for its HTTP sessions


def is_open(session: HttpSession) -> bool:
    """Tell whether a client's HTTP session can send.

    Args:
        session: The session.

    Returns:
        False if it was closed or never opened. True for a class that does not show it.
    """
    if isinstance(session, AIOHTTPSession):
        return vars(session).get("_sessions", ()) is not None
    if isinstance(session, HttpxSession):
        return bool(vars(session).get("_entered", True))
    return True


def is_observable(session: HttpSession) -> bool:
    """Tell whether this package can observe what a session does with a request.

    Args:
        session: The session.

    Returns:
        Whether its class is one of aiobotocore's, or a subclass of one. Any other class may
        follow redirects and send a request again, and this package would not notice.
    """
    return isinstance(session, AIOHTTPSession | HttpxSession)


Hear = Callable[[Any, bytes], None]
"""Called with a whole reply: the response and its body."""
