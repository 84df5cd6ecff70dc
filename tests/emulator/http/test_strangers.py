"""Web pages and strangers are turned away before they cost anything."""

from __future__ import annotations

import tracemalloc
from http.client import HTTPConnection
from typing import Any

import pytest

from emulator.requests_made import RawReply, send, send_signed, signed_headers
from sagemaker_plans.emulator import Emulator

PAGE = "http://localhost:3000"


def control(emulator: Emulator, **headers: str) -> RawReply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(emulator, b"{}", named, path="/_emulator/reset")


def port(emulator: Emulator) -> str:
    return emulator.endpoint_url.rpartition(":")[2]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4566", "192.168.1.5", "", "localhost.evil.example", "["]
)
def test_the_admin_surface_takes_no_other_host(emulator: Emulator, host: str) -> None:
    reply = control(emulator, Host=host)
    assert (reply.status, set(reply.json)) == (403, {"error"})
    assert "--allow-host" in reply.json["error"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "plans.localhost", "localhost.", "127.0.0.9", "[::1]:80"]
)
def test_the_admin_surface_takes_loopback(emulator: Emulator, host: str) -> None:
    assert control(emulator, Host=host).status == 200


def test_the_admin_surface_takes_hosts_that_are_allowed() -> None:
    with Emulator(allow_hosts=["Plans", "192.168.1.5"]) as emulator:
        assert control(emulator, Host="plans:4566").status == 200
        assert control(emulator, Host="192.168.1.5").status == 200
        assert control(emulator, Host="192.168.1.6").status == 403


def test_no_host_is_never_an_allowed_one() -> None:
    with Emulator(host="") as emulator:
        assert control(emulator, Host="").status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", PAGE, "https://127.0.0.1"])
def test_no_page_elsewhere_can_control_the_emulator(emulator: Emulator, origin: str) -> None:
    reply = control(emulator, Origin=origin)
    assert reply.status == 403
    assert origin in reply.json["error"]
    assert "access-control-allow-origin" not in reply.headers


def test_its_own_origin_is_not_elsewhere(emulator: Emulator) -> None:
    assert control(emulator, Origin=emulator.endpoint_url).status == 200


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403)])
def test_a_page_cannot_load_the_state_without_its_origin(
    emulator: Emulator, site: str, status: int
) -> None:
    headers = {"Sec-Fetch-Site": site}
    assert send(emulator, b"", headers, method="GET", path="/_emulator/state").status == status
    assert (
        send(
            emulator, b"", {"Sec-Fetch-Site": "none"}, method="GET", path="/_emulator/state"
        ).status
        == 200
    )


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Host": "evil.example"}, "'evil.example'"),
        ({"Origin": "http://evil.example"}, "'http://evil.example'"),
    ],
)
def test_the_service_takes_neither(emulator: Emulator, headers: dict[str, str], words: str) -> None:
    reply = send(emulator, b"{}", signed_headers(emulator, b"{}") | headers)
    assert (reply.status, reply.json["__type"]) == (403, "AccessDeniedException")
    assert words in reply.json["message"]
    assert emulator.requests == ()
    assert emulator.turned_away == {"AccessDeniedException": 1}


def test_the_service_can_be_reached_by_any_address(emulator: Emulator) -> None:
    # A container is reached by its address. No page can have an address as its name.
    headers = signed_headers(emulator, b"{}") | {"Host": "172.17.0.2:4566"}
    assert send(emulator, b"{}", headers).json["__type"] == "InvalidSignatureException"


def test_a_page_that_is_allowed_can_use_the_service_and_read_replies() -> None:
    with Emulator(allow_origins=[PAGE]) as emulator:
        asked = send(
            emulator,
            b"",
            {
                "Origin": PAGE,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,x-amz-target",
            },
            method="OPTIONS",
        )
        assert (asked.status, asked.body) == (204, b"")
        assert asked.headers["access-control-allow-origin"] == PAGE
        assert asked.headers["access-control-allow-headers"] == "authorization,x-amz-target"
        assert "POST" in asked.headers["access-control-allow-methods"]
        reply = send_signed(emulator, extra={"Origin": PAGE})
        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == PAGE
        assert reply.headers["vary"] == "Origin"
        assert "x-amzn-RequestId" in reply.headers["access-control-expose-headers"]
        refused = send(emulator, b"{}", {"Origin": PAGE})
        assert (refused.status, refused.headers["access-control-allow-origin"]) == (404, PAGE)
        assert control(emulator, Origin=PAGE).status == 200
        assert control(emulator, Origin="http://localhost:3001").status == 403


def test_other_options_are_unknown() -> None:
    with Emulator(allow_origins=[PAGE]) as emulator:
        reply = send(emulator, b"", {"Origin": PAGE}, method="OPTIONS")
        assert reply.json["__type"] == "UnknownOperationException"


@pytest.mark.parametrize(
    "host",
    ["", "*", "*.internal", "plans:4566", "http://plans", "plans/", "[::1]:80", "a b", "é", "a..b"],
)
def test_a_host_is_a_name_or_an_address_alone(host: str) -> None:
    with pytest.raises(ValueError, match="a host is a name or an address without scheme, port"):
        Emulator(allow_hosts=[host])


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("plans.internal.", "PLANS.internal:80"),
        ("my_service", "my_service"),
        ("[FE80::0:1]", "[fe80::1]:4566"),
        ("fe80::1", "[FE80:0::1]"),
    ],
)
def test_a_host_that_is_allowed_may_be_spelled_in_other_ways(allowed: str, host: str) -> None:
    with Emulator(allow_hosts=[allowed]) as emulator:
        assert control(emulator, Host=host).status == 200


@pytest.mark.parametrize("option", ["allow_hosts", "allow_origins"])
@pytest.mark.parametrize("value", ["localhost", 5, [5]])
def test_hosts_and_origins_are_lists_of_texts(option: str, value: Any) -> None:
    options: Any = {option: value}
    with pytest.raises(ValueError, match=f"{option} must be a list of texts"):
        Emulator(**options)


@pytest.mark.parametrize("origin", ["*", "localhost", "http://", "ftp://x", "http://x/page"])
def test_an_origin_must_be_one(origin: str) -> None:
    with pytest.raises(ValueError, match="an origin is a scheme, a host"):
        Emulator(allow_origins=[origin])


def test_posts_of_strangers_leave_nothing_behind(emulator: Emulator) -> None:
    body = b'{"a": "' + b"x" * 975_000 + b'"}'
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "SageMaker.ListTrainingPlans",
    }
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(300):
            assert send(emulator, body, headers).json["__type"] == (
                "MissingAuthenticationTokenException"
            )
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert emulator.requests == ()
    assert emulator.turned_away == {"MissingAuthenticationTokenException": 300}
    health: Any = send(emulator, b"", method="GET", path="/_emulator/health").json
    assert health["requests"]["kept_bytes"] == 0
    # The client of this test holds one body at a time; the server none.
    assert after - before < 1_000_000
    assert peak - before < 8_000_000


def test_a_body_that_says_it_is_too_large_is_not_read(emulator: Emulator) -> None:
    body = b" " * (1024 * 1024 + 1)
    reply = send_signed(emulator, body)
    assert (reply.status, reply.json["__type"]) == (413, "RequestEntityTooLargeException")
    assert emulator.turned_away == {"RequestEntityTooLargeException": 1}


@pytest.mark.parametrize("levels", [101, 500, 20_000])
@pytest.mark.parametrize("opening", [b'{"a":', b"[", b'{"Stages": ["}]", "\\"", '])
def test_deep_json_is_refused_as_no_json(emulator: Emulator, opening: bytes, levels: int) -> None:
    reply = send_signed(emulator, opening * levels)
    assert (reply.status, reply.json["__type"]) == (400, "SerializationException")
    assert "100 levels" in reply.json["message"]
    assert emulator.requests[0].body is None
    assert emulator.failures == ()


def test_broad_json_is_not_deep(emulator: Emulator) -> None:
    body = b'{"NameContains": "[[[[", "X": [' + b'{"{": "\\\\"}, ' * 200 + b"[]]}"
    assert send_signed(emulator, body).json["__type"] == "ValidationException"


def test_only_utf_8_is_read(emulator: Emulator) -> None:
    assert send_signed(emulator, "{}".encode("utf-16")).json["__type"] == "SerializationException"


def test_a_body_that_does_not_say_its_length_is_cut_at_the_limit(emulator: Emulator) -> None:
    headers = signed_headers(emulator, b"{}") | {"Transfer-Encoding": "chunked"}
    chunks = iter([b" " * 65_536] * 17)
    connection = HTTPConnection(emulator.endpoint_url.removeprefix("http://"), timeout=5)
    connection.request("POST", "/", chunks, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert emulator.turned_away == {"RequestEntityTooLargeException": 1}
