"""Makes calls with boto3; run by its own interpreter, which has the newest.

Reads `[[operation, arguments], ...]` from standard input and writes the list of results.
"""

import importlib
import json
import re
import sys
from typing import Any


def main() -> None:
    # Another one is installed where types are checked.
    boto3: Any = importlib.import_module("boto3")
    client = boto3.client("sagemaker")
    results: list[dict[str, Any]] = []
    for operation, arguments in json.load(sys.stdin):
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        try:
            reply = getattr(client, method)(**arguments)
        except client.exceptions.ClientError as error:
            results.append({"error": type(error).__name__, **error.response["Error"]})
        else:
            del reply["ResponseMetadata"]
            results.append({"reply": reply})
    json.dump(results, sys.stdout, default=str)


if __name__ == "__main__":
    main()
