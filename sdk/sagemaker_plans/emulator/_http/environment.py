"""The environment variables with which an AWS client finds the emulator."""

from __future__ import annotations

import os


def client_environment(
    endpoint_url: str, *, access_key_id: str, secret_key: str, region: str
) -> dict[str, str]:
    """Return the variables with which AWS clients send SageMaker's requests to an endpoint.

    Settings of the machine that would prevent this are overridden: a session token, the
    setting that ignores configured endpoints, and proxies.
    """
    host = endpoint_url.rpartition("//")[2].rpartition(":")[0]
    # Clients read the name in lower case first. Hosts that need no proxy stay in the list.
    direct_hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    no_proxy = f"{direct_hosts},{host}" if direct_hosts else host
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
