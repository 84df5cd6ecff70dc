"""The journal of purchases: each is made once, across crashes, restarts and processes.

Pass a journal as ``AsyncClient(journal=...)``. Then ``extend`` writes a record before it sends
a purchase, and what became of it afterwards.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

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

# The whole package imports this module, but few programs have a journal. These import pathlib,
# json and more, which would add 24 ms of CPU time to the 142 that importing the package costs
# (medians of 15 interleaved processes, bytecode compiled before).
_FETCHED_WHEN_USED: Final = {
    "DynamoDBJournal": "_dynamodb",
    "FileJournal": "_file",
    "check_journal": "_check",
}

if TYPE_CHECKING:
    from sagemaker_plans.journal._check import check_journal
    from sagemaker_plans.journal._dynamodb import DynamoDBJournal
    from sagemaker_plans.journal._file import FileJournal

else:

    def __getattr__(name: str) -> object:
        if name not in _FETCHED_WHEN_USED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_FETCHED_WHEN_USED[name]}"), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
