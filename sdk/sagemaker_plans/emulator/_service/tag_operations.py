"""The operations on tags, and where the tags of a resource are kept."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Final

import attrs

from sagemaker_plans.emulator._state.edge_plans import EdgePlan
from sagemaker_plans.emulator._state.fleets import Fleet
from sagemaker_plans.emulator._state.training_plans import TrainingPlan
from sagemaker_plans.emulator._wire.members import (
    Caller,
    Reply,
    Request,
    tag_list,
    tags,
    text,
    texts,
)
from sagemaker_plans.emulator._wire.pagination import page, with_token
from sagemaker_plans.emulator._wire.refusal import limit_exceeded, not_found

TAG_LIMIT: Final = 50
"""The number of tags that one resource may have, from the documentation."""


@attrs.define
class Tagging:
    """The tags of all resources that can have some. Each is kept in its resource's record."""

    fleets: MutableMapping[str, Fleet]
    edge_plans: MutableMapping[str, EdgePlan]
    training_plans: MutableMapping[str, TrainingPlan]

    def add(self, request: Request, caller: Caller) -> Reply:
        """Answer AddTags."""
        arn = self._arn(request, caller)
        return {"Tags": tag_list(self.write(arn, {**self.read(arn), **tags(request)}))}

    def delete(self, request: Request, caller: Caller) -> Reply:
        """Answer DeleteTags. Keys that the resource does not have are no error."""
        arn, keys = self._arn(request, caller), texts(request, "TagKeys")
        self.write(arn, {key: value for key, value in self.read(arn).items() if key not in keys})
        return {}

    def list(self, request: Request, caller: Caller) -> Reply:
        """Answer ListTags, in the order in which they were added."""
        found = tag_list(self.read(self._arn(request, caller)))
        listed, next_token = page("ListTags", request, found, default_size=TAG_LIMIT)
        return with_token({"Tags": listed}, next_token)

    def read(self, arn: str) -> Mapping[str, str]:
        """Return the tags of a resource.

        Raises:
            Refusal: There is no such resource, or it is of a kind that has no tags here.
        """
        found = self._tagged(arn)
        if found is not None:
            return found.tags
        fleet, name = self._device(arn)
        return fleet.device(name).tags

    def write(self, arn: str, values: Mapping[str, str]) -> Mapping[str, str]:
        """Replace the tags of a resource, and return the new ones.

        Raises:
            Refusal: They are too many, there is no such resource, or it is of a kind that has
                no tags here.
        """
        if len(values) > TAG_LIMIT:
            raise limit_exceeded(f"A resource has at most {TAG_LIMIT} tags, not {len(values)}.")
        found = self._tagged(arn)
        if found is not None:
            found.tags = {**values}
        else:
            fleet, name = self._device(arn)
            # Devices that are alike share a record, which is not changed.
            fleet.devices[name] = attrs.evolve(fleet.device(name), tags={**values})
        return values

    def _tagged(self, arn: str) -> TrainingPlan | EdgePlan | Fleet | None:
        return self.training_plans.get(arn) or self.edge_plans.get(arn) or self.fleets.get(arn)

    def _device(self, arn: str) -> tuple[Fleet, str]:
        start, _, name = arn.rpartition("/device/")
        fleet = self.fleets.get(start)
        if fleet is None or name not in fleet.devices:
            raise not_found(f"Resource {arn} does not exist.")
        return fleet, name

    def _arn(self, request: Request, caller: Caller) -> str:
        arn = text(request, "ResourceArn")
        if not caller.owns(arn):
            raise not_found(f"Resource {arn} does not exist.")
        return arn
