"""Checks of the settings of a client."""

import re
from collections.abc import Iterator
from typing import Final

from sagemaker_plans._engine.durations import duration_problems
from sagemaker_plans._engine.pacing import PacePolicy
from sagemaker_plans._engine.polling import PollSchedule
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


def setting_problems(
    retry: object, polling: object, pace: object, journal: object, request_timeout: object
) -> Iterator[str]:
    """Check the settings that are the same for each way to make a client.

    Args:
        retry: The policy of retries.
        polling: The schedule of waits.
        pace: The policy of pacing.
        journal: The journal of purchases; None for none.
        request_timeout: The longest that one attempt may take, in seconds.

    Yields:
        Each problem.
    """
    if not isinstance(retry, RetryPolicy):
        yield f"retry: a RetryPolicy is needed, got {shown(retry)}"
    if not isinstance(polling, PollSchedule):
        yield f"polling: a PollSchedule is needed, got {shown(polling)}"
    if not isinstance(pace, PacePolicy):
        yield f"pace: a PacePolicy is needed, got {shown(pace)}"
    if journal is not None:
        from sagemaker_plans.journal import PurchaseJournal  # noqa: PLC0415  # few programs have one

        if not isinstance(journal, PurchaseJournal) or isinstance(journal, type):
            yield (
                f"journal: a PurchaseJournal is needed (records, begin, end), got {shown(journal)}"
            )
    yield from duration_problems("request_timeout", request_timeout)


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
