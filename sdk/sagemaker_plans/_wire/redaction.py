"""Taking secrets out of texts that came over the wire."""

import re
from typing import Final

# The service repeats the signed headers when a signature does not match, the session
# token among them.
_TOKEN: Final = re.compile(
    r"(x-amz-security-token['\"]?\s*[:=]\s*['\"]?)[^\s'\"&,]+", re.IGNORECASE
)


def redacted(message: str) -> str:
    """Take session tokens out of a message.

    Args:
        message: The service's own words.

    Returns:
        The message, fit for a log.
    """
    return _TOKEN.sub(r"\1[redacted]", message)
