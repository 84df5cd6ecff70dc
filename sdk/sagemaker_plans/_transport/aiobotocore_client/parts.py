"""What this package uses of aiobotocore. It is the only importer.

``config``, ``session`` and the two HTTP sessions are aiobotocore's public parts. ``AioEndpoint``
and ``AioHierarchicalEmitter`` are inside it: whoever upgrades aiobotocore looks here first.
"""

from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.config import AioConfig
from aiobotocore.endpoint import AioEndpoint
from aiobotocore.hooks import AioHierarchicalEmitter
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.session import AioSession

__all__ = [
    "AIOHTTPSession",
    "AioAWSResponse",
    "AioConfig",
    "AioEndpoint",
    "AioHierarchicalEmitter",
    "AioSession",
    "HttpxSession",
]
