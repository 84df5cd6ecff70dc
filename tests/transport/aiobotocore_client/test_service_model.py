"""The small service model of the package's own clients agrees with botocore's."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import ServiceModel

from models import service_model
from models.drift import REPLIES, SENT, members_of
from sagemaker_plans._transport.aiobotocore_client import service_model as _service_model
from sagemaker_plans._transport.aiobotocore_client.service_model import PlainFiles, SlimLoader
from sagemaker_plans._wire.operations import CREATE_PLAN, OPERATIONS, Operation
from sagemaker_plans._wire.structures import structure_of

of_each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)


def ours() -> ServiceModel:
    return ServiceModel(cast("Any", _service_model.service_model()), "sagemaker")


def test_the_service_is_described_as_botocore_describes_it() -> None:
    described = ours().metadata
    theirs = cast("Mapping[str, object]", service_model.service().metadata)

    # The rest of the metadata is not needed for calls.
    assert described == {name: theirs[name] for name in described}
    assert theirs.keys() - described.keys() <= {"auth"}


@of_each_operation
def test_an_operation_is_called_where_botocore_calls_it(operation: Operation) -> None:
    described = ours().operation_model(operation.name)
    theirs = service_model.service().operation_model(operation.name)

    assert described.http == theirs.http
    assert described.name == theirs.name
    assert described.has_event_stream_output == theirs.has_event_stream_output


@of_each_operation
def test_the_members_of_a_request_are_those_that_are_sent(operation: Operation) -> None:
    described = ours().operation_model(operation.name).input_shape
    theirs = service_model.service().operation_model(operation.name).input_shape
    assert described is not None
    assert theirs is not None
    sent = set(theirs.members) if operation == CREATE_PLAN else set(SENT[theirs.name])

    assert set(described.members) == {*operation.members} == sent


@of_each_operation
def test_a_reply_is_passed_on_as_it_is(operation: Operation) -> None:
    shape = ours().operation_model(operation.name).output_shape

    assert shape is not None
    assert cast("Any", shape).is_document_type
    if operation.pager:
        members = members_of(structure_of(REPLIES[operation.name]))
        assert operation.pager in {member.name for member in members}


class Noted(Loader):
    """A loader that records which files it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def load_data(self, name: str) -> Any:
        self.read.append(name)
        return super().load_data(name)


def test_the_model_of_hundreds_of_operations_is_not_read() -> None:
    loader = Noted()

    model: Any = SlimLoader(loader).load_service_model("sagemaker", "service-2")

    assert len(model["operations"]) == len(OPERATIONS)
    assert loader.read == []


def test_the_rules_of_endpoints_are_botocores_own() -> None:
    rules = SlimLoader(Loader()).load_service_model("sagemaker", "endpoint-rule-set-1")

    assert rules == Loader().load_service_model("sagemaker", "endpoint-rule-set-1")


@pytest.mark.parametrize("version", [None, "2011-06-15"])
def test_other_services_are_loaded_as_before(version: str | None) -> None:
    # Credentials may come from another service, such as STS.
    found = SlimLoader(Loader()).load_service_model("sts", "service-2", version)

    assert found == Loader().load_service_model("sts", "service-2", version)


def test_a_version_that_is_asked_for_is_loaded_as_it_is() -> None:
    loader = Noted()

    SlimLoader(loader).load_service_model("sagemaker", "service-2", "2017-07-24")

    assert "sagemaker/2017-07-24/service-2" in loader.read


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_is_loaded_as_botocore_loads_it(tmp_path: Path, *, compressed: bool) -> None:
    content = '{"b": [1, {"ä": null}], "a": {"c": 1.5}}'
    if compressed:
        (tmp_path / "data.json.gz").write_bytes(gzip.compress(content.encode()))
    else:
        (tmp_path / "data.json").write_text(content, encoding="utf-8")
    path = str(tmp_path / "data")

    found: Any = PlainFiles().load_file(path)

    assert found == JSONFileLoader().load_file(path)
    assert [*found] == ["b", "a"]


def test_a_missing_file_is_loaded_as_none(tmp_path: Path) -> None:
    path = str(tmp_path / "data")

    assert PlainFiles().load_file(path) is None
    assert JSONFileLoader().load_file(path) is None


def test_everything_else_comes_from_the_original_loader() -> None:
    loader = Loader()
    slim: Any = SlimLoader(loader)

    assert slim.search_paths is loader.search_paths
    assert slim.load_data("partitions") == loader.load_data("partitions")
    with pytest.raises(AttributeError):
        slim.no_such_thing  # noqa: B018  # it must raise
