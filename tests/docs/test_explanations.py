"""What the tables of the pages show of the code is what the code has."""

import re
from typing import Final

from docs.pages import ROOT
from sagemaker_plans import EdgeDeploymentPlans
from sagemaker_plans._engine.retry_rules import DECISIONS
from sagemaker_plans._wire.operations import OPERATIONS, Safety

EXPLANATION: Final = ROOT / "docs" / "explanation"
CREDENTIALS: Final = ROOT / "docs" / "how-to" / "credentials-and-regions.md"


def permissions() -> tuple[str, str]:
    """Split the page of the permissions: those of the methods, and those to create."""
    page = CREDENTIALS.read_text(encoding="utf-8").partition("## Permissions\n")[2]
    of_methods, _, to_create = page.partition("### Permissions to create\n")
    return of_methods, to_create


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


def test_the_waits_for_stages_are_all_named() -> None:
    page = (ROOT / "docs" / "how-to" / "wait-and-watch.md").read_text(encoding="utf-8")
    promises = (ROOT / "README.md").read_text(encoding="utf-8").partition("**Waits end.**")[2]
    waits = {name for name in dir(EdgeDeploymentPlans) if name.startswith("wait_until_")}

    assert {*re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)} == waits
    assert {*re.findall(r"`(wait_\w+)`", promises.partition("\n- ")[0])} == waits


def test_the_permissions_name_every_operation() -> None:
    of_methods, _ = permissions()

    operations = set(re.findall(r"\b(?:[A-Z][a-z]+){3,}\b", of_methods))
    assert operations == {operation.name for operation in OPERATIONS}


def test_an_operation_that_sends_tags_needs_the_permission_to_add_them() -> None:
    _, to_create = permissions()

    rows = re.findall(r"^\| (Create\w+).*?\| (.*?) \|", to_create, re.MULTILINE)
    assert {name for name, needed in rows if "AddTags" in needed} == {
        operation.name for operation in OPERATIONS if "Tags" in operation.members
    }
    assert dict(rows)["CreateTrainingPlan"] == "CreateReservedCapacity, AddTags"
