"""What is open and what is closed in the public types: four type checkers have to agree.

A line with an ignore is wrong on purpose, and says how mypy and pyright word it.
`nox -s typing_api` also removes the ignores, and requires of pyrefly and ty errors in the same
lines and in no others.
"""

from decimal import Decimal
from typing import assert_never, assert_type

import sagemaker_plans as smp


def forgets_the_value_of_tomorrow(policy: smp.FailureHandlingPolicy) -> int:  # type: ignore[return]  # pyright: ignore[reportReturnType]  # checkers have to refuse it
    match policy:  # pyright: ignore[reportMatchNotExhaustive]  # there may be more values
        case smp.FailureHandlingPolicy.ROLLBACK_ON_FAILURE:
            return 1
        case smp.FailureHandlingPolicy.DO_NOTHING:
            return 2


def expects_the_value_of_tomorrow(policy: smp.FailureHandlingPolicy) -> str:
    match policy:
        case smp.FailureHandlingPolicy.ROLLBACK_ON_FAILURE | smp.FailureHandlingPolicy.DO_NOTHING:
            return policy.name
        case _:
            # What AWS adds later comes here: this can be reached, and compared.
            assert_type(policy, smp.FailureHandlingPolicy)
            return "later" if policy == "PAUSE_ON_FAILURE" else policy.value


def denies_the_value_of_tomorrow(kind: smp.DeviceSubsetType) -> None:
    match kind:
        case smp.DeviceSubsetType.PERCENTAGE | smp.DeviceSubsetType.SELECTION:
            pass
        case smp.DeviceSubsetType.NAMECONTAINS:
            pass
        case _:
            assert_never(kind)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


def knows_every_selection(selection: smp.DeviceSelection) -> int:
    match selection:
        case smp.PercentageOfFleet():
            return selection.percentage
        case smp.NamedDevices():
            return len(selection.device_names)
        case smp.NameContains():
            return len(selection.device_name_contains)
        case smp.UnrecognizedSelection():
            return len(selection.wire)
        case _:
            assert_never(selection)


def forgets_a_selection(selection: smp.DeviceSelection) -> None:
    match selection:
        case smp.PercentageOfFleet() | smp.NamedDevices() | smp.NameContains():
            pass
        case _:
            assert_never(selection)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


def told(event: smp.RetryEvent) -> None: ...
async def awaited(event: smp.RetryEvent) -> None: ...
def counted(event: smp.RetryEvent) -> bool:
    return event.attempt > 1


smp.RetryPolicy(on_retry=told)
smp.RetryPolicy(on_retry=lambda event: told(event))  # noqa: PLW0108  # a lambda is what is tried
smp.RetryPolicy(on_retry=awaited)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
smp.RetryPolicy(on_retry=lambda event: awaited(event))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # noqa: PLW0108  # likewise
# No type stands for anything but a coroutine. And False would not stop a retry.
smp.RetryPolicy(on_retry=counted)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


async def buys(client: smp.AsyncClient, offering: str, arn: str, perhaps: str | None) -> None:
    plans = client.training_plans
    assert_type(await plans.extend(offering), smp.ExtensionReceipt)
    await plans.extend(offering, training_plan_arn=perhaps)
    await plans.extend(offering, training_plan_arn=arn, max_upfront_fee=5000)
    await plans.extend(offering, max_upfront_fee=Decimal(5000))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
    await plans.extend(offering, idempotency_key="march")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it


def wraps(theirs: smp.AioSageMakerClient, not_one: int) -> None:
    assert_type(smp.AsyncClient.from_client(theirs), smp.AsyncClient)
    smp.AsyncClient.from_client(not_one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checkers have to refuse it
