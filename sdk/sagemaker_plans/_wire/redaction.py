"""Removes secrets from texts that came over the wire."""

import re
from typing import Final

# If a signature does not match, the service repeats the signed headers in its message, and the
# session token is one of them. A proxy's error page may repeat all headers. The signature is
# one of those, and with it the same request could be sent again.
_NAMES: Final = (
    "x-amz-security-token",
    "session_?token",
    "security_?token",
    "secret_?access_?key",
    "secret_?key",
)
_SECRETS: Final = (
    # Of a header, of JSON (also in a list, beside its value or around it), of XML.
    re.compile(
        rf"((?:{'|'.join(_NAMES)})[\\'\"]*\s*[:=,>][\s\[\\'\"]*+)(?!redacted\])[^\s\\'\"&,<\]}}]+",
        re.IGNORECASE,
    ),
    re.compile(r"(signature\s*=\s*['\"]?)[0-9a-z]+", re.IGNORECASE),
    re.compile(r"(proxy-authorization['\"]?\s*[:=]\s*['\"]?(?:\w+ )?)[^\s'\"&,<]+", re.IGNORECASE),
    # A user's name and password in an address, or in what was meant to be one.
    re.compile(r"(\w://)(?![^/@\n]*\[redacted\]@)[^/\n'\"@]+(?=@)"),
    re.compile(r"(\w://[^/\s'\"@:]+:)(?!\[redacted\])[^\s'\"@]+(?=@)"),
    re.compile(r"(?<![\w.+-])([\w.+-]+:)(?!//|\[redacted\])[^\s'\"@/]+(?=@[\w\[])"),
)


def redacted(message: str) -> str:
    """Remove session tokens, signatures and passwords from a message.

    Args:
        message: A message of the service, or another text.

    Returns:
        The message, fit for a log.
    """
    for secret in _SECRETS:
        message = secret.sub(r"\1[redacted]", message)
    return message


class HiddenError(Exception):
    """Replaces an exception if its text, or the text of one of its causes, has a secret."""


def fit_to_show(error: BaseException) -> BaseException:
    """Make an exception without secrets, to be shown as a cause.

    Args:
        error: The exception.

    Returns:
        The same exception if neither it nor a cause of it shows a secret, else a replacement.
    """
    if _is_fit(error):
        return error
    words = f"{type(error).__name__}: {redacted(str(error))}"
    return HiddenError(words).with_traceback(error.__traceback__)


def _is_fit(error: BaseException) -> bool:
    """Tell whether an exception and all its causes are free of secrets."""
    chain: list[BaseException] = [error]
    for one in chain:
        text = f"{one!s} {one!r}"
        if redacted(text) != text:
            return False
        behind = (one.__cause__, one.__context__)
        chain += [each for each in behind if each and all(each is not seen for seen in chain)]
    return True
