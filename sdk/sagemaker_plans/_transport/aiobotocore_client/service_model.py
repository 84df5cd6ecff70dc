"""A small service model for botocore, with only the operations that this package calls.

The service model that comes with botocore describes hundreds of operations in megabytes of
JSON, and loading it takes most of the time of opening a client. This package writes requests
and reads replies itself. So for the clients that it opens, the model only needs the names of
the operations and of their members. Each member is a document: JSON that botocore passes on
unchanged.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from botocore.loaders import JSONFileLoader

from sagemaker_plans._wire.operations import OPERATIONS, Operation

SERVICE: Final = "sagemaker"

_METADATA: Final = {
    "apiVersion": "2017-07-24",
    "endpointPrefix": "api.sagemaker",
    "jsonVersion": "1.1",
    "protocol": "json",
    "protocols": ["json"],
    "serviceAbbreviation": "SageMaker",
    "serviceFullName": "Amazon SageMaker Service",
    "serviceId": "SageMaker",
    "signatureVersion": "v4",
    "signingName": "sagemaker",
    "targetPrefix": "SageMaker",
    "uid": "sagemaker-2017-07-24",
}
"""The same as in botocore's own service model; a test compares them."""

_DOCUMENT: Final = "Document"


def _request_shape(operation: Operation) -> Mapping[str, object]:
    return {
        "type": "structure",
        "members": {member: {"shape": _DOCUMENT} for member in operation.members},
    }


def service_model() -> Mapping[str, object]:
    """Make the service model with the operations that this package needs.

    Returns:
        The model, in the form in which botocore loads it from a file.
    """
    return {
        "version": "2.0",
        "metadata": _METADATA,
        "operations": {
            operation.name: {
                "name": operation.name,
                "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": f"{operation.name}Request"},
                "output": {"shape": _DOCUMENT},
            }
            for operation in OPERATIONS
        },
        "shapes": {
            _DOCUMENT: {"type": "structure", "members": {}, "document": True},
            **{f"{each.name}Request": _request_shape(each) for each in OPERATIONS},
        },
    }


class PlainFiles(JSONFileLoader):
    """Reads files into plain dicts, in half the time that ordered dicts take."""

    def load_file(self, file_path: str) -> object:
        """Load a file.

        Args:
            file_path: The path without the file's extension.

        Returns:
            The parsed content; None if there is no such file.
        """
        for ending, open_file in ((".json", open), (".json.gz", gzip.open)):
            with suppress(FileNotFoundError), open_file(file_path + ending, "rb") as file:
                return cast("object", json.load(file))
        return None


class Loads(Protocol):
    """The methods of botocore's loader that this module calls."""

    load_data: Callable[[str], object]
    determine_latest_version: Callable[[str, str], str]
    load_service_model: Callable[..., object]
    file_loader: JSONFileLoader


class SlimLoader:
    """Replaces a botocore session's loader, and gives it the small model for SageMaker.

    Args:
        loader: The session's own loader, used for everything else. From now on it reads
            files into plain dicts.
    """

    def __init__(self, loader: object) -> None:
        self._loader = cast("Loads", loader)
        self._loader.file_loader = PlainFiles()

    def __getattr__(self, name: str) -> Any:  # any attribute of the loader
        return getattr(self._loader, name)

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> object:
        """Load one kind of data of a service.

        Args:
            service_name: The service.
            type_name: The kind of data.
            api_version: A version; None for the latest.

        Returns:
            The data.
        """
        if service_name != SERVICE or api_version is not None:
            return self._loader.load_service_model(service_name, type_name, api_version)
        if type_name == "service-2":
            return service_model()
        # botocore's own method would search the folders of all services, which is slow.
        version = self._loader.determine_latest_version(service_name, type_name)
        return self._loader.load_data(f"{service_name}/{version}/{type_name}")
