"""Requests to DynamoDB through a client of aiobotocore, whose own retries are off."""

from collections.abc import Mapping
from typing import Any, Final, cast

import anyio
import botocore.exceptions as boto
from anyio import to_thread

from sagemaker_plans._transport.aiobotocore_client.opening import client_config
from sagemaker_plans._transport.aiobotocore_client.parts import AioSession
from sagemaker_plans._transport.exception_mapping import (
    CONNECTION_FAILURES,
    could_not_connect,
    loss_in_words,
    no_credentials,
    proves_unsent,
    service_error_of,
    shown_cause,
)
from sagemaker_plans._wire.operations import Operation
from sagemaker_plans._wire.redaction import redacted
from sagemaker_plans.errors import (
    ConfigurationError,
    ConnectionFailedError,
    SageMakerPlansError,
    UnexpectedReplyError,
)

_SERVICE: Final = "dynamodb"
_CREDENTIALS: Final = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.SSOError,
    boto.TokenRetrievalError,
)


async def open_client(
    *,
    session: AioSession | None,
    region_name: str | None,
    endpoint_url: str | None,
    request_timeout: float,
) -> Any:  # the stubs of each service are packages of their own
    """Open a client of aiobotocore for DynamoDB.

    Args:
        session: The user's session; None for a new one.
        region_name: The region; None leaves it to the environment and the profile.
        endpoint_url: Another endpoint than the region's.
        request_timeout: The longest wait for a part of a reply, in seconds.

    Returns:
        The open client.

    Raises:
        ConfigurationError: If the client cannot be made.
        ConnectionFailedError: If where the credentials come from cannot be reached.
    """
    own = AioSession() if session is None else session
    config = client_config(own, None, "auto", request_timeout, is_ours=session is None)
    try:
        await to_thread.run_sync(_load_models, own)
        context = cast("Any", own).create_client(
            _SERVICE, region_name=region_name, endpoint_url=endpoint_url, config=config
        )
        return await context.__aenter__()
    except boto.NoRegionError as error:
        raise ConfigurationError(
            "DynamoDBJournal: no region is set; pass region_name=, or set AWS_DEFAULT_REGION"
        ) from error
    except CONNECTION_FAILURES as error:
        raise ConnectionFailedError(
            f"could not open a client for DynamoDB: {redacted(str(error))}", request_sent=False
        ) from shown_cause(error)
    except Exception as error:  # noqa: BLE001  # whatever a source of credentials raises
        raise ConfigurationError(
            f"could not open a client for DynamoDB: {redacted(str(error))}"
        ) from shown_cause(error)


def _load_models(session: AioSession) -> None:
    """Load what a client needs from disk; run in a thread, so that no loop waits for it."""
    loader = session.get_component("data_loader")
    for data in ("_retry", "endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data_with_path(data)
    for kind in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model(_SERVICE, kind)


class BotocoreDynamoDB:
    """Sends requests through a client: a ``DynamoDBGateway``.

    Args:
        client: The client.
        request_timeout: How long one request may take, in seconds.
    """

    def __init__(self, client: Any, request_timeout: float) -> None:
        self._client = client
        self._request_timeout = request_timeout

    async def call(
        self, operation: Operation, request: Mapping[str, object], /
    ) -> Mapping[str, object]:
        """Send a request, once.

        Args:
            operation: The operation to call.
            request: Its members.

        Returns:
            The members of DynamoDB's own reply.

        Raises:
            ConfigurationError: If the request could not be made.
            ServiceError: If DynamoDB answered with an error.
            ConnectionFailedError: If no whole reply came.
            UnexpectedReplyError: If the reply is not DynamoDB's.
        """
        send = getattr(self._client, operation.method)
        reply: dict[str, Any] | None = None
        try:
            with anyio.move_on_after(self._request_timeout):
                reply = await send(**request)
        except Exception as error:  # noqa: BLE001  # a hook of the user's may raise anything
            raise self._mapped(operation, error) from shown_cause(error)
        if reply is None:
            raise ConnectionFailedError(
                f"{operation.name}: no reply from DynamoDB within {self._request_timeout:g} s",
                request_sent=None,
                operation=operation.name,
            )
        # A page of a proxy, with status 200, would be an empty success. A write counts only if
        # DynamoDB itself has said so.
        if not reply.get("ResponseMetadata", {}).get("RequestId"):
            raise UnexpectedReplyError(
                f"{operation.name}: the reply has no request id, so it is not DynamoDB's; is "
                "there a proxy in between?",
                problems=(),
                reply=None,
                operation=operation.name,
            )
        return reply

    def _mapped(self, operation: Operation, error: Exception) -> SageMakerPlansError:
        if isinstance(error, boto.ClientError):
            return service_error_of(error)
        if isinstance(error, _CREDENTIALS):
            return no_credentials(operation, error)
        if isinstance(error, boto.ParamValidationError):
            return ConfigurationError(f"{operation.name}: {error}", operation=operation.name)
        endpoint_url = redacted(str(self._client.meta.endpoint_url))
        if proves_unsent(error):
            return could_not_connect(operation, error, endpoint_url)
        return ConnectionFailedError(
            f"{operation.name}: {loss_in_words(error, endpoint_url)}",
            request_sent=None,
            operation=operation.name,
        )
