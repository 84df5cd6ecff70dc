"""Real processes on one FileJournal: killed while they write, and racing for numbers."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio
import pytest

from journal import file_writer
from journal.records import PLAN
from sagemaker_plans.journal import FileJournal, PurchaseRecord

KILLS = 24
RACERS = 8


def start(*arguments: str) -> subprocess.Popen[str]:
    unmeasured = {name: each for name, each in os.environ.items() if "COVERAGE" not in name}
    return subprocess.Popen(
        [sys.executable, file_writer.__file__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**unmeasured, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def read(folder: Path) -> tuple[PurchaseRecord, ...]:
    return anyio.run(FileJournal(folder).records, PLAN)


def test_a_killed_process_leaves_no_half_record_and_loses_none_that_it_told_of(
    tmp_path: Path,
) -> None:
    begun: dict[str, int] = {}
    ended: dict[str, int] = {}
    for _ in range(KILLS):
        process = start("write", str(tmp_path))
        assert process.stdout is not None
        # It is writing now. The kill comes at any point of the next writes.
        told = [process.stdout.readline()]
        told += [process.stdout.readline() for _ in range(random.randrange(12))]
        for _ in range(random.randrange(20_000)):
            pass
        process.kill()
        told += process.communicate()[0].splitlines()
        for line in told:
            match line.split():
                case ["begun", number, own]:
                    begun[own] = int(number)
                case ["ended", number, own]:
                    ended[own] = int(number)
                case _:
                    pass  # the last line may be cut

        records = {each.id: each for each in read(tmp_path)}

        assert {own: records[own].number for own in begun} == begun
        assert {own: records[own].number for own in ended} == ended
        assert {records[own].state for own in ended} <= {"not_bought"}
        assert [each.number for each in records.values()] == [*range(1, len(records) + 1)]
        # What it did not come to tell may be there, whole: one begin, or one end.
        assert len(records) <= len(begun) + KILLS

    assert len(begun) >= KILLS


def test_of_processes_that_race_for_a_number_one_wins(tmp_path: Path) -> None:
    processes = [start("race", str(tmp_path)) for _ in range(RACERS)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate()[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * RACERS
    won = [tuple(line.split()) for each in told for line in each.splitlines()]
    numbers = Counter(int(number) for _, number, _ in won)
    assert numbers == Counter(range(1, file_writer.NUMBERS + 1))
    assert {("won", str(each.number), each.id) for each in read(tmp_path)} == {*won}


@pytest.mark.parametrize("revision", ["begin", "end"])
def test_a_file_of_a_killed_writer_does_not_stop_the_next(tmp_path: Path, revision: str) -> None:
    process = start("write", str(tmp_path))
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(1 if revision == "begin" else 2)]
    process.kill()
    process.communicate()
    assert lines[-1].startswith("begun" if revision == "begin" else "ended")
    before = len(read(tmp_path))

    again = start("write", str(tmp_path))
    assert again.stdout is not None
    assert again.stdout.readline().split()[:2] == ["begun", str(before + 1)]
    again.kill()
    again.communicate()
