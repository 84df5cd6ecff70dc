"""The table of errors has a row for each error, in the order of the tree."""

import re
from typing import Final

from docs.pages import ROOT
from sagemaker_plans import errors

PAGE: Final = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")


def test_each_error_has_one_row() -> None:
    listed = re.findall(r"^\| \{class\}`~sagemaker_plans\.(\w+)`", PAGE, re.MULTILINE)

    assert sorted(listed) == sorted({*errors.__all__} - {"SageMakerPlansError"})
