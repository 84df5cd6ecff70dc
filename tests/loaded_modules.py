"""What an interpreter of its own has imported after some code."""

import os
import subprocess
import sys


def modules_after(code: str) -> set[str]:
    """Run code in an interpreter of its own, and name the modules that it has then."""
    # Coverage measures new interpreters too, and would load modules of its own there.
    unmeasured = {name: each for name, each in os.environ.items() if "COVERAGE" not in name}
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env=unmeasured,
    )
    return {*told.stdout.split()}
