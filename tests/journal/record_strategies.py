"""Any record of a purchase, as hypothesis finds them. Slow to import."""

from datetime import UTC
from typing import Final

from hypothesis import strategies as st

from models.samples.model_strategies import EPOCH, LAST_EXACT
from sagemaker_plans.journal import PurchaseRecord
from sagemaker_plans.models import TrainingPlanExtension

_TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]))
# To Python, a time that a change of the clock skips or repeats equals no time of another zone.
_TIMES: Final = st.datetimes(
    EPOCH.replace(tzinfo=None), LAST_EXACT.replace(tzinfo=None), timezones=st.timezones()
).filter(lambda time: time == time.astimezone(UTC))
_UTC_TIMES: Final = st.datetimes(
    EPOCH.replace(tzinfo=None), LAST_EXACT.replace(tzinfo=None), timezones=st.just(UTC)
)
_FEES: Final = st.decimals(allow_nan=False, allow_infinity=False)


@st.composite
def _extensions(draw: st.DrawFn) -> TrainingPlanExtension:
    fee = draw(st.none() | st.decimals(0, 10**9, places=2))
    return TrainingPlanExtension(
        offering_id=draw(_TEXTS),
        extended_at=draw(st.none() | _UTC_TIMES),
        start_date=draw(st.none() | _UTC_TIMES),
        end_date=draw(st.none() | _UTC_TIMES),
        status=draw(st.none() | st.text(min_size=1)),
        payment_status=draw(st.none() | st.text(min_size=1)),
        duration_hours=draw(st.none() | st.integers(0, 2**31)),
        upfront_fee=fee,
        upfront_fee_text=None if fee is None else f"{fee:f}",
        currency_code=draw(st.none() | st.just("USD")),
    )


def records() -> st.SearchStrategy[PurchaseRecord]:
    """Draw any record."""
    return st.builds(
        PurchaseRecord,
        plan=_TEXTS,
        number=st.integers(1, 10**9),
        id=_TEXTS,
        revision=st.integers(0, 10**6),
        idempotency_key=_TEXTS,
        offering_id=_TEXTS,
        upfront_fee=st.none() | _FEES,
        currency_code=st.none() | _TEXTS,
        extends_from=st.none() | _TIMES,
        written_at=_TIMES,
        send_by=_TIMES,
        host=_TEXTS,
        process=st.integers(0, 2**32),
        state=st.sampled_from(["open", "bought", "failed", "not_bought"]),
        closed_by=st.sampled_from([None, "caller", "history", "person"]),
        receipt=st.none() | _extensions(),
    )
