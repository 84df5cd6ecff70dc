"""A process that writes records to a FileJournal as fast as it can, and tells what it wrote.

It is started by `test_file_processes.py`, which kills it, or lets several race.
"""

import sys

import anyio

from journal.records import PLAN, a_record, ended
from sagemaker_plans.journal import FileJournal, PurchaseRecord

NUMBERS = 25


def tell(what: str, record: PurchaseRecord) -> None:
    sys.stdout.write(f"{what} {record.number} {record.id}\n")
    sys.stdout.flush()


async def write(folder: str) -> None:
    """Begin and end one record after the other, and tell of each only when it has returned."""
    journal = FileJournal(folder)
    number = len(await journal.records(PLAN))
    while True:
        number += 1
        record = a_record(number)
        assert await journal.begin(record)
        tell("begun", record)
        assert await journal.end(ended(record))
        tell("ended", record)


async def race(folder: str) -> None:
    """Try to begin each number, and tell which of them were won."""
    journal = FileJournal(folder)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for number in range(1, NUMBERS + 1):
        record = a_record(number)
        if await journal.begin(record):
            tell("won", record)


if __name__ == "__main__":
    anyio.run({"write": write, "race": race}[sys.argv[1]], sys.argv[2])
