"""How a training plan is kept: the choice of an extension, and what was reached."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import frozen

from sagemaker_plans.models._plain import PlainModel
from sagemaker_plans.models._training import (
    ExtensionReceipt,
    TrainingPlanExtension,
    TrainingPlanExtensionOffering,
)

CandidateVerdict = Literal["chosen", "dearer", "too_short", "over_limit", "unusable"]
"""What was decided about an offering.

``chosen``: it is the choice.
``dearer``: it would do, but another one is better.
``too_short``: it does not reach far enough, and another one does.
``over_limit``: its fee is above the limit, or nothing that begins with it stays within it.
``unusable``: its fee, its currency or its dates do not allow to compare it.
"""


@frozen(kw_only=True)
class ExtensionCandidate(PlainModel):
    """An offering that was seen, and why it was chosen or not."""

    offering: TrainingPlanExtensionOffering
    """The offering."""
    usable_until: datetime | None
    """Until when the machines could be used with it (UTC); None if its dates do not say it."""
    covers: bool
    """Whether that reaches the wanted date."""
    verdict: CandidateVerdict
    """What was decided."""
    reason: str
    """The reason, in words."""


@frozen(kw_only=True)
class ExtensionChoice(PlainModel):
    """The result of ``choose_extension``. Nothing was bought."""

    training_plan_arn: str
    """The plan."""
    until: datetime
    """Until when the plan should be usable (UTC)."""
    offering: TrainingPlanExtensionOffering | None
    """The offering to buy next; None if there is none, or if none is needed."""
    covers: bool
    """Whether the plan is usable until the wanted date, with this offering."""
    usable_until: datetime | None
    """Until when the plan is usable with the choice (UTC); None if that is not known."""
    reason: str
    """Why this is the choice, in words."""
    candidates: tuple[ExtensionCandidate, ...] = ()
    """Every offering that was seen."""
    combination: tuple[TrainingPlanExtensionOffering, ...] = ()
    """The cheapest combination that reaches the date at today's prices, of the offerings seen.
    Only the first one can be bought now; the prices of the others may change."""
    combination_fee: Decimal | None = None
    """What the combination costs, in the currency of the choice; None if there is none."""

    def explain(self) -> str:
        """Write the choice as a table.

        Returns:
            The text, without a newline at its end.
        """
        from sagemaker_plans.models._tables import coverage_text  # noqa: PLC0415  # rarely needed

        return coverage_text.choice_text(self)

    def __rich__(self) -> str:
        return self.explain().replace("[", r"\[")

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import coverage_text  # noqa: PLC0415  # rarely needed

        return coverage_text.choice_html(self)


@frozen(kw_only=True)
class Coverage(PlainModel):
    """The result of ``ensure_until``."""

    training_plan_arn: str
    """The plan."""
    until: datetime
    """Until when the plan should be usable (UTC)."""
    covered: bool
    """Whether it is: paid for, and no payment pending."""
    usable_until: datetime | None
    """Until when it is usable with all extensions that are known (UTC)."""
    bought: tuple[ExtensionReceipt, ...] = ()
    """What this call bought."""
    spent: Decimal
    """What the known extensions cost, those of this call included, in ``currency_code``."""
    budget: Decimal
    """What they may cost."""
    currency_code: str
    """The currency."""
    pending: TrainingPlanExtension | None = None
    """The extension whose payment is pending; None if there is none."""
    next_at: datetime | None = None
    """When to call again (UTC); None if nothing remains to be done."""
    reason: str | None = None
    """What has to happen before it goes on, in words; None if nothing remains to be done."""
    late: bool = False
    """Whether it bought so late that a slow payment may fail."""

    def explain(self) -> str:
        """Write the result as a table.

        Returns:
            The text, without a newline at its end.
        """
        from sagemaker_plans.models._tables import coverage_text  # noqa: PLC0415  # rarely needed

        return coverage_text.coverage_text(self)

    def __rich__(self) -> str:
        return self.explain().replace("[", r"\[")

    def _repr_html_(self) -> str:
        from sagemaker_plans.models._tables import coverage_text  # noqa: PLC0415  # rarely needed

        return coverage_text.coverage_html(self)
