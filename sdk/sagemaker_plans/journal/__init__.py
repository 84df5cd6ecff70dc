"""The journal of purchases: each is made once, across crashes, restarts and processes.

Pass a journal as ``AsyncClient(journal=...)``. Then ``extend`` writes a record before it sends
a purchase, and what became of it afterwards.
"""

from typing import TYPE_CHECKING

from sagemaker_plans._lazy_names import lazy_names
from sagemaker_plans.journal._record import (
    ClosedBy,
    PurchaseJournal,
    PurchaseRecord,
    PurchaseState,
)

__all__ = [
    "ClosedBy",
    "DynamoDBJournal",
    "FileJournal",
    "PurchaseJournal",
    "PurchaseRecord",
    "PurchaseState",
    "check_journal",
]

if TYPE_CHECKING:
    from sagemaker_plans.journal._check import check_journal
    from sagemaker_plans.journal._dynamodb import DynamoDBJournal
    from sagemaker_plans.journal._file import FileJournal
else:
    # Every client imports this package, but few programs have a journal. These import pathlib,
    # json and more, which would add 24 ms of CPU time (median of 15 interleaved processes).
    __getattr__, __dir__ = lazy_names(
        __name__,
        {"DynamoDBJournal": "_dynamodb", "FileJournal": "_file", "check_journal": "_check"},
    )
