"""The fast path: reads that are prepared and signed here.

botocore prepares a request of any operation of any service; our reads are few, and of one
protocol. So the client sends one request of each operation, which is remembered as its
HTTP session got it. ``request_model`` writes the next ones after that. The session sends
them, or, if it is our own, what the session was seen to send with (``straight_session``).

Whoever might listen or interfere on the way past must not be passed by: ``client_inside``
compares everything with what botocore's authors put there, before the first use and at
each call. Whatever differs, and whatever fails on the way to finding out, means that the
client does it all. What changes something always goes through the client.
"""

import logging
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sagemaker_plans._event_loop import in_thread
from sagemaker_plans._transport.aiobotocore_client.event_hooks import frozen_credentials
from sagemaker_plans._transport.aiobotocore_client.observed_session import is_unpatched
from sagemaker_plans._transport.aiobotocore_client.straight_session import Handed, PlainRequest
from sagemaker_plans._transport.evidence import Evidence
from sagemaker_plans._transport.exception_mapping import no_credentials
from sagemaker_plans._wire.operations import Operation, Safety
from sagemaker_plans._wire.redaction import redacted

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

    from sagemaker_plans._transport.aiobotocore_client.client_inside import ClientInside
    from sagemaker_plans._transport.aiobotocore_client.second_copies import SecondCopies
    from sagemaker_plans._transport.request_model import RequestModel, SentRequest
    from sagemaker_plans._transport.signing import Keys

_LOG: Final = logging.getLogger("sagemaker_plans")
_PLAIN: Final = frozenset({str, int, bool})
_TRIES: Final = 3
"""How often the client's own request is written again until nothing more is tried."""


class FastPath:
    """A way to send reads past a client's own preparation, through its own HTTP session.

    Args:
        client: A SageMaker client of aiobotocore.
    """

    def __init__(self, client: Any) -> None:  # the stubs err
        self._client = client
        self._inside: ClientInside | None = None
        self._is_first = True
        self._is_looking = False
        self._sent: dict[str, SentRequest] = {}
        self._models: dict[str, RequestModel] = {}
        self._tries_left = _TRIES

    async def prepare(
        self, operation: Operation, members: Mapping[str, object], evidence: Evidence
    ) -> "AWSPreparedRequest | PlainRequest | None":
        """Prepare a request as the client would.

        Args:
            operation: What to ask.
            members: Its members in wire form.
            evidence: Told what becomes of the request, and, if the client has to send it,
                asked to tell what it sends.

        Returns:
            The request, as the client's HTTP session or as aiohttp gets it; None if the client
            itself has to send it.

        Raises:
            Exception: Whatever the credentials raise.
        """
        if operation.safety is not Safety.READ or not self._tries_left:
            return None
        if self._is_first:
            # Most programs that read once never read again.
            self._is_first = False
            return None
        if not _PLAIN.issuperset(map(type, members.values())) or not (
            self._is_pristine() if self._inside else await self._looks_pristine()
        ):
            return None
        name = operation.name
        if name not in self._models and name not in self._sent:
            evidence.learn = partial(self._learn, name, members)
            return None
        try:
            keys: Keys = await frozen_credentials(self._client._request_signer)  # noqa: SLF001  # no public way
        except BaseException as error:
            evidence.note_never_handed_over(error, no_credentials(operation, error))
            raise
        try:
            model = self._models.get(name) or self._prove(name, keys)
            return self._written(model, members, keys, evidence) if model else None
        except Exception:  # noqa: BLE001  # then the client's own way is the one that works
            self._give_up()
            return None

    def _written(
        self,
        model: "RequestModel",
        members: Mapping[str, object],
        keys: "Keys",
        evidence: Evidence,
    ) -> "AWSPreparedRequest | PlainRequest":
        if model.is_plain and self._inside is not None:
            opened = self._inside.way_past(self._session)
            if opened is not None:
                return model.write_plain(members, keys, opened)
        return model.write(members, keys, evidence)

    async def _looks_pristine(self) -> bool:
        """Look inside for the first time, and tell whether nobody would notice, now."""
        try:
            self._inside = await self._look_inside()
        except Exception:  # noqa: BLE001  # whatever somebody has put there
            self._give_up()
        return self._is_pristine()

    def _is_pristine(self) -> bool:
        """Tell whether nobody would notice, now."""
        try:
            if self._inside is not None and not self._inside.is_unchanged():
                # Perhaps nothing that matters: a value that is found out when it is needed.
                self._inside = self._inside.anew()
            return self._inside is not None and not self._inside.is_watched()
        except Exception:  # noqa: BLE001  # whatever somebody has put there
            self._give_up()
            return False

    async def _look_inside(self) -> "ClientInside | None":
        """Look, and beforehand, in a thread, have the modules of botocore compared."""
        if self._is_looking:
            return None
        self._is_looking = True
        try:
            # It waits for no other thread, for a read waits for it.
            copies = await in_thread(_compared_modules)
            from sagemaker_plans._transport.aiobotocore_client.client_inside import (  # noqa: PLC0415  # see below
                ClientInside,
            )

            return ClientInside(self._client, copies)
        finally:
            self._is_looking = False

    def _learn(self, name: str, members: Mapping[str, object], request: object) -> list[Handed]:
        """Remember what the client sends, and give a list for what its session makes of it."""
        from sagemaker_plans._transport.request_model import SentRequest  # noqa: PLC0415  # see below

        try:
            sent = self._sent[name] = SentRequest.of(request, members)
        except Exception:  # noqa: BLE001  # a request of another kind
            self._give_up()
            return []
        return sent.handed

    def _prove(self, name: str, keys: "Keys") -> "RequestModel | None":
        """Write what the client has sent once more, and compare."""
        from sagemaker_plans._transport.request_model import RequestModel  # noqa: PLC0415  # see below

        model = RequestModel(self._sent.pop(name))
        if not model.writes_again(keys):
            # Other credentials than a moment ago, or another way to prepare a request.
            self._tries_left -= 1
            return None
        self._models[name] = model
        return model

    def _give_up(self) -> None:
        self._tries_left = 0
        self._inside = None

    @property
    def _session(self) -> Any:  # HTTP sessions share no type
        # Asked for at each call: it is observed from when the gateway is made.
        return self._client._endpoint.http_session  # noqa: SLF001  # no public way

    async def send(
        self, request: "AWSPreparedRequest | PlainRequest", operation: Operation, evidence: Evidence
    ) -> None:
        """Send a request, once, and hear the reply.

        Args:
            request: What ``prepare`` gave.
            operation: What it asks for.
            evidence: Told what becomes of the request.

        Raises:
            Exception: Whatever the HTTP session raises.
        """
        if _LOG.isEnabledFor(logging.DEBUG):
            url = redacted(request.url)
            _LOG.debug("%s: POST %s, on the fast path", operation.name, url)
        session = self._session
        if type(request) is PlainRequest:
            await session.exchange(evidence, request)
        elif is_unpatched(session):
            # It need not look whose request this is.
            await session.send_for(evidence, request)
        else:
            await session.send(request)


def _compared_modules() -> "SecondCopies":
    # Opening a client takes 25 ms of CPU time less without these modules, and a client that
    # reads once needs none of them. They are imported here, beside the event loop.
    for module in ("aiobotocore_client.client_inside", "request_model"):
        import_module(f"sagemaker_plans._transport.{module}")
    from sagemaker_plans._transport.aiobotocore_client.second_copies import second_copies  # noqa: PLC0415  # see above

    return second_copies()
