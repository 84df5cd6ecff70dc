"""Checks of settings that clients and journals share."""

import re
from collections.abc import Iterator
from typing import Final

from sagemaker_plans._engine.retry_policy import RetryPolicy
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.models._validation import shown

# Without a user, and with a number as its port.
_URL: Final = re.compile(
    r"https?://(?:\[[^\]@]*\]|[^/?#@:\[\]]+)(?::[0-9]*)?(?:[/?#]|$)", re.IGNORECASE
)


def text_problems(argument: str, value: object) -> Iterator[str]:
    """Check a setting that is a text.

    Args:
        argument: The name of the argument, for messages.
        value: The value that a caller passed; None if it was not given.

    Yields:
        Each problem.
    """
    if value is not None and (not isinstance(value, str) or not value.strip()):
        # Bytes, or an object that stands for a URL, may show a password.
        got = redacted(shown(value))
        yield f"{argument}: got {got}; allowed are a string that is not empty, and None"
    elif argument == "endpoint_url" and value is not None and not _URL.match(str(value)):
        if "@" in str(value):
            # The value is not shown, because the part before the @ is a secret.
            yield "endpoint_url: allowed are URLs without a user's name and password"
        else:
            yield f"{argument}: got {shown(value)}; allowed are URLs, with http:// or https://"


def retry_problems(retry: object) -> Iterator[str]:
    """Check a policy of retries.

    Args:
        retry: The value that a caller passed.

    Yields:
        Each problem.
    """
    if not isinstance(retry, RetryPolicy):
        yield f"retry: a RetryPolicy is needed, got {shown(retry)}"


def raise_for(subject: str, problems: list[str]) -> None:
    """Raise if there are problems.

    Args:
        subject: What was called.
        problems: Each problem, as a sentence.

    Raises:
        ConfigurationError: If there is any problem; it lists them all.
    """
    if problems:
        raise ConfigurationError(f"{subject}: " + "; ".join(problems))
