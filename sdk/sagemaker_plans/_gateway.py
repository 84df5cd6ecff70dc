"""The one seam between this package and the network."""

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from sagemaker_plans._operations import Operation


@frozen(kw_only=True)
class Reply:
    """A reply that the service marked as a success."""

    operation: Operation
    """What was asked."""
    body: Mapping[str, object] = field(repr=False)
    """The members of the reply, as far as they could be parsed."""
    raw: bytes | None = field(default=None, repr=False)
    """The reply as it came over the wire; None if it never was on one (a stub)."""
    http_status: int | None = None
    """The HTTP status."""
    request_id: str | None = None
    """The id by which AWS support finds the request."""

    @property
    def text(self) -> str | None:
        """The reply as it came, as text; what is no UTF-8 is shown as escapes."""
        return None if self.raw is None else self.raw.decode(errors="backslashreplace")


class Gateway(Protocol):
    """Sends one request and brings one reply: no retry, no interpretation."""

    async def call(self, operation: Operation, request: Mapping[str, object], /) -> Reply:
        """Send a request, once.

        Args:
            operation: What to ask.
            request: Its members in wire form.

        Returns:
            The service's reply.

        Raises:
            ConfigurationError: If there are no credentials or no region to send with.
            ServiceError: If the service said no.
            ConnectionFailedError: If nothing usable came back.
            UnexpectedReplyError: If a reply came that botocore cannot parse.
        """
        ...
