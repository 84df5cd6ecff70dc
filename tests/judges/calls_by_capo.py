"""Makes calls with capo-sagemaker; run by its own interpreter, which has no other package.

Reads `[[method, arguments], ...]` from standard input and writes the list of results.
"""

import importlib
import json
import os
import sys
from typing import Any


def main() -> None:
    # Not installed where types are checked.
    package: Any = importlib.import_module("capo_sagemaker")
    client = package.SageMakerClient(
        endpoint=os.environ["AWS_ENDPOINT_URL_SAGEMAKER"],
        region=os.environ["AWS_REGION"],
        retry_max_attempts=1,
    )
    results: list[dict[str, Any]] = []
    for method, arguments in json.load(sys.stdin):
        try:
            results.append({"reply": getattr(client, method)(**arguments)})
        except package.errors.ServiceError as error:
            results.append(
                {"error": type(error).__name__, "code": error.code, "message": error.message}
            )
    json.dump(results, sys.stdout, default=str)


if __name__ == "__main__":
    main()
