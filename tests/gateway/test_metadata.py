import pytest
from modelwire_gateway.errors import RpcFailure, status_row
from modelwire_gateway.metadata import (
    FORWARDED_HEADERS,
    TRAILER_PREFIX,
    decoded_headers,
    request_id,
    request_metadata,
    response_headers,
    timeout_seconds,
)


@pytest.mark.parametrize(
    ("headers", "metadata"),
    [
        pytest.param({"authorization": "Bearer x"}, [("authorization", "Bearer x")], id="credentials"),
        pytest.param({"traceparent": "00-1"}, [("traceparent", "00-1")], id="tracing"),
        pytest.param({"accept": "a", "cookie": "b", "x-other": "c"}, [], id="what nobody listed"),
        pytest.param({"grpc-metadata-custom-header": "v"}, [("custom-header", "v")], id="prefixed"),
        pytest.param({"grpc-metadata-x": ""}, [("x", "")], id="empty"),
        pytest.param({"grpc-metadata-authorization": "B"}, [("authorization", "B")], id="prefixed credentials"),
        pytest.param(
            {"grpc-metadata-authorization": "B", "authorization": "A"}, [("authorization", "A")], id="one credential"
        ),
        pytest.param({"grpc-metadata-x-bin": "AQI="}, [("x-bin", b"\x01\x02")], id="binary"),
        pytest.param({"grpc-metadata-x-bin": "AQI"}, [("x-bin", b"\x01\x02")], id="binary without padding"),
        pytest.param({"grpc-metadata-x-bin": "AQI=, AQ"}, [("x-bin", b"\x01\x02"), ("x-bin", b"\x01")], id="twice"),
        pytest.param({"grpc-metadata-x": "a\tb"}, [], id="a control character"),
        pytest.param({"grpc-metadata-x": "\xe9"}, [], id="beyond ASCII"),
        pytest.param({"grpc-metadata-": "v", "grpc-metadata-a!b": "v"}, [], id="no key of gRPC's"),
        pytest.param({"grpc-metadata-grpc-timeout": "1S"}, [], id="gRPC's own"),
        pytest.param({"grpc-metadata-x-request-id": "mine"}, [], id="the id"),
    ],
)
def test_headers_become_metadata(headers: dict[str, str], metadata: list[tuple[str, str | bytes]]) -> None:
    assert request_metadata(headers, FORWARDED_HEADERS) == metadata


@pytest.mark.parametrize("name", ["connection", "te", "transfer-encoding", "host", "content-length", "content-type"])
def test_what_is_https_own_goes_nowhere(name: str) -> None:
    headers = {name: "v", f"grpc-metadata-{name}": "v"}
    assert request_metadata(headers, FORWARDED_HEADERS | {name}) == []
    assert response_headers([(name, "v")]) == []


@pytest.mark.parametrize("value", ["!!!!", "A", "AQI=AQI="])
def test_binary_values_that_are_no_base64_are_refused(value: str) -> None:
    with pytest.raises(RpcFailure, match="Grpc-Metadata-x-bin: must be base64") as raised:
        request_metadata({"grpc-metadata-x-bin": value}, FORWARDED_HEADERS)
    assert raised.value.http_status == 400


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("2H", 7200), ("3M", 180), ("5S", 5), ("10m", 0.01), ("7u", 7e-6), ("9n", 9e-9), ("99999999S", 99999999)],
)
def test_timeouts(given: str, seconds: float) -> None:
    assert timeout_seconds({"grpc-timeout": given}) == pytest.approx(seconds)


def test_no_timeout() -> None:
    assert timeout_seconds({}) is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        *(
            (given, "INVALID_ARGUMENT")
            for given in ("INVALID", "", "10", "S", "-1S", "1.5S", "123456789S", "1s", "1S ")
        ),
        ("0S", "DEADLINE_EXCEEDED"),
    ],
)
def test_timeouts_that_are_none(given: str, code: str) -> None:
    with pytest.raises(RpcFailure, match="Grpc-Timeout: ") as raised:
        timeout_seconds({"grpc-timeout": given})
    assert status_row(raised.value.status.code).name == code


@pytest.mark.parametrize(
    ("metadata", "headers"),
    [
        pytest.param([("foo", "bar")], [(b"grpc-metadata-foo", b"bar")], id="text"),
        pytest.param([("a-bin", b"\x01\x02")], [(b"grpc-metadata-a-bin", b"AQI=")], id="binary"),
        pytest.param([("a", "1"), ("a", "2")], [(b"grpc-metadata-a", b"1"), (b"grpc-metadata-a", b"2")], id="twice"),
        pytest.param([("grpc-status-details-bin", b""), ("x-request-id", "r")], [], id="not the caller's"),
        pytest.param([("a", "b\r\nset-cookie: c")], [], id="two lines"),
        pytest.param([("a\r\nset-cookie", "c")], [], id="a key of two lines"),
        pytest.param([("a", "\u20ac")], [], id="beyond ASCII"),
    ],
)
def test_metadata_becomes_headers(metadata: list[tuple[str, str | bytes]], headers: list[tuple[bytes, bytes]]) -> None:
    assert response_headers(metadata) == headers


@pytest.mark.parametrize(
    ("key", "name"),
    [
        pytest.param("etag", b"etag", id="listed"),
        pytest.param("trace-bin", b"trace-bin", id="binary"),
        pytest.param("x-other", b"grpc-metadata-x-other", id="not listed"),
        pytest.param("date", b"grpc-metadata-date", id="the server's own"),
    ],
)
def test_metadata_may_be_shown_under_its_own_name(key: str, name: bytes) -> None:
    value = b"\x01\x02" if key.endswith("-bin") else "AQI="
    exposed = frozenset({"etag", "trace-bin", "date"})
    assert response_headers([(key, value)], exposed=exposed) == [(name, b"AQI=")]


@pytest.mark.parametrize("name", ["connection", "transfer-encoding", "content-length", "grpc-status", "x-request-id"])
def test_no_list_exposes_what_is_https_or_grpcs_own(name: str) -> None:
    assert response_headers([(name, "v")], exposed=frozenset({name})) == []


def test_trailers_have_a_prefix_of_their_own() -> None:
    assert response_headers([("foo", "bar")], TRAILER_PREFIX) == [(b"grpc-trailer-foo", b"bar")]


def test_repeated_headers_are_joined() -> None:
    assert decoded_headers([(b"A", b" 1 "), (b"a", b"2"), (b"b", b"\xe9")]) == {"a": "1, 2", "b": "\xe9"}


@pytest.mark.parametrize("given", ["abc", "00-1", "a" * 128])
def test_a_callers_id_is_kept(given: str) -> None:
    assert request_id({"x-request-id": given}) == given


@pytest.mark.parametrize("given", [None, "", "a b", "a" * 129, "\xe9"])
def test_else_an_id_is_made(given: str | None) -> None:
    headers = {} if given is None else {"x-request-id": given}
    made = request_id(headers)
    assert made.startswith("req_")
    assert made != request_id(headers)
