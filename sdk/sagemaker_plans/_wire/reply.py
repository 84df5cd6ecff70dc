"""The reply to one request."""

from collections.abc import Mapping

from attrs import field, frozen

from sagemaker_plans._wire.operations import Operation


@frozen(kw_only=True)
class Reply:
    """A reply that the service marked as a success."""

    operation: Operation
    """The operation that was called."""
    body: Mapping[str, object] = field(repr=False)
    """The members of the reply, as far as they could be parsed."""
    raw: bytes | None = field(default=None, repr=False)
    """The body as it came over the wire; None for the reply of a stub, which has no bytes."""
    http_status: int | None = None
    """The HTTP status."""
    request_id: str | None = None
    """The id by which AWS support finds the request."""
    date: str | None = None
    """When the service sent it, in the form of HTTP; None if the reply does not say it."""

    @property
    def text(self) -> str | None:
        """The body as text. Bytes that are not UTF-8 are shown as escapes."""
        return None if self.raw is None else self.raw.decode(errors="backslashreplace")
