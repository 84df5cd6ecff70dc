"""Each signature is the one that botocore would write."""

from datetime import UTC, datetime
from unittest.mock import patch

import botocore.auth
from attrs import frozen
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import examples
from sagemaker_plans._transport.signing import Signer

MOMENT = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
URL = "https://api.sagemaker.us-east-1.amazonaws.com/"
SECRET = "wJalrXUtnFEMI"
KEYS = ReadOnlyCredentials("AKIDEXAMPLE", SECRET, None)
TARGET = "SageMaker.DescribeEdgeDeploymentPlan"

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
hosts = st.sampled_from(
    [
        "api.sagemaker.eu-central-1.amazonaws.com",
        "API.SageMaker.local",
        "api-fips.sagemaker.us-gov-west-1.amazonaws.com",
        "127.0.0.1",
        "[::1]",
    ]
)
ports = st.sampled_from(["", ":80", ":443", ":5000"])
paths = st.sampled_from(["/", "/prefix/", "/a b/./../ä/", "/a%20b/"])
urls = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), hosts, ports, paths)
keys = st.builds(ReadOnlyCredentials, printable, st.text(min_size=1), st.none() | printable)
moments = st.datetimes(datetime(2001, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


@frozen
class Case:
    """A request, and who sends it when."""

    url: str
    credentials: ReadOnlyCredentials
    now: datetime
    region: str = "us-east-1"
    target: str = TARGET
    body: bytes = b"{}"

    def signer(self) -> Signer:
        return Signer(url=self.url, region=self.region, service="sagemaker")

    def headers_of(self, signer: Signer) -> dict[str, str]:
        return signer.headers(self.credentials, target=self.target, body=self.body, now=self.now)

    def headers_of_botocore(self) -> dict[str, str]:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": self.target}
        request = AWSRequest(method="POST", url=self.url, headers=headers, data=self.body)
        with patch.object(botocore.auth, "get_current_datetime", lambda: self.now):
            SigV4Auth(self.credentials, "sagemaker", self.region).add_auth(request)
        return dict(request.headers.items())


regions = st.sampled_from(["us-east-1", "eu-central-1"])


@given(st.builds(Case, urls, keys, moments, regions, printable, st.binary()))
@settings(max_examples=examples(300))
def test_every_header_is_botocores(case: Case) -> None:
    assert case.headers_of(case.signer()) == case.headers_of_botocore()


@given(st.lists(st.builds(Case, st.just(URL), keys, moments), min_size=2, max_size=5))
@settings(max_examples=examples(100))
def test_a_signer_that_signed_for_others_before_signs_as_a_new_one(cases: list[Case]) -> None:
    signer = cases[0].signer()
    # Back and forth: the key of a day, and of a secret, is kept.
    for case in [*cases, *cases, *reversed(cases)]:
        assert case.headers_of(signer) == case.headers_of_botocore()


def test_no_secret_is_shown() -> None:
    case = Case(URL, KEYS, MOMENT)
    signer = case.signer()

    assert SECRET not in f"{case.headers_of(signer)} {signer!r}"
