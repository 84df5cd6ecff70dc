"""``SageMakerConsoleLink``: a button in Airflow's interface that leads to the AWS console."""

from typing import Any, Final
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink

_DOMAINS: Final = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


class SageMakerConsoleLink(BaseOperatorLink):
    """Leads to SageMaker in the AWS console, in the region of the plan."""

    @property
    def name(self) -> str:
        """The text of the button."""
        return "SageMaker console"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ANN401, ARG002  # Airflow's signature, which differs between its releases
        """Give the address.

        Args:
            operator: The operator, with its templates rendered.
            ti_key: The task instance.

        Returns:
            The address; empty in a partition whose console is not known here.
        """
        return console_link(
            getattr(operator, "training_plan_arn", None), operator.connection.region_name
        )


def console_link(training_plan_arn: str | None, region_name: str | None) -> str:
    """Give the address of SageMaker's page in the console.

    Args:
        training_plan_arn: The plan, whose ARN says the partition and the region.
        region_name: The region, if there is no such plan; None if it is not known here.

    Returns:
        The address; empty in a partition whose console is not known here.
    """
    if training_plan_arn is not None:
        # Airflow also asks after a task that has failed, because this is no ARN for example.
        _, partition, _, region, *_ = [*training_plan_arn.split(":"), "", "", "", ""]
    else:
        region = region_name or ""
        first = region.split("-")[0:2]
        partition = {"cn": "aws-cn"}.get(first[0], "aws")
        partition = "aws-us-gov" if first == ["us", "gov"] else partition
    domain = _DOMAINS.get(partition)
    query = f"?{urlencode({'region': region})}" if region else ""
    return f"https://{domain}/sagemaker/home{query}" if domain else ""
