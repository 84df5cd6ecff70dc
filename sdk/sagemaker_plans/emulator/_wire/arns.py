"""ARNs: names of resources that also say partition, region and account."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

ACCOUNT_ID: Final = "123456789012"
"""The account of every caller whose access key names no other."""

REGION: Final = "us-east-1"
"""The region of every caller and resource that names no other."""

_MOST_PLACES: Final = 1000
# So many beginnings of ARNs are kept. A caller can sign for any region.


@functools.lru_cache(_MOST_PLACES)
def arn_start(region: str, account_id: str) -> str:
    """Return what all ARNs of SageMaker in a region and an account begin with, up to a colon."""
    return f"arn:{_partition_of(region)}:sagemaker:{region}:{account_id}:"


def _partition_of(region: str) -> str:
    """Return the partition of a region, `aws` for one that botocore does not know."""
    return next((name for name, regions in _partitions() if regions.fullmatch(region)), "aws")


@functools.cache
def _partitions() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Load botocore's list of partitions, each with a pattern of its regions."""
    from botocore.loaders import Loader  # noqa: PLC0415  # slow, for who only makes a seed

    description: Mapping[str, list[Mapping[str, str]]] = Loader().load_data("partitions")
    return tuple(
        (partition["id"], re.compile(partition["regionRegex"]))
        for partition in description["partitions"]
    )
