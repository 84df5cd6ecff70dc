"""``TaskStateJournal``: the journal of purchases in Airflow's task state store."""

from datetime import timedelta
from typing import Any, Final, Protocol, cast, final

from airflow.sdk import Context
from anyio import to_thread

from sagemaker_plans.errors import ConfigurationError
from sagemaker_plans.journal import PurchaseJournal, PurchaseRecord
from sagemaker_plans.journal._arguments import check_first, check_next, check_plan

HAS_TASK_STATE_STORE: Final = "task_state_store" in Context.__annotations__
"""Whether this Airflow has a task state store; it came with 3.3."""

_PREFIX: Final = "sagemaker_plans.purchase"
# Airflow compares by identity, so this is its own NEVER_EXPIRE, of which older ones have none.
_NEVER_EXPIRE: Final = timedelta.max


class TaskStateStore(Protocol):
    """What this package uses of Airflow's task state store."""

    def get(self, key: str, /) -> Any:  # noqa: ANN401  # any JSON value
        """Give the value of a key; None if there is none."""
        ...

    def set(self, key: str, value: Any, /, *, retention: timedelta) -> None:  # noqa: ANN401  # likewise
        """Write the value of a key."""
        ...


@final
class TaskStateJournal:
    """The journal of one task, in the task state store of Airflow 3.3 and newer.

    Every try of a task in a DAG run sees what the earlier ones wrote, whatever was killed in
    between. A try that Airflow has given up (its supervisor is gone, or the scheduler started the
    task again) can write nothing any more. So a record that was written *and read again* belongs
    to the try that counts. That is the fence: the store's writes are not conditional.

    Other tasks and other runs have stores of their own. Two tasks that buy for the same training
    plan do not see each other's records here: give them a ``DynamoDBJournal``.

    The records never expire by themselves. Airflow deletes them together with the DAG run, with
    ``[state_store] clear_on_success`` after each success, and if somebody clears the store.

    Args:
        store: ``context["task_state_store"]``.
    """

    # Each access is a blocking request to the supervisor, so it is made in a thread. A cancellation
    # waits for it: afterwards it is known what was written.

    def __init__(self, store: TaskStateStore) -> None:
        self._store = store

    async def records(self, plan: str, /) -> tuple[PurchaseRecord, ...]:
        """Read all records of a plan, each in its latest revision.

        Args:
            plan: The plan, as in ``PurchaseRecord.plan``.

        Returns:
            The records by their number; empty if there are none.

        Raises:
            InvalidRequestError: If it is not a text.
            ValueError: If a value in the store is not a record of this plan.
            Exception: Airflow's, if the store cannot be read.
        """
        check_plan(plan)
        return await to_thread.run_sync(self._records, plan)

    async def begin(self, record: PurchaseRecord, /) -> bool:
        """Write a new record, unless the plan has a record with this number.

        Args:
            record: The record, with revision 0.

        Returns:
            Whether the journal now has this very record. False if the number is taken.

        Raises:
            InvalidRequestError: If it is not a record with revision 0.
            ValueError: If the record before it is missing.
            Exception: Airflow's, if the store cannot be read or written, and whenever this try
                of the task does not count any more.
        """
        check_first(record)
        return await to_thread.run_sync(self._begin, record)

    async def end(self, record: PurchaseRecord, /) -> bool:
        """Replace a record by its next revision.

        Args:
            record: The new revision.

        Returns:
            Whether the journal now has this very revision. False if it has another one.

        Raises:
            InvalidRequestError: If it is not a record with a later revision.
            ValueError: If a value in the store is no record.
            Exception: Airflow's, as for ``begin``.
        """
        check_next(record)
        return await to_thread.run_sync(self._end, record)

    def _records(self, plan: str) -> tuple[PurchaseRecord, ...]:
        records: list[PurchaseRecord] = []
        while (record := self._read(plan, len(records) + 1)) is not None:
            records.append(record)
        return tuple(records)

    def _begin(self, record: PurchaseRecord) -> bool:
        earlier = self._read(record.plan, record.number)
        if earlier is not None:
            return earlier.id == record.id
        # A number without the one before would never be read.
        if record.number > 1 and self._read(record.plan, record.number - 1) is None:
            raise ValueError(f"begin: there is no record {record.number - 1} of {record.plan}")
        return self._written(record)

    def _end(self, record: PurchaseRecord) -> bool:
        earlier = self._read(record.plan, record.number)
        if earlier is None or earlier.id != record.id:
            return False
        if earlier.revision != record.revision - 1:
            return earlier == record
        return self._written(record)

    def _written(self, record: PurchaseRecord) -> bool:
        key = _key(record.plan, record.number)
        self._store.set(key, record.to_dict(), retention=_NEVER_EXPIRE)
        # A try that was given up may have had its write let through at the last moment, and
        # reads nothing now: to it the store is empty.
        there = self._read(record.plan, record.number)
        if there is None:
            raise RuntimeError(
                "the record that was just written to the task state store is not there: this try "
                "of the task does not count any more"
            )
        return there == record

    def _read(self, plan: str, number: int) -> PurchaseRecord | None:
        key = _key(plan, number)
        value = self._store.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ValueError(f"task state store: {key}: this is not the record of a purchase")  # noqa: TRY004  # of the value that somebody stored
        record = PurchaseRecord.from_dict(cast("dict[str, object]", value))
        if (record.plan, record.number) != (plan, number):
            raise ValueError(f"task state store: {key}: this is the record of another purchase")
        return record


def _key(plan: str, number: int) -> str:
    return f"{_PREFIX}:{plan}:{number}"


def check_journal_given(operator: str, journal: object) -> None:
    """Refuse an operator that would buy without a journal.

    Args:
        operator: The class of the operator, for the message.
        journal: The journal that was given; None for the task state store.

    Raises:
        ConfigurationError: If none was given, and this Airflow has no task state store.
    """
    if journal is None and not HAS_TASK_STATE_STORE:
        raise ConfigurationError(
            f"{operator}: journal: this Airflow has no task state store (it came with 3.3), so a "
            "retry could buy again; pass a DynamoDBJournal, or a FileJournal in a folder that all "
            "workers share"
        )
    if journal is not None and not isinstance(journal, PurchaseJournal):
        raise ConfigurationError(
            f"{operator}: journal: a PurchaseJournal is needed (records, begin, end), "
            f"got {journal!r}"
        )


def journal_of(operator: str, journal: PurchaseJournal | None, context: Context) -> PurchaseJournal:
    """Give the journal of a task.

    Args:
        operator: The class of the operator, for the message.
        journal: The journal that was given to it; None for the task state store.
        context: The context of the try.

    Returns:
        The journal.

    Raises:
        ConfigurationError: If none was given to a mapped task, to one of a DAG whose runs may
            overlap, or to a try without a store.
    """
    if journal is not None:
        return journal
    index = context["ti"].map_index
    if index is not None and index >= 0:
        raise ConfigurationError(
            f"{operator}: journal: mapped tasks run at the same time, and do not see each other's "
            "purchases in the task state store; pass a DynamoDBJournal, or a FileJournal in a "
            "folder that all workers share"
        )
    # Tasks of several runs that are deferred until the same day would even buy at the same time.
    if context["dag"].max_active_runs != 1:
        raise ConfigurationError(
            f"{operator}: journal: runs of this DAG may overlap, and do not see each other's "
            "purchases in the task state store; set max_active_runs=1 for the DAG, or pass a "
            "DynamoDBJournal, or a FileJournal in a folder that all workers share"
        )
    store = context.get("task_state_store")
    if store is None:
        raise ConfigurationError(
            f"{operator}: journal: Airflow gives this try no task state store; pass a journal"
        )
    return TaskStateJournal(cast("TaskStateStore", store))
