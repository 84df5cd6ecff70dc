"""What an AWS client reads of its environment, set so that it finds an emulator."""

from __future__ import annotations

import os


def lead_to(
    endpoint_url: str, *, access_key_id: str, secret_key: str, region: str
) -> dict[str, str]:
    """Return the variables that lead AWS clients to an endpoint, SageMaker only.

    What the machine's own settings could put in the way is put out of it: a session's
    token, the order to ignore configured endpoints, and proxies.
    """
    host = endpoint_url.rpartition("//")[2].rpartition(":")[0]
    # Lower case is read first, and what the machine excepts already stays excepted.
    excepted = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    no_proxy = f"{excepted},{host}" if excepted else host
    return {
        "AWS_ENDPOINT_URL_SAGEMAKER": endpoint_url,
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
