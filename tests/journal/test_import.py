"""What `sagemaker_plans.journal` gives, and what its import costs."""

import pytest

from loaded_modules import modules_after
from sagemaker_plans import journal
from sagemaker_plans.journal import _check, _dynamodb, _file


def test_the_import_loads_no_store() -> None:
    loaded = modules_after("import sagemaker_plans.journal")

    stores = {f"sagemaker_plans.journal.{name}" for name in ("_check", "_dynamodb", "_file")}
    assert not loaded & {"aiobotocore", "pathlib", "json", *stores}


def test_a_journal_loads_no_aiobotocore() -> None:
    loaded = modules_after("from sagemaker_plans.journal import *; DynamoDBJournal('purchases')")

    assert "sagemaker_plans.journal._dynamodb" in loaded
    assert "aiobotocore" not in loaded


def test_every_public_name_is_there() -> None:
    assert [*journal.__all__] == sorted(journal.__all__)
    assert {*journal.__all__} <= {*dir(journal)}
    assert journal.FileJournal is _file.FileJournal
    assert journal.DynamoDBJournal is _dynamodb.DynamoDBJournal
    assert journal.check_journal is _check.check_journal


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Paper'"):
        getattr(journal, "Paper")  # noqa: B009  # checkers know that there is none
