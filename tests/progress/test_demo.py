"""The demo that the README begins with, run as a newcomer runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "docs" / "examples" / "demo.py"
WITHOUT_RICH = (
    "import runpy, sys; sys.modules['rich'] = None; "
    f"runpy.run_path({str(DEMO)!r}, run_name='__main__')"
)
# Settings that lead elsewhere, and that a machine may well have.
HOSTILE = {
    "AWS_PROFILE": "a-profile-that-is-not-there",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_SESSION_TOKEN": "expired",
    "AWS_MAX_ATTEMPTS": "many",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


@pytest.mark.parametrize("arguments", [(str(DEMO),), ("-c", WITHOUT_RICH)], ids=["rich", "plain"])
def test_it_tells_its_story_whatever_the_machine_is_set_to(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[default\nregion=", encoding="utf-8")
    files = {"AWS_CONFIG_FILE": str(broken), "AWS_SHARED_CREDENTIALS_FILE": str(broken)}

    finished = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, **HOSTILE, **files},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (finished.returncode, finished.stderr) == (0, "")
    story, lines = finished.stdout, finished.stdout.splitlines()
    assert "Stopped, because cam-002 failed: The device agent reported a failure." in lines
    assert story.index("canary: FAILED") < story.index("Stopped, because")
    assert story.index("canary: DEPLOYED") < story.index("everyone: DEPLOYED")
    assert "Rolled out: canary deployed, everyone deployed" in lines
    assert "Receipt: tpeo-0123456789abcdef, purchased" in lines
    assert re.fullmatch(r"On the wire: [0-9]+ requests, of which 1 purchase\.", lines[-2])
    assert lines[-1].startswith("Done")
    assert "\x1b" not in story
