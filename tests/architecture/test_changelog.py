"""Who opens CHANGELOG.md finds the version that is installed."""

import re
from datetime import date
from pathlib import Path

import sagemaker_plans

CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]


def test_what_is_not_released_comes_first() -> None:
    assert SECTIONS[0].startswith("[Unreleased]\n")


def test_each_version_has_a_date_and_changes_and_the_latest_comes_first() -> None:
    dates: list[date] = []
    for section in SECTIONS[1:]:
        heading = re.match(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d\d-\d\d)\n", section)
        assert heading is not None, section.partition("\n")[0]
        dates.append(date.fromisoformat(heading[1]))
        assert "\n- " in section
    assert dates == sorted(dates, reverse=True)


def test_this_version_has_a_section() -> None:
    version = sagemaker_plans.__version__
    wanted = "[Unreleased]" if ".dev" in version else f"[{version}]"

    assert [each for each in SECTIONS if each.startswith(wanted)] != []
