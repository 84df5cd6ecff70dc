"""The command when nobody waits for it any more, and the keys that it is given."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.requests_made import send_signed
from emulator.test_command import run
from sagemaker_plans.emulator import Emulator, _command
from sagemaker_plans.emulator.__main__ import main


def interrupt(*_values: object) -> Any:
    """Stand for Ctrl-C."""
    raise KeyboardInterrupt


def test_ctrl_c_before_it_serves_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as reading:
        reading.setattr(sys, "stdin", SimpleNamespace(buffer=SimpleNamespace(read=interrupt)))
        assert main(["--seed", "-"]) == 130
    monkeypatch.setattr(_command, "run", interrupt)
    assert main([]) == 130
    assert capfd.readouterr() == ("", "")


def test_the_package_is_imported_before_anything_that_is_slow() -> None:
    """What Ctrl-C interrupts before `main` would be a traceback."""
    code = "import sys, sagemaker_plans.emulator.__main__; print('attrs' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


@pytest.mark.parametrize("piped", [None, b"", b"\xef\xbb\xbf \n"])
def test_an_input_without_a_seed_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], piped: bytes | None
) -> None:
    stdin = None if piped is None else SimpleNamespace(buffer=io.BytesIO(piped))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["--seed", "-", "--export-seed", "-"]) == 1
    assert capsys.readouterr().err == (
        "The emulator cannot start: standard input has no seed; {} is the seed of an empty "
        "account\n"
    )


def test_an_empty_account_comes_through_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"{}")))
    assert main(["--seed", "-", "--export-seed", "-"]) == 0
    assert '"fleets": []' in capsys.readouterr().out


def test_an_output_that_nobody_reads_ends_it_with_one_line() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "sagemaker_plans.emulator"],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith("The emulator cannot start: standard output cannot be written: ")


def test_a_second_account_has_a_key_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def visit(emulator: Emulator) -> None:
        assert emulator.access_key_id == "test"
        assert send_signed(emulator).status == 200
        assert send_signed(emulator, key="111122223333", secret="a:b").status == 200
        assert [one.account_id for one in emulator.requests] == ["123456789012", "111122223333"]

    assert run(["--credentials", "111122223333:a:b"], monkeypatch, visit) == 0


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("111122223333", "takes an access key id, a colon and its secret key, such as 11112222"),
        (":secret", "an access key id is a text without blanks, commas and slashes, not ''"),
        ("key:", "the secret key of 'key' must be a text"),
    ],
)
def test_wrong_keys_of_the_command_line_are_told(
    capsys: pytest.CaptureFixture[str], given: str, problem: str
) -> None:
    assert main(["--credentials", given]) == 1
    assert problem in capsys.readouterr().err


def test_keys_and_any_keys_are_not_asked_for_together(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--any-credentials", "--credentials", "a:b"])
    assert "not allowed with argument" in capsys.readouterr().err
