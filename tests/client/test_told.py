"""What clients, groups, pagers and watches tell of themselves, and that nobody copies them."""

import copy
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

import sagemaker_plans
from harness import TRANSPORTS, client_for, session
from sagemaker_plans import (
    AsyncClient,
    ConfigurationError,
    EdgeDeploymentPlans,
    InvalidRequestError,
    TrainingPlanExtensionOffering,
    TrainingPlans,
    shared_client,
)

ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/big"
CAPACITY = "arn:aws:sagemaker:us-east-1:123456789012:reserved-capacity/one"
READ = "read them with async for, pages() or collect()"


def untyped_session() -> Any:
    # The stubs know hundreds of services.
    return session()


@pytest.fixture
def client() -> AsyncClient:
    return AsyncClient(region_name="eu-west-1")


def test_a_client_tells_its_settings_and_whether_it_is_open() -> None:
    async def life() -> AsyncIterator[str]:
        client = client_for("http://127.0.0.1:8080", TRANSPORTS[0])
        yield repr(client)
        async with client:
            yield repr(client)
        yield repr(client)

    async def told() -> list[str]:
        return [each async for each in life()]

    settings = "region_name='us-east-1', endpoint_url='http://127.0.0.1:8080'"
    assert anyio.run(told) == [
        f"<AsyncClient {settings}, not open yet>",
        f"<AsyncClient {settings}, open>",
        f"<AsyncClient {settings}, closed>",
    ]


def test_a_client_finds_out_its_region_when_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")

    async def told() -> tuple[str, str]:
        client = AsyncClient(session=session())
        before = repr(client)
        async with client:
            return before, repr(client)

    assert anyio.run(told) == (
        "<AsyncClient not open yet>",
        "<AsyncClient region_name='eu-north-1', open>",
    )


def test_a_wrapped_client_tells_its_region() -> None:
    async def told() -> str:
        async with untyped_session().create_client("sagemaker", region_name="eu-west-1") as theirs:
            client = AsyncClient.from_client(theirs)
            shown = repr(client)
            await client.aclose()
        return shown

    assert anyio.run(told) == "<AsyncClient region_name='eu-west-1', open>"


def test_a_client_does_not_tell_what_may_be_a_secret() -> None:
    client = AsyncClient(endpoint_url="https://proxy.example/?token=hush", session=session())

    assert repr(client) == "<AsyncClient endpoint_url='https://proxy.example/', not open yet>"


def test_a_group_tells_its_client(client: AsyncClient) -> None:
    assert repr(client.plans) == (
        "<client.plans of <AsyncClient region_name='eu-west-1', not open yet>>"
    )
    assert repr(client.training_plans) == (
        "<client.training_plans of <AsyncClient region_name='eu-west-1', not open yet>>"
    )


PAGERS: dict[str, Callable[[AsyncClient], object]] = {
    "StagePager: the pages of DescribeEdgeDeploymentPlan of plan 'spring'": (
        lambda client: client.plans.stages("spring")
    ),
    "PlanSummaryPager: the pages of ListEdgeDeploymentPlans": (
        lambda client: client.plans.list(name_contains="spring")
    ),
    "StageDevicePager: the pages of ListStageDevices of stage 'canary' of plan 'spring'": (
        lambda client: client.plans.stage_devices("spring", "canary")
    ),
    f"ExtensionPager: the pages of DescribeTrainingPlanExtensionHistory of {ARN}": (
        lambda client: client.training_plans.extension_history(ARN)
    ),
    "TrainingPlanPager: the pages of ListTrainingPlans": (
        lambda client: client.training_plans.list()
    ),
    f"UltraServerPager: the pages of ListUltraServersByReservedCapacity of {CAPACITY}": (
        lambda client: client.training_plans.ultra_servers(CAPACITY)
    ),
}


@pytest.mark.parametrize("told", PAGERS)
def test_a_pager_tells_what_it_reads_and_how(client: AsyncClient, told: str) -> None:
    assert repr(PAGERS[told](client)) == f"<{told}; {READ}>"


def test_a_watch_tells_its_plan_and_whether_it_is_closed(client: AsyncClient) -> None:
    watch = client.plans.watch("spring", timeout=60)
    before = repr(watch)
    anyio.run(watch.aclose)

    assert before == "<StageWatch of plan 'spring'; read its changes with async for>"
    assert repr(watch) == "<StageWatch of plan 'spring', closed>"


def made_by(client: AsyncClient) -> Iterator[object]:
    yield from (client, client.plans, client.training_plans)
    yield client.plans.stages("spring")
    yield client.plans.watch("spring", timeout=60)


@pytest.mark.parametrize("again", [pickle.dumps, copy.copy, copy.deepcopy])
def test_who_pickles_or_copies_is_told_what_to_do(
    client: AsyncClient, again: Callable[[object], object]
) -> None:
    for each in made_by(client):
        with pytest.raises(TypeError) as caught:
            again(each)
        assert str(caught.value) == (
            f"{type(each).__name__} can be neither pickled nor copied, because a client belongs "
            "to one event loop; pass on the settings of the client, and make a client where it is "
            "needed"
        )


def test_the_groups_have_public_names(client: AsyncClient) -> None:
    assert type(client.plans) is EdgeDeploymentPlans
    assert type(client.training_plans) is TrainingPlans


@pytest.mark.parametrize("name", ["emulator", "progress"])
def test_a_module_beside_the_layers_is_an_attribute(name: str) -> None:
    assert getattr(sagemaker_plans, name).__name__ == f"sagemaker_plans.{name}"


def test_a_misspelled_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'sagemaker_plans' has no attribute 'emulate'"):
        _ = sagemaker_plans.emulate  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]  # wrong on purpose


def test_who_forgets_to_enter_a_shared_client_is_told_so() -> None:
    shared = shared_client(region_name="eu-west-1")

    assert (
        repr(shared) == "<shared_client(...): enter it with 'async with', which gives the client>"
    )
    with pytest.raises(AttributeError) as caught:
        _ = shared.plans  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]  # wrong on purpose
    assert str(caught.value) == (
        "plans: this is not the client yet; write 'async with shared_client(...) as client:' and "
        "use the client in its block"
    )


def test_what_no_client_has_is_no_attribute_of_a_shared_one_either() -> None:
    with pytest.raises(AttributeError, match=r"object has no attribute 'plan'$"):
        _ = shared_client().plan  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]  # wrong on purpose


def test_an_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncClient(endpoint_url="localhost:80")
    assert str(caught.value) == (
        "AsyncClient: endpoint_url: got 'localhost:80'; allowed are URLs, with http:// or https://"
    )


@pytest.mark.parametrize(
    "endpoint",
    [
        "user:hush@host",
        "http://user:hush/x@host",
        "http:///user:hush@host",
        "user:hush@host/a://b",
        b"http://user:hush@host",
    ],
)
def test_a_refused_endpoint_shows_no_password(endpoint: Any) -> None:
    with pytest.raises(ConfigurationError, match="endpoint_url: ") as caught:
        AsyncClient(endpoint_url=endpoint)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["ftp://host", "http://", "https:///path", "://x"])
def test_an_endpoint_of_another_kind_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="allowed are URLs, with http:// or https://"):
        AsyncClient(endpoint_url=endpoint)


@pytest.mark.anyio
@pytest.mark.parametrize("offering_id", [" tpeo-1", "tpeo-1\n", "ARN:aws:sagemaker"])
async def test_an_offerings_id_with_something_around_it_is_refused(offering_id: str) -> None:
    client = AsyncClient(region_name="us-east-1", session=session())
    with pytest.raises(InvalidRequestError, match="offering_id: got"):
        await client.training_plans.extend(offering_id)


@pytest.mark.anyio
async def test_a_fee_that_is_a_text_is_refused() -> None:
    wrong: Any = "5"
    offering = TrainingPlanExtensionOffering(offering_id="tpeo-1", upfront_fee=wrong)
    client = AsyncClient(region_name="us-east-1", session=session())
    with pytest.raises(InvalidRequestError, match=r"offering_id\.upfront_fee: got '5'"):
        await client.training_plans.extend(offering)


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        (ARN, "this is a training plan's ARN, which belongs in training_plan_arn"),
        (CAPACITY, "this is an ARN"),
    ],
)
def test_an_arn_is_no_id_of_an_extension(client: AsyncClient, arn: str, told: str) -> None:
    # Checked before anything is sent: no connection is made in this test.
    with pytest.raises(InvalidRequestError) as caught:
        anyio.run(client.training_plans.extend, arn)
    assert caught.value.problems == (
        (
            f"offering_id: got '{arn}'; {told}; the id of an offering is needed (tpeo-...), as "
            "search_extension_offerings gives it"
        ),
    )


def test_an_arn_is_no_id_of_a_plans_offering(client: AsyncClient) -> None:
    with pytest.raises(InvalidRequestError, match=r"this is an ARN, the id of an offering is"):
        anyio.run(client.training_plans.create, "big", ARN)


def test_who_lists_all_names_needs_no_extra() -> None:
    # A new interpreter: what was used once is an attribute from then on.
    code = "import sagemaker_plans; print({'emulator', 'progress'} & {*dir(sagemaker_plans)})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "set()"
