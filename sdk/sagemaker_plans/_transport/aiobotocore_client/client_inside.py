"""Whether nobody would notice that a read goes past the inside of a client.

Who wants to notice patches code (``passed_code``), registers for events (``listeners``),
records history, reads botocore's log at DEBUG, or has a context of botocore's around the
call.
"""

import logging
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final

from botocore.context import get_context
from botocore.history import get_global_history_recorder

from sagemaker_plans._transport.aiobotocore_client.listeners import Listeners
from sagemaker_plans._transport.aiobotocore_client.observed_session import (
    ObservedSession,
    is_unpatched,
)
from sagemaker_plans._transport.aiobotocore_client.parts import AioAWSResponse, AIOHTTPSession
from sagemaker_plans._transport.aiobotocore_client.passed_code import NotPristineError, PassedCode
from sagemaker_plans._transport.aiobotocore_client.second_copies import SecondCopies
from sagemaker_plans._transport.aiobotocore_client.straight_session import (
    StraightSession,
    way_past,
)
from sagemaker_plans._wire.operations import OPERATIONS, Safety

if TYPE_CHECKING:
    from aiohttp import ClientSession

_SHOWS_DEBUG: Final = methodcaller("isEnabledFor", logging.DEBUG)
_READS: Final = {each.method: each.name for each in OPERATIONS if each.safety is Safety.READ}


class ClientInside:
    """The inside of one client.

    Args:
        client: The client.
        copies: What is known to be as its authors wrote it.

    Raises:
        Exception: Whatever says that it is not what it should be.
    """

    def __init__(self, client: Any, copies: SecondCopies) -> None:
        self._client, self._copies = client, copies
        self._listeners = Listeners(client, copies, _READS)
        if not self._listeners.are_pristine():
            raise NotPristineError
        self._code = PassedCode(
            copies, client=client, methods=_READS, handlers=self._listeners.all()
        )
        self._session = client._endpoint.http_session  # noqa: SLF001  # it has no public name
        self._code_of_session = _code_of_session(self._session, copies)
        self._history: Any = get_global_history_recorder()
        found = (value for held in copies.modules.values() for value in held.values())
        # The loggers of these modules themselves: each may have a level of its own.
        self._loggers = tuple({each for each in found if isinstance(each, logging.Logger)})

    def is_unchanged(self) -> bool:
        """Tell whether all of it is what it was when it was found pristine.

        Returns:
            Whether it is.
        """
        return self._listeners.are_pristine() and self._code.holds()

    def is_watched(self) -> bool:
        """Tell whether somebody wants to see what botocore itself does, for now.

        Returns:
            Whether its history is recorded, its log is read at DEBUG, or a context of its
            own is around the call.
        """
        return (
            bool(self._history._enabled)  # noqa: SLF001  # it has no other name
            or get_context() is not None
            or any(map(_SHOWS_DEBUG, self._loggers))
        )

    def way_past(self, session: object) -> "ClientSession | None":
        """Find what sends the next request of the client's HTTP session, if nobody would notice.

        Args:
            session: The session as it is now.

        Returns:
            The HTTP client of aiohttp; None if the session has to send the request itself.
        """
        code = self._code_of_session
        if code is None or session is not self._session or not is_unpatched(session):
            return None
        opened = way_past(session.session)
        if opened is not None and not code.holds():
            # Perhaps nothing that matters. If it matters, the session sends from now on.
            self._code_of_session = _code_of_session(session, self._copies)
            return None
        return opened

    def anew(self) -> "ClientInside":
        """Look at the same client again.

        Returns:
            Its inside as it is now.

        Raises:
            Exception: Whatever says that it is not what it should be.
        """
        return ClientInside(self._client, self._copies)


def _code_of_session(session: object, copies: SecondCopies) -> PassedCode | None:
    """Know what is gone past if a session of our own does not send a request itself."""
    if type(session) is not ObservedSession or type(session.session) is not StraightSession:
        return None
    try:
        return PassedCode(
            copies,
            classes={AIOHTTPSession: ("send",), AioAWSResponse: ("content", "__init__")},
            objects=(vars(session.session)["_proxy_config"],),
        )
    except NotPristineError:
        return None
