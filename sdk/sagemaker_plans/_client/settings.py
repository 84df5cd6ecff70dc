"""Checks of the settings of a client."""

from collections.abc import Iterator

from sagemaker_plans._engine.durations import duration_problems
from sagemaker_plans._engine.pacing import PacePolicy
from sagemaker_plans._engine.polling import PollSchedule
from sagemaker_plans._setting_checks import retry_problems
from sagemaker_plans.models._validation import shown


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
    yield from retry_problems(retry)
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
