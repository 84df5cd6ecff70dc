"""What belongs to one event loop, and so can be neither pickled nor copied."""

from typing import NoReturn


class NotCopied:
    """A client, or what works by it: it lives in one event loop of one process."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        # pickle calls this, and so do copy.copy and copy.deepcopy.
        raise TypeError(
            f"{type(self).__name__} can be neither pickled nor copied, because a client belongs to "
            "one event loop; pass on the settings of the client, and make a client where it is "
            "needed"
        )
