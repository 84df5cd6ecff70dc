"""The journal of purchases: each is made once, across crashes, restarts and processes.

Pass a journal as ``AsyncClient(journal=...)``. Then ``extend`` writes a record before it sends
a purchase, and what became of it afterwards.
"""

from sagemaker_plans.journal._record import (
    ClosedBy,
    PurchaseJournal,
    PurchaseRecord,
    PurchaseState,
)

__all__ = ["ClosedBy", "PurchaseJournal", "PurchaseRecord", "PurchaseState"]
