"""Journals in a table of DynamoDB for the tests."""

from typing import Any

from harness import fast_retries, session
from sagemaker_plans.journal import DynamoDBJournal


def journal_at(endpoint_url: str, table: str = "journal", **settings: Any) -> DynamoDBJournal:
    """Make a journal that retries fast."""
    known: dict[str, Any] = {
        "session": session(),
        "region_name": "us-east-1",
        "retry": fast_retries(max_attempts=3),
        **settings,
    }
    return DynamoDBJournal(table, endpoint_url=endpoint_url, **known)
