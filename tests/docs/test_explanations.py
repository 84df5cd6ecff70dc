"""What the explanations show of the code is what the code has."""

import re
from typing import Final

from docs.pages import ROOT
from sagemaker_plans._engine.retry_rules import DECISIONS
from sagemaker_plans._wire.operations import Safety

EXPLANATION: Final = ROOT / "docs" / "explanation"


def test_the_table_of_retries_is_the_code_s() -> None:
    page = (EXPLANATION / "retries-and-money.md").read_text(encoding="utf-8")
    table = re.findall(r"^\|(.+)\|$", page, re.MULTILINE)
    header, _, *rows = ([cell.strip() for cell in line.split("|")] for line in table)

    shown = {
        (row[0], safety): decision
        for row in rows
        for safety, decision in zip(header[1:], row[1:], strict=True)
    }

    assert header[1:] == [safety.value for safety in Safety]
    assert shown == {
        (happened.value, safety.value): decision.value
        for (happened, safety), decision in DECISIONS.items()
    }
